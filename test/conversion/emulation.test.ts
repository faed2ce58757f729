// Variants run in ONNX Runtime: what they round, what they measure, and that the comparison of graphs sees differences.
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { emulated, explicit, exposed, localErrorVariant, sameGraph } from '../../server/src/emulate/index.js';
import { formatInformation, roundTo } from '../../server/src/formats/index.js';
import { findLayers } from '../../server/src/plan/index.js';
import { modelOf } from './graph-text.js';
import { checkConversion, graphFor, type Overflow, type Wish } from './plans.js';
import { fakeInput, floatsOf, runModel } from './run-model.js';

const vector = (...values: number[]): ort.Tensor => new ort.Tensor('float32', values, [values.length]);

/** The values of output `y` when the plan is emulated. */
async function emulate(
  text: string,
  wish: Wish,
  x: ort.Tensor,
  overflow?: Overflow,
): Promise<readonly number[]> {
  const variant = emulated(graphFor(modelOf(text), wish, overflow));
  return [...floatsOf(await runModel(variant.bytes, { x }), 'y')];
}

describe('emulation', () => {
  const sum = `input x: float[2]
    init w: float[2] = 0.0004
    y = Add(x, w)
    output y: float[2]`;

  it('rounds inputs, weights and outputs of a low layer', async () => {
    const half = (value: number): number => roundTo('fp16', value);
    const [a = 0] = await emulate(sum, { y: 'fp16' }, vector(0.1, 1));
    expect(a).toBe(half(half(0.1) + half(0.0004)));
    const [, b = 0] = await emulate(sum, { y: 'fp16' }, vector(0.1, 1));
    expect(b).toBe(1);
  });

  it('leaves other layers exact', async () => {
    const [a = 0] = await emulate(sum, { y: 'fp32' }, vector(0.1, 1));
    expect(a).toBe(Math.fround(Math.fround(0.1) + Math.fround(0.0004)));
  });

  it('shows an overflow at every border of a layer', async () => {
    const text = `input x: float[1]
      init c: float[1] = 100
      m = Mul(x, c)
      y = Div(m, c)
      output y: float[1]`;
    expect(await emulate(text, { '*': 'fp16' }, vector(1000))).toEqual([Infinity]);
    expect(await emulate(text, { '*': 'fp32' }, vector(1000))).toEqual([1000]);
  });

  it('does with weights beyond the range what the plan says', async () => {
    const text = `input x: float[1]
      init w: float[1] = 100000
      y = Mul(x, w)
      output y: float[1]`;
    expect(await emulate(text, { y: 'fp16' }, vector(0.5), 'inf')).toEqual([Infinity]);
    expect(await emulate(text, { y: 'fp16' }, vector(0.5), 'saturate')).toEqual([32752]);
  });

  // What no format has is made its largest number where it is read, and where it is written.
  for (const [format, largest] of [
    ['fp16', 65504],
    ['bf16', formatInformation('bf16').largest],
  ] as const) {
    it(`holds what a layer in ${format} reads and writes in its range where the plan says saturate`, async () => {
      const text = `input x: float[3]
        init c: float[1] = 2
        y = Mul(x, c)
        half = Div(x, c)
        output y: float[3]
        output half: float[3]`;
      const model = modelOf(text);
      const graph = graphFor(model, { y: format, half: 'fp32' }, 'saturate');
      const read = new ort.Tensor('float32', [3.4e38, -Infinity, 1.5], [3]);
      const emulation = await runModel(emulated(graph).bytes, { x: read });
      expect([...floatsOf(emulation, 'y')]).toEqual([largest, -largest, 3]);
      // Others read what there is.
      expect([...floatsOf(emulation, 'half')]).toEqual([Math.fround(1.7e38), -Infinity, 0.75]);
    });
  }

  it('draws the same random numbers in each session, and those that the original draws', async () => {
    const text = `input x: float[64]
      input c: bool[]
      n = RandomNormalLike(x)
      m = RandomUniformLike(x)
      graph @g
        t = RandomNormalLike(x)
        output t: float[64]
      end
      graph @k
        e = Neg(x)
        output e: float[64]
      end
      b = If(c) {"then_branch": {"graph": "@g"}, "else_branch": {"graph": "@k"}}
      output n: float[64]
      output m: float[64]
      output b: float[64]`;
    const model = modelOf(text);
    const feeds = {
      x: new ort.Tensor('float32', new Float32Array(64), [64]),
      c: new ort.Tensor('bool', Uint8Array.of(1), []),
    };
    const run = async (bytes: Uint8Array): Promise<readonly (readonly number[])[]> => {
      const result = await runModel(bytes, feeds);
      return ['n', 'm', 'b'].map((name) => [...floatsOf(result, name)]);
    };
    const original = await run(exposed(model, []).bytes);
    expect(await run(exposed(model, []).bytes)).toEqual(original);
    expect(await run(emulated(graphFor(model, { '*': 'fp32' })).bytes)).toEqual(original);
    const half = original.map((values) => values.map((value) => roundTo('fp16', value)));
    expect(await run(emulated(graphFor(model, { '*': 'fp16' })).bytes)).toEqual(half);
    // Nodes of one kind draw different numbers.
    expect(original[0]).not.toEqual(original[2]);
  });

  it.each([12, 13, 17])('drops the same elements in each session, at opset %d', async (opset) => {
    const text = `input x: float[64]
      init ratio: float[] = 0.5
      init training: bool[] = 1
      y = Dropout(x, ratio, training)
      output y: float[64]`;
    const model = modelOf(text, { opset });
    const x = vector(...Array.from({ length: 64 }, (_, at) => at + 1));
    const run = async (wish: Wish): Promise<readonly number[]> =>
      Array.from(floatsOf(await runModel(emulated(graphFor(model, wish)).bytes, { x }), 'y'));
    const dropped = await run({ '*': 'fp32' });
    expect(await run({ '*': 'fp32' })).toEqual(dropped);
    expect(await run({ '*': 'fp16' })).toEqual(dropped);
    expect([...floatsOf(await runModel(exposed(model, []).bytes, { x }), 'y')]).toEqual(dropped);
    // What is kept is doubled.
    expect(new Set(dropped.map((value, at) => value / (at + 1)))).toEqual(new Set([0, 2]));
  });

  it('and a converted model does the same, executed', async () => {
    const text = `input x: float[3]
      init c: float[1] = 2
      m = Mul(x, c)
      moved = Reshape(m, shape)
      init shape: int64[1] = 3
      y = Sub(moved, c)
      output y: float[3]`;
    const { bytes, model } = checkConversion(modelOf(text), { '*': 'fp16' }, 'saturate');
    const read = new ort.Tensor('float32', [1e5, -Infinity, 40000], [3]);
    expect([...floatsOf(await runModel(bytes, { x: read }), 'y')]).toEqual([65504, -65504, 65504]);
    // What a layer has written in its range is read as it is, also where it was moved.
    const clips = model.graph.nodes.filter(({ opType }) => opType === 'Clip').map(({ inputs }) => inputs[0]);
    expect(clips).toEqual(['x_fp16', 'm_unrounded', 'y_fp16_unrounded']);
  });

  it('keeps FP16 inputs and outputs of a model that has them', async () => {
    const model = modelOf(
      `input x: float16[1]
       y = Exp(x)
       output y: float16[1]`,
    );
    const x = new ort.Tensor('float16', Uint16Array.of(0x3c00), [1]);
    const { outputs } = await runModel(explicit(model).bytes, { x });
    expect(outputs['y']?.type).toBe('float16');
    expect(Array.from(outputs['y']?.data as Uint16Array)).toEqual([0x4170]);
  });
});

