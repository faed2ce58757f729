// The Hessian of a loss against the same by hand: of cross-entropy, and of a squared distance that is not convex.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roundTo } from '../../formats/index.js';
import { makeNode } from '../../onnx/index.js';
import { findLayers } from '../../plan/index.js';
import { measuredAnew } from '../remembered.js';
import {
  computeForTests,
  floatTensor,
  randomValues,
  sampleOf,
  withEvaluation,
  writeModel,
} from '../testing/index.js';
import { knownLossCurvatures, type LossCurvature } from './index.js';
import { symmetricEigen } from '../sketch/index.js';

const { runtime, folder } = await computeForTests();

const READ = 2;
const WRITTEN = 3;
const x = randomValues(READ, 1);
const w = randomValues(READ * WRITTEN, 2);
const change = Float64Array.from(w, (value) => roundTo('fp16', value) - value);

type Loss = (weights: Float64Array) => number;

const product = (weights: Float64Array): number[] =>
  Array.from({ length: WRITTEN }, (_, column) =>
    x.reduce((sum, value, row) => sum + value * (weights[row * WRITTEN + column] ?? 0), 0),
  );

/** x W, then what `last` says, against a label. */
async function curvatureOf(last: 'Identity' | 'Softmax' | 'Tanh', label: number[]): Promise<LossCurvature> {
  const model = writeModel(join(folder, `${last}.onnx`), {
    nodes: [
      makeNode({ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['product'], name: 'product' }),
      makeNode({ opType: last, inputs: ['product'], outputs: ['y'], name: 'y' }),
    ],
    weights: [floatTensor('w', [READ, WRITTEN], w)],
    inputs: { x: [1, READ] },
    outputs: { y: [1, WRITTEN] },
  });
  const samples = [sampleOf(0, { x: { dims: [1, READ], values: x } })];
  return await withEvaluation(runtime, model, samples, async (evaluation) => {
    const labels = [{ values: Float64Array.from(label), key: label.join() }];
    const options = { format: 'fp16', labels } as const;
    const layers = findLayers(model);
    const { curvatures } = await knownLossCurvatures(measuredAnew(evaluation), layers, ['y'], options);
    expect([...curvatures.keys()].map(({ name }) => name)).toEqual(['product']);
    const [own] = curvatures.values();
    if (own === undefined) throw new Error('no curvature');
    return own;
  });
}

/** By central differences in FP64. */
function truth(loss: Loss): LossCurvature {
  const at = (moves: readonly (readonly [number, number])[]): number => {
    const moved = Float64Array.from(w);
    for (const [place, by] of moves) moved[place] = (moved[place] ?? 0) + by;
    return loss(moved);
  };
  const step = 1e-3;
  const hessian = Array.from(w, (_, row) =>
    Float64Array.from(w, (__, column) => {
      const both = (a: number, b: number): number =>
        at([
          [row, a * step],
          [column, b * step],
        ]);
      return (both(1, 1) - both(1, -1) - both(-1, 1) + both(-1, -1)) / (4 * step * step);
    }),
  );
  const values = symmetricEigen(hessian).map(({ value }) => value);
  const firstOrder = change.reduce(
    (sum, by, place) => sum + (by * (at([[place, step]]) - at([[place, -step]]))) / (2 * step),
    0,
  );
  const secondOrder = hessian.reduce(
    (sum, row, place) =>
      sum +
      ((change[place] ?? 0) / 2) * row.reduce((all, value, other) => all + value * (change[other] ?? 0), 0),
    0,
  );
  return {
    trace: values.reduce((sum, value) => sum + value, 0),
    largest: values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0),
    firstOrder,
    secondOrder,
  };
}

const checkCurvature = (found: LossCurvature, wanted: LossCurvature): void => {
  const scale = Math.abs(wanted.largest);
  expect(Math.abs(found.largest - wanted.largest) / scale).toBeLessThan(0.02);
  expect(Math.abs(found.trace - wanted.trace) / scale).toBeLessThan(0.02);
  expect(found.firstOrder / wanted.firstOrder).toBeCloseTo(1, 3);
  expect(found.secondOrder / wanted.secondOrder).toBeCloseTo(1, 1);
};

const crossEntropy: Loss = (weights) => {
  const logits = product(weights);
  return Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0)) - (logits[1] ?? 0);
};

describe('the Hessian of a loss', () => {
  it('of logits against a class is that of their cross-entropy', async () => {
    checkCurvature(await curvatureOf('Identity', [1]), truth(crossEntropy));
  });

  it('of probabilities is the same', async () => {
    checkCurvature(await curvatureOf('Softmax', [1]), truth(crossEntropy));
  });

  it('against a label that fits no output is none, and not zero', async () => {
    await expect(curvatureOf('Identity', [1, 2])).rejects.toThrow('its label, 2 numbers, fits none of');
  });

  it('against what an output should be has the part that Gauss-Newton leaves out, which may be negative', async () => {
    const target = [3, -3, 3];
    const loss: Loss = (weights) =>
      product(weights).reduce((sum, value, at) => sum + (Math.tanh(value) - (target[at] ?? 0)) ** 2 / 2, 0);
    const wanted = truth(loss);
    const found = await curvatureOf('Tanh', target);
    checkCurvature(found, wanted);
    const gaussNewton = product(Float64Array.from(w)).reduce(
      (most, value) =>
        Math.max(most, (1 - Math.tanh(value) ** 2) ** 2 * x.reduce((sum, one) => sum + one * one, 0)),
      0,
    );
    expect(Math.abs(found.largest / gaussNewton - 1)).toBeGreaterThan(0.2);
  });
});
