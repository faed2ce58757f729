// A detector of speech of the structure that such models are exported with (silero's VAD): a branch for each sampling rate,
// branches in them on the shapes of what they compute, weights and samples captured from outside, the same names in both, and
// the state of an LSTM that goes in and comes out. Fed with a sequence, each step with the state of the one before.
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { emulated, explicit } from '../../server/src/emulate/index.js';
import { inferTypes } from '../../server/src/onnx/index.js';
import { findLayers } from '../../server/src/plan/index.js';
import { modelOf } from './graph-text.js';
import { checkConversion, type Wish } from './plans.js';
import { bitsOf, fakeInput, floatsOf, runModel, type Feeds, type RunResult } from './run-model.js';

const SAMPLES = 64;
const HIDDEN = 4;
const STEPS = 3;
const IF = '{"then_branch": {"graph": "THEN"}, "else_branch": {"graph": "ELSE"}}';

/** The detector for one sampling rate, whose spectrum has windows of `window` samples, `stride` apart. */
function detector(name: string, window: number, stride: number, weight: number): string {
  return `
    graph ${name}_one
      q = Squeeze(a2, last)
      m = Relu(q)
      output m: float[1,${HIDDEN}]
    end
    graph ${name}_many
      r = ReduceMean(a2) {"axes": [2], "keepdims": 0}
      m = Relu(r)
      output m: float[1,${HIDDEN}]
    end
    graph ${name}_first
      p = MatMul(m, w_first)
      g = Sigmoid(p)
      output g: float[1,${HIDDEN}]
    end
    graph ${name}_later
      g = Mul(m, gain)
      output g: float[1,${HIDDEN}]
    end
    graph ${name}
      init basis: float[6,1,${window}] = ${weight} -0.1 0.2 0.05
      init w1: float[5,3,3] = 0.2 -${weight} 0.1
      init b1: float[5] = 0.1 -0.05
      init w2: float[${HIDDEN},5,3] = -0.1 ${weight} 0.3
      init wx: float[1,${4 * HIDDEN},${HIDDEN}] = 0.3 -0.2 ${weight}
      init wh: float[1,${4 * HIDDEN},${HIDDEN}] = -0.1 0.2
      init wo: float[${HIDDEN},1] = 0.7 -0.4 ${weight}
      pad = Pad(x, pads) {"mode": "reflect"}
      u = Unsqueeze(pad, one)
      s = Conv(u, basis) {"strides": [${stride}]}
      re = Slice(s, zero, three, one)
      im = Slice(s, three, six, one)
      r2 = Pow(re, two)
      i2 = Pow(im, two)
      sum = Add(r2, i2)
      mag = Sqrt(sum)
      c1 = Conv(mag, w1, b1) {"pads": [1, 1], "strides": [2]}
      a1 = Relu(c1)
      c2 = Conv(a1, w2) {"pads": [1, 1], "strides": [2]}
      a2 = Relu(c2)
      shape = Shape(a2)
      length = Gather(shape, last)
      is_one = Equal(length, one)
      is_flat = Squeeze(is_one, zero)
      m = If(is_flat) ${IF.replace('THEN', `${name}_one`).replace('ELSE', `${name}_many`)}
      total = ReduceSum(state) {"keepdims": 0}
      is_first = Equal(total, nothing)
      g = If(is_first) ${IF.replace('THEN', `${name}_first`).replace('ELSE', `${name}_later`)}
      seq = Unsqueeze(g, zero)
      h0 = Slice(state, zero, one, zero)
      c0 = Slice(state, one, two_i, zero)
      y, h, c = LSTM(seq, wx, wh, , , h0, c0) {"hidden_size": ${HIDDEN}}
      next = Concat(h, c) {"axis": 0}
      flat = Squeeze(y, front)
      act = Relu(flat)
      logit = MatMul(act, wo)
      speech = Sigmoid(logit)
      output speech: float[1,1]
      output next: float[2,1,${HIDDEN}]
    end`;
}