describe('exposed tensors', () => {
  it('come out beside the outputs of the model', async () => {
    const model = modelOf(
      `input x: float[2]
       c = Constant() {"value": {"tensor": "float[2] = 3"}}
       h = Mul(x, c)
       y = Neg(h)
       output y: float[2]`,
    );
    const { outputs } = await runModel(exposed(model, ['h', 'x', 'y', 'none']).bytes, { x: vector(1, 2) });
    expect(Object.keys(outputs)).toEqual(['y', 'h', 'x']);
    expect([...(outputs['h']?.data as Float32Array)]).toEqual([3, 6]);
  });
});

describe('local errors', () => {
  const text = `input x: float[2,8]
    init w: float[8,8] = 0.11 -0.32 0.53 0.74 -0.95
    init big: float[] = 3000
    "low": h = MatMul(x, w)
    "exact": r = Relu(h)
    "huge": s = Mul(r, big)
    "over": q = Mul(s, s)
    "after": y = Sqrt(s)
    output q: float[2,8]
    output y: float[2,8]`;

  it.each([11, 13, 17])('are those of each layer alone, at opset %d', async (opset) => {
    const model = modelOf(text, { opset });
    const { bytes, outputs } = localErrorVariant(model, findLayers(model), 'fp16');
    const run = await runModel(bytes, { x: fakeInput([2, 8]) });
    const errors = outputs.map(({ layer, squaredError, squaredNorm }) => {
      const [error = NaN] = floatsOf(run, squaredError);
      const [norm = NaN] = floatsOf(run, squaredNorm);
      return [layer.name, Math.sqrt(error / norm)] as const;
    });
    expect(errors.map(([name]) => name)).toEqual(['low', 'exact', 'huge', 'over', 'after']);
    for (const [name, error] of errors) {
      // The overflow shows at its own layer and poisons no other.
      if (name === 'over') expect(Number.isFinite(error)).toBe(false);
      else {
        expect(error).toBeGreaterThan(0);
        expect(error).toBeLessThan(2 ** -10);
      }
    }
  });

  it('leave out layers whose operator does not allow the format', () => {
    const model = modelOf(text, { opset: 11 });
    expect(localErrorVariant(model, findLayers(model), 'bf16').outputs).toEqual([]);
  });
});

