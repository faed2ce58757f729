/** Ranges of gradients against derivatives by hand, and the scale that follows from them. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../onnx/index.js';
import { findLayers } from '../../plan/index.js';
import { openEvaluation, type Evaluation } from '../sessions/evaluation.js';
import { gradientRanges, spreadOfAll } from './gradient-ranges.js';
import { settledScale } from './loss-scale.js';
import {
  computeForTests,
  floatTensor,
  POSE_MODEL,
  randomSamples,
  realModel,
  sampleOf,
  writeModel,
} from '../testing/index.js';

const { runtime, folder } = await computeForTests();

const SAMPLES = [
  [1, -2, 3, 4],
  [0.5, 2, -8, 1],
];

/** y = relu(w x), w = 3: the gradient of half the mean of y^2 is y / 4 at y, 3 y / 4 before, and the sum of x y / 4 at w. */
async function small(opType: string): Promise<Evaluation> {
  const model = writeModel(join(folder, `${opType}.onnx`), {
    nodes: [
      makeNode({ opType: 'Mul', name: 'times', inputs: ['x', 'w'], outputs: ['a'] }),
      makeNode({ opType, name: 'last', inputs: ['a'], outputs: ['y'] }),
    ],
    weights: [floatTensor('w', [1, 4], new Float32Array(4).fill(3))],
    inputs: { x: [1, 4] },
    outputs: { y: [1, 4] },
  });
  const fed = SAMPLES.map((values, index) =>
    sampleOf(index, { x: { dims: [1, 4], values: Float32Array.from(values) } }),
  );
  return await openEvaluation(runtime, model, fed);
}

describe('gradients', () => {
  it('are measured at what layers write and at their weights, over all samples', async () => {
    const evaluation = await small('Relu');
    const { ranges, unknown } = await gradientRanges(evaluation, findLayers(evaluation.model));
    expect(unknown).toEqual([]);
    expect([...ranges.keys()].sort()).toEqual(['a', 'w', 'y']);
    // The largest output is 12, at index 3 of the first sample.
    expect(ranges.get('y')).toMatchObject({ maxAbs: 3, sample: 0, index: 3, elements: 8 });
    expect(ranges.get('a')).toMatchObject({ maxAbs: 3, histogram: { zeros: 2, negative: 0 } });
    expect(ranges.get('w')).toMatchObject({ kind: 'weight', maxAbs: 12, elements: 8 });
    const spread = spreadOfAll({ ranges });
    expect(spread?.maxAbs).toBe(12);
    expect(spread === undefined ? undefined : settledScale(spread, 'fp16')?.scale).toBe(2 ** 12);
  });

  it('of what leads through a node without a derivative are not known, and the node is named', async () => {
    const evaluation = await small('Hardmax');
    const { ranges, unknown, withoutRule } = await gradientRanges(evaluation, findLayers(evaluation.model));
    expect(ranges.has('y')).toBe(true);
    expect([...unknown].sort()).toEqual(withoutRule.length === 0 ? [] : ['a', 'w']);
  });

  it('of the pose model are known for every layer', async () => {
    const evaluation = await openEvaluation(runtime, realModel(POSE_MODEL), poseSample());
    const layers = findLayers(evaluation.model);
    const { ranges, unknown, withoutRule } = await gradientRanges(evaluation, layers);
    expect([unknown, withoutRule]).toEqual([[], []]);
    expect(ranges.size).toBeGreaterThan(layers.length);
    const spread = spreadOfAll({ ranges });
    const scale = (spread === undefined ? undefined : settledScale(spread, 'fp16')?.scale) ?? NaN;
    expect(Number.isInteger(Math.log2(scale))).toBe(true);
    // The largest gradient just fits: twice the scale is too much.
    const largest = (spread?.maxAbs ?? NaN) * scale;
    expect(largest).toBeLessThan(65520);
    expect(largest).toBeGreaterThanOrEqual(65520 / 2);
  });
});

function poseSample() {
  return randomSamples(1, [1, 256, 256, 3]).map((sample) => {
    const { x } = sample.inputs;
    return { ...sample, inputs: x === undefined ? {} : { input_1: x } };
  });
}