const text = `
  input x: float
  input state: float[2,1,${HIDDEN}]
  input rate: int64[]
  init fast: int64[] = 16000
  init slow: int64[] = 8000
  init pads: int64[4] = 0 4 0 4
  init zero: int64[1] = 0
  init one: int64[1] = 1
  init two_i: int64[1] = 2
  init three: int64[1] = 3
  init six: int64[1] = 6
  init last: int64[1] = 2
  init front: int64[2] = 0 1
  init two: float[] = 2
  init nothing: float[] = 0
  init gain: float[${HIDDEN}] = 1.5 0.5
  init w_first: float[${HIDDEN},${HIDDEN}] = 0.4 -0.3 0.2
  ${detector('at_16k', 16, 8, 0.3)}
  ${detector('at_8k', 32, 40, 0.15)}
  graph unknown_rate
    speech = Constant() {"value": {"tensor": "float[1,1] = 0.5"}}
    next = Identity(state)
    output speech: float[1,1]
    output next: float[2,1,${HIDDEN}]
  end
  graph other_rate
    is_slow = Equal(rate, slow)
    speech, next = If(is_slow) ${IF.replace('THEN', 'at_8k').replace('ELSE', 'unknown_rate')}
    output speech: float[1,1]
    output next: float[2,1,${HIDDEN}]
  end
  is_fast = Equal(rate, fast)
  speech, next = If(is_fast) ${IF.replace('THEN', 'at_16k').replace('ELSE', 'other_rate')}
  output speech: float[1,1]
  output next: float[2,1,${HIDDEN}]`;

const model = modelOf(text, { opset: 13 });
const original = model.source.read(0, model.source.length);
const layers = findLayers(model).map(({ name }) => name);
const RATES = [16_000, 8_000, 11_025];

/** The outputs of each step of a sequence at a sampling rate. */
async function runSequence(bytes: Uint8Array, rate: number, level?: 'all'): Promise<readonly RunResult[]> {
  const results: RunResult[] = [];
  let state = new ort.Tensor('float32', new Float32Array(2 * HIDDEN), [2, 1, HIDDEN]);
  for (let step = 0; step < STEPS; step += 1) {
    const feeds: Feeds = {
      x: fakeInput([1, SAMPLES], step + 1),
      state,
      rate: new ort.Tensor('int64', BigInt64Array.of(BigInt(rate)), []),
    };
    const result = await runModel(bytes, feeds, undefined, level);
    results.push(result);
    state = new ort.Tensor('float32', floatsOf(result, 'next'), [2, 1, HIDDEN]);
  }
  return results;
}

const wishes: readonly { readonly plan: string; readonly wish: Wish }[] = [
  { plan: 'all FP16', wish: { '*': 'fp16' } },
  { plan: 'every other layer FP16', wish: (_name, at) => (at % 2 === 0 ? 'fp16' : 'fp32') },
  { plan: 'the others', wish: (_name, at) => (at % 2 === 1 ? 'fp16' : 'fp32') },
  ...layers.map((name) => ({ plan: name, wish: { [name]: 'fp16' } as const })),
];

describe('a detector of speech', () => {
  it('has the layers of both detectors, by names that lead to them', () => {
    expect(inferTypes(model).problems).toEqual([]);
    expect(layers.filter((name) => name.startsWith('speech > then_branch > '))).toHaveLength(
      layers.filter((name) => name.startsWith('speech > else_branch > speech > then_branch > ')).length,
    );
    expect(layers).toContain('speech > then_branch > g > else_branch > g');
  });

  it('takes each of its branches', async () => {
    const [fast, slow, unknown] = await Promise.all(RATES.map((rate) => runSequence(original, rate)));
    const speech = (results: readonly RunResult[] | undefined): readonly number[] =>
      (results ?? []).flatMap((result) => [...floatsOf(result, 'speech')]);
    expect(new Set([...speech(fast), ...speech(slow)]).size).toBe(2 * STEPS);
    expect(speech(unknown)).toEqual([0.5, 0.5, 0.5]);
  });

  it.each(wishes)('$plan', async ({ wish }) => {
    const { bytes, graph, model: converted } = checkConversion(model, wish);
    expect(graph.casts.length).toBeGreaterThan(0);
    for (const rate of RATES) {
      const before = await runSequence(original, rate);
      const emulation = await runSequence(emulated(graph).bytes, rate);
      const casts = await runSequence(explicit(converted).bytes, rate);
      expect(casts.map(bitsOf)).toEqual(emulation.map(bitsOf));
      for (const results of [
        emulation,
        await runSequence(bytes, rate),
        await runSequence(bytes, rate, 'all'),
      ]) {
        results.forEach((result, step) => {
          for (const output of ['speech', 'next']) {
            const wanted = floatsOf(before[step] ?? result, output);
            floatsOf(result, output).forEach((value, at) => {
              expect(Math.abs(value - (wanted[at] ?? NaN))).toBeLessThan(0.01);
            });
          }
        });
      }
    }
  });
});
