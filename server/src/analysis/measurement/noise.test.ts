/** What a verdict says about its noise, and where the noise comes from. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataType, makeNode } from '../../onnx/index.js';
import { precisionGraph } from '../../plan/index.js';
import { openEvaluation, type Evaluation } from '../sessions/evaluation.js';
import { measure, type ToleranceMeasurement } from './measurement.js';
import { judge, withNoiseFloor, type ToleranceVerdict } from './noise.js';
import type { Sample } from '../samples/index.js';
import {
  bindTo,
  computeForTests,
  randomSamples,
  randomValues,
  sampleOf,
  WIDTH,
  writeChain,
  writeModel,
} from '../testing/index.js';

const { runtime, folder } = await computeForTests();
const chain = await openEvaluation(runtime, writeChain(join(folder, 'chain.onnx'), 4), randomSamples(3));

async function verdictsOf(evaluation: Evaluation, text: string, draws = 3) {
  const { plan } = bindTo(evaluation.model, text);
  const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
  const measurement = await measure(evaluation, graph, plan.tolerances);
  return withNoiseFloor(evaluation, graph, measurement, draws);
}

function checkVerdict(
  measured: number,
  operator: '<=' | '>=',
  limit: number,
  noise: number,
  verdict: ToleranceVerdict['verdict'],
): void {
  const measurement: ToleranceMeasurement = {
    tolerance: {
      output: 'y',
      metric: { name: operator === '<=' ? 'max_abs' : 'sqnr' },
      operator,
      limit,
      over: 'worst',
      text: '',
      source: { path: '', range: { start: 0, end: 0 } },
    },
    measured,
    figures: [],
    holds: operator === '<=' ? measured <= limit : measured >= limit,
  };
  expect(judge(measurement, noise).verdict).toBe(verdict);
}

describe('a verdict', () => {
  it.each([
    [1, '<=', 2, 0.5, 'holds'],
    [1, '<=', 2, 1, 'holds within noise'],
    [1, '<=', 2, 3, 'holds within noise'],
    [3, '<=', 2, 0.5, 'exceeded'],
    [3, '<=', 2, 1, 'exceeded within noise'],
    [60, '>=', 40, 5, 'holds'],
    [42, '>=', 40, 5, 'holds within noise'],
    [38, '>=', 40, 5, 'exceeded within noise'],
    [20, '>=', 40, 5, 'exceeded'],
    // On the limit, and nothing moves it: `top1 >= 1`, `max_abs <= 0`.
    [0, '<=', 0, 0, 'holds'],
    [1, '>=', 1, 0, 'holds'],
    [0, '<=', 0, 1e-9, 'holds within noise'],
    [Infinity, '<=', 2, 0, 'exceeded'],
    [Infinity, '<=', 2, Infinity, 'exceeded within noise'],
    [Infinity, '>=', 40, 0, 'holds'],
  ] as const)('%d %s %d with noise %d: %s', checkVerdict);
});

describe('the noise floor', () => {
  it('of a plan that changes nothing is exactly 0', async () => {
    const { verdicts, sessions, inferences } = await verdictsOf(
      chain,
      'default: fp32\ntolerance "y" max_abs <= 0\ntolerance "y" sqnr >= 100\n',
    );
    expect(verdicts.map(({ noise, verdict }) => [noise, verdict])).toEqual([
      [0, 'holds'],
      [0, 'holds'],
    ]);
    // Three draws of three samples, in the emulated and in the original model.
    expect({ sessions, inferences }).toEqual({ sessions: 1, inferences: 18 });
  });

  it('of a plan that rounds is above 0, far below the error, and the same each time', async () => {
    const text = 'default: bf16\ntolerance "y" relative_l2 <= 1\n';
    const [first] = (await verdictsOf(chain, text)).verdicts;
    expect(first?.noise).toBeGreaterThan(0);
    expect(first?.noise).toBeLessThan((first?.measured ?? 0) / 2);
    expect((await verdictsOf(chain, text)).verdicts[0]).toEqual(first);
  });

  it('grows with the draws', async () => {
    const text = 'default: bf16\ntolerance "y" relative_l2 <= 1\n';
    const noises = [];
    for (const draws of [0, 1, 2, 4])
      noises.push((await verdictsOf(chain, text, draws)).verdicts[0]?.noise ?? NaN);
    expect(noises[0]).toBe(0);
    expect(noises).toEqual([...noises].sort((a, b) => a - b));
  });

  it('moves inputs of one shape apart, so that it does not cancel out', async () => {
    // The difference of two inputs that are alike: the same noise on both would leave it at 0.
    const model = writeModel(join(folder, 'difference.onnx'), {
      nodes: [makeNode({ opType: 'Sub', name: 'sub', inputs: ['a', 'b'], outputs: ['y'] })],
      inputs: { a: [1, WIDTH], b: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    const same = { dims: [1, WIDTH], values: randomValues(WIDTH, 5) };
    const samples: Sample[] = [sampleOf(0, { a: same, b: same })];
    const evaluation = await openEvaluation(runtime, model, samples);
    const { verdicts } = await verdictsOf(evaluation, 'layer "sub": fp16\ntolerance "y" max_abs <= 1\n');
    expect(verdicts[0]?.measured).toBe(0);
    expect(verdicts[0]?.noise).toBeGreaterThan(0);
  });

  it('frees the moved inputs', async () => {
    const before = (await runtime.put(DataType.FLOAT, [1], { kind: 'bytes', bytes: new Uint8Array(4) })).id;
    await verdictsOf(chain, 'default: bf16\ntolerance "y" relative_l2 <= 1\n', 1);
    // Handles count up: those made since then are gone.
    const after = (await runtime.put(DataType.FLOAT, [1], { kind: 'bytes', bytes: new Uint8Array(4) })).id;
    for (let id = before + 1; id < after; id++) {
      const handle = { id, dataType: DataType.FLOAT, dims: [1, WIDTH] };
      await expect(runtime.read(handle)).rejects.toMatchObject({ kind: 'failed' });
    }
    expect(after).toBeGreaterThan(before + 6);
  });
});