describe('comparison of graphs', () => {
  const base = `input x: float[4]
    init w: float[4] = 0.1
    y = Mul(x, w)
    z = Exp(y)
    output z: float[4]`;

  function difference(a: string, wishA: Wish, b: string, wishB: Wish): string | undefined {
    return sameGraph(
      emulated(graphFor(modelOf(a), wishA)).model,
      emulated(graphFor(modelOf(b), wishB)).model,
    );
  }

  it('finds none between a graph and itself, under other names', () => {
    const renamed = base.replaceAll('w', 'weight').replaceAll('y', 'hidden');
    expect(difference(base, { '*': 'fp16' }, renamed, { '*': 'fp16' })).toBeUndefined();
  });

  it('sees a rounding that is missing', () => {
    expect(difference(base, { '*': 'fp16' }, base, { z: 'fp16' })).toMatch(/^node 0: y/);
    expect(difference(base, { '*': 'fp16' }, base, { y: 'fp16' })).toMatch(/^output "z"/);
  });

  it('sees another constant, operator or attribute', () => {
    expect(difference(base, {}, base.replace('0.1', '0.2'), {})).toMatch(/^node 0: y/);
    expect(difference(base, {}, base.replace('Exp', 'Sqrt'), {})).toMatch(
      /^node 1: z .*Exp.* is not z .*Sqrt/,
    );
    const softmax = base.replace('Exp(y)', 'Softmax(y) {"axis": 0}');
    expect(difference(softmax, {}, softmax.replace('"axis": 0', '"axis": -1'), {})).toMatch(/^node 1: z/);
  });

  it('takes a weight that is rounded already for the same as one that is rounded by a cast', () => {
    const rounded = base.replace('0.1', String(roundTo('fp16', 0.1)));
    expect(difference(base, { '*': 'fp16' }, rounded, { '*': 'fp16' })).toBeUndefined();
  });
});
