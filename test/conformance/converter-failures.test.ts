/** What converters are known to get wrong, and no other test here shows: each as small as it can be. */
import { describe, expect, it } from 'vitest';
import { DataType, inferTypes, indexGraph, type Model } from '../../server/src/onnx/index.js';
import { findLayers } from '../../server/src/plan/index.js';
import { modelOf, modelOfBytes } from '../conversion/graph-text.js';
import { checkConversion, type Wish } from '../conversion/plans.js';
import { fakeInput, floatsOf, runModel } from '../conversion/run-model.js';

/** Converts to FP16 and runs the result, optimised and not: it has the shapes of the original. */
async function checkRuns(text: string, dims: readonly number[]): Promise<void> {
  const model = modelOf(text);
  const { bytes } = checkConversion(model, { '*': 'fp16' });
  const feeds = { x: fakeInput(dims) };
  const before = await runModel(model.source.read(0, model.source.length), feeds);
  for (const level of ['disabled', 'all'] as const) {
    const after = await runModel(bytes, feeds, undefined, level);
    for (const [name, { type, dims: shape }] of Object.entries(before.outputs)) {
      expect(after.outputs[name]).toMatchObject({ type, dims: shape });
    }
  }
}

describe('weights without elements or without axes', () => {
  it('are converted like others', async () => {
    await checkRuns(
      `input x: float[2,3]
       init none: float[0,3] = 0
       init one: float[] = 2
       a = Concat(x, none) {"axis": 0}
       b = Mul(a, one)
       y = Exp(b)
       output y: float[2,3]`,
      [2, 3],
    );
  });

  it('so are inputs and outputs without elements', async () => {
    await checkRuns(
      `input x: float[0,3]
       init w: float[3,2] = 0.5
       m = MatMul(x, w)
       y = Neg(m)
       output y: float[0,2]`,
      [0, 3],
    );
  });
});

