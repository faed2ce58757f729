/** What converters are known to get wrong, and no other test here shows: each as small as it can be. */
import { describe, expect, it } from 'vitest';
import { indexGraph } from '../../server/src/onnx/index.js';
import { modelOf, modelOfBytes } from '../conversion/graph-text.js';
import { checkConversion } from '../conversion/plans.js';
import { fakeInput, runModel } from '../conversion/run-model.js';

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