describe('nodes without names', () => {
  it('are told apart, and their casts too', () => {
    const { graph, model } = checkConversion(
      modelOf(`input x: float[2]
        a = Exp(x)
        b = Neg(a)
        c = Abs(a)
        d = Exp(a)
        y = Sum(b, c, d)
        output y: float[2]`),
      { a: 'fp16', c: 'fp16' },
    );
    expect(graph.casts).toHaveLength(3);
    const names = model.graph.nodes.map(({ name }) => name).filter((name) => name !== '');
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('constants that nothing reads', () => {
  it('stay as they are', () => {
    const before = modelOf(`input x: float[2]
      init unused: float[2] = 1 2
      c = Constant() {"value_floats": {"float": [1, 2]}}
      y = Exp(x)
      output y: float[2]`);
    const { model } = checkConversion(before, { '*': 'fp16' });
    expect(model.graph.initializers.map(({ name, dataType }) => [name, dataType])).toEqual([['unused', 1]]);
    expect(indexGraph(model.graph).isSorted).toBe(true);
  });
});

describe('lists of tensors', () => {
  it('hold what they held: FP32 in, FP32 out', () => {
    const { graph } = checkConversion(
      modelOf(`input x: float[2,4]
        init at: int64[] = 0
        a = Exp(x)
        b = Neg(a)
        list = SequenceConstruct(a, b)
        c = SequenceAt(list, at)
        y = Abs(c)
        output y: float[2,4]`),
      { '*': 'fp16' },
    );
    expect(graph.casts.length).toBeGreaterThan(0);
  });
});

describe('what conversion does not concern', () => {
  it('is kept byte for byte: metadata, training information and fields of the future', () => {
    const model = modelOf('input x: float[2]\ny = Exp(x)\noutput y: float[2]');
    const text = (tag: number, content: string): Buffer =>
      Buffer.concat([Buffer.from([tag, content.length]), Buffer.from(content)]);
    const metadata = text(0x72, `${text(0x0a, 'author').toString()}${text(0x12, 'nobody').toString()}`);
    // Field 20 is `training_info`; field 1000 no version of the standard has.
    const training = Buffer.from([0xa2, 0x01, 0x00]);
    const future = Buffer.from([0xc2, 0x3e, 3, 1, 2, 3]);
    const extra = Buffer.concat([metadata, training, future]);
    const whole = Buffer.concat([model.source.read(0, model.source.length), extra]);
    const { bytes } = checkConversion(modelOfBytes(whole), { '*': 'fp16' });
    expect(Buffer.from(bytes).includes(extra)).toBe(true);
  });
});

/** A field of protobuf: a tag and what it holds. */
function field(number: number, content: Uint8Array | number): Buffer {
  if (typeof content === 'number') return Buffer.concat([varint(number * 8), varint(content)]);
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest < 128 ? rest : (rest % 128) + 128);
    if (rest < 128) return Uint8Array.from(bytes);
  }
}

/** The model with more fields in its graph, behind the others. */
function withGraphFields(model: Model, ...fields: readonly Uint8Array[]): Model {
  const { source, message, graph } = model;
  const whole = message?.fields.find(({ number }) => number === 7)?.whole;
  const inner = graph.message?.range;
  if (whole === undefined || inner === undefined) throw new Error('no graph');
  const end = whole.offset + whole.length;
  const grown = Buffer.concat([source.read(inner.offset, inner.length), ...fields]);
  return modelOfBytes(
    Buffer.concat([source.read(0, whole.offset), field(7, grown), source.read(end, source.length - end)]),
  );
}

/** A `SparseTensorProto` of shape 4 x 4 with three values, in rows 0, 1 and 3. */
function sparseTensor(name: string): Buffer {
  const values = Buffer.from(Float32Array.of(0.5, -1.25, 2).buffer);
  const indices = Buffer.from(BigInt64Array.of(0n, 6n, 15n).buffer);
  return Buffer.concat([
    field(
      1,
      Buffer.concat([field(1, 3), field(2, DataType.FLOAT), field(8, Buffer.from(name)), field(9, values)]),
    ),
    field(2, Buffer.concat([field(1, 3), field(2, DataType.INT64), field(9, indices)])),
    field(3, 4),
    field(3, 4),
  ]);
}

const wishes: readonly Wish[] = [
  { '*': 'fp16' },
  (_name, at) => (at % 2 === 0 ? 'fp16' : 'fp32'),
  (_name, at) => (at % 2 === 1 ? 'fp16' : 'fp32'),
];

describe('sparse initializers', () => {
  const dense = modelOf(`input x: float[2,4]
    a = Exp(x)
    m = MatMul(a, w)
    y = Neg(m)
    output y: float[2,4]`);
  const stored = sparseTensor('w');
  const model = withGraphFields(dense, field(15, stored));

  it('have the type and shape that their readers see', () => {
    const { types, problems } = inferTypes(model);
    expect(problems).toEqual([]);
    expect(types.get('w')).toEqual({ kind: 'tensor', elementType: DataType.FLOAT, shape: [4, 4] });
    expect(findLayers(model)).toHaveLength(3);
  });

  it.each(wishes)('keep their bytes, and are cast for readers in another type', async (wish) => {
    const { bytes, model: converted } = checkConversion(model, wish);
    expect(Buffer.from(bytes).includes(stored)).toBe(true);
    expect(converted.graph.sparseInitializers).toEqual(['w']);
    const feeds = { x: fakeInput([2, 4]) };
    const before = await runModel(model.source.read(0, model.source.length), feeds);
    const after = await runModel(bytes, feeds);
    const [wanted, found] = [before, after].map((result) => floatsOf(result, 'y'));
    expect(wanted?.some((value) => value !== 0)).toBe(true);
    found?.forEach((value, at) => {
      expect(Math.abs(value - (wanted?.[at] ?? NaN))).toBeLessThan(0.01);
    });
  });

  it('may be constants of nodes, which are left alone', async () => {
    const node = Buffer.concat([
      field(2, Buffer.from('w')),
      field(4, Buffer.from('Constant')),
      field(
        5,
        Buffer.concat([field(1, Buffer.from('sparse_value')), field(22, sparseTensor('')), field(20, 11)]),
      ),
    ]);
    // In front of the others: nodes stand in order.
    const base = modelOf('input x: float[2,4]\noutput y: float[2,4]');
    const product = Buffer.concat([
      ...['x', 'w'].map((name) => field(1, Buffer.from(name))),
      field(2, Buffer.from('y')),
      field(4, Buffer.from('MatMul')),
    ]);
    const constant = withGraphFields(base, field(1, node), field(1, product));
    const { bytes } = checkConversion(constant, { '*': 'fp16' });
    expect(Buffer.from(bytes).includes(sparseTensor(''))).toBe(true);
    const feeds = { x: fakeInput([2, 4]) };
    const wanted = floatsOf(await runModel(constant.source.read(0, constant.source.length), feeds), 'y');
    floatsOf(await runModel(bytes, feeds), 'y').forEach((value, at) => {
      expect(Math.abs(value - (wanted[at] ?? NaN))).toBeLessThan(0.01);
    });
  });
});

describe('notes on quantization', () => {
  it('keep their bytes, and so do the tensors that they name', () => {
    const model = modelOf(`input x: float[2,4]
      init s: float[1] = 0.5
      a = Exp(x)
      y = Neg(a)
      output y: float[2,4]`);
    const entry = Buffer.concat([field(1, Buffer.from('SCALE_TENSOR')), field(2, Buffer.from('s'))]);
    const annotation = field(14, Buffer.concat([field(1, Buffer.from('a')), field(2, entry)]));
    for (const wish of wishes) {
      const { bytes, model: converted } = checkConversion(withGraphFields(model, annotation), wish);
      expect(Buffer.from(bytes).includes(annotation)).toBe(true);
      expect(converted.graph.initializers.map(({ name }) => name)).toContain('s');
    }
  });
});

describe('inputs and outputs that are no tensors', () => {
  it('keep their types: a sequence of FP32 tensors that the model gives', () => {
    for (const wish of wishes) {
      const { model: converted } = checkConversion(
        modelOf(`input x: float[2,4]
          a = Exp(x)
          b = Neg(a)
          list = SequenceConstruct(a, b)
          at = Constant() {"value_int": 1}
          y = SequenceAt(list, at)
          output y: float[2,4]`),
        wish,
      );
      expect(inferTypes(converted).types.get('list')).toMatchObject({
        kind: 'sequence',
        element: { elementType: DataType.FLOAT },
      });
    }
  });
});

describe('operators that nobody knows', () => {
  it('are left alone: what they read and write keeps its type', () => {
    const text = `input x: float[2,4]
      a = Exp(x)
      b = com.example.Strange(a)
      c = Neg(b)
      y = Abs(c)
      value b: float[2,4]
      output y: float[2,4]`;
    for (const wish of wishes) {
      const { model: converted } = checkConversion(modelOf(text), wish);
      const strange = converted.graph.nodes.find(({ opType }) => opType === 'Strange');
      const { types } = inferTypes(converted);
      const typesOf = (names: readonly string[] | undefined): unknown =>
        names?.map((name) => types.get(name));
      const float = { kind: 'tensor', elementType: DataType.FLOAT };
      expect(typesOf(strange?.inputs)).toMatchObject([float]);
      expect(typesOf(strange?.outputs)).toMatchObject([float]);
    }
  });
});

describe('models of the time when initializers had to be inputs', () => {
  it('have constants that are converted, and inputs that are not', async () => {
    const model = modelOf(
      `input x: float[2,4]
       input w: float[4,4]
       init w: float[4,4] = 0.1 -0.2 0.3
       m = MatMul(x, w)
       y = Neg(m)
       output y: float[2,4]`,
      { opset: 8, irVersion: 3 },
    );
    for (const wish of wishes) {
      const { bytes, model: converted } = checkConversion(model, wish);
      expect(converted.graph.inputs.map(({ name }) => name)).toEqual(['x', 'w']);
      const { inputs } = await runModel(bytes, { x: fakeInput([2, 4]) });
      expect(inputs).toContain('x');
    }
  });
});
