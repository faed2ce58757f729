// Scores of the Gauss-Newton Hessian against the Jacobian of a network that is small enough to write down.
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
import { firstOrderScores, hessianScores, knownSketch } from './index.js';

const { runtime, folder } = await computeForTests();

const READ = 5;
const WRITTEN = 4;

const x = randomValues(READ, 1);
const w = randomValues(READ * WRITTEN, 2);
const c = randomValues(WRITTEN, 3);
const half = (value: number): number => roundTo('fp16', value);
const squared = (values: Iterable<number>): number => [...values].reduce((sum, one) => sum + one * one, 0);
const changed = (values: Iterable<number>): number => squared([...values].map((one) => half(one) - one));

/** y = x w + c, with as many probes as elements, so that nothing is an estimate. */
async function scoresOfLine() {
  const model = writeModel(join(folder, 'line.onnx'), {
    nodes: [makeNode({ opType: 'Gemm', inputs: ['x', 'w', 'c'], outputs: ['y'], name: 'line' })],
    weights: [floatTensor('w', [READ, WRITTEN], w), floatTensor('c', [WRITTEN], c)],
    inputs: { x: [1, READ] },
    outputs: { y: [1, WRITTEN] },
  });
  const samples = [sampleOf(0, { x: { dims: [1, READ], values: x } })];
  return await withEvaluation(runtime, model, samples, async (evaluation) => {
    const options = { probes: WRITTEN, curvature: true };
    const sketch = await knownSketch(
      measuredAnew(evaluation),
      model,
      findLayers(model),
      'fp16',
      ['y'],
      options,
    );
    return hessianScores(sketch);
  });
}

describe('scores of the Hessian', () => {
  it('are traces of J J, and these over the elements times the squared change of each tensor', async () => {
    const y = Array.from(c, (add, column) =>
      x.reduce((sum, value, row) => sum + value * (w[row * WRITTEN + column] ?? 0), add),
    );
    const norm = squared(y);
    // dy_j/dw_ij = x_i, dy_j/dc_j = 1, dy_j/dx_i = w_ij, each relative to |y|.
    const traces = {
      w: (WRITTEN * squared(x)) / norm,
      c: WRITTEN / norm,
      x: squared(w) / norm,
      y: WRITTEN / norm,
    };
    const weights = (traces.w / w.length) * changed(w) + (traces.c / c.length) * changed(c);
    const all = weights + (traces.x / x.length) * changed(x) + (traces.y / y.length) * changed(y);
    const [score] = await scoresOfLine();
    expect((score?.weightTrace ?? 0) / (traces.w + traces.c)).toBeCloseTo(1, 4);
    expect((score?.outputTrace ?? 0) / traces.y).toBeCloseTo(1, 4);
    expect((score?.weights ?? 0) / weights).toBeCloseTo(1, 4);
    expect((score?.all ?? 0) / all).toBeCloseTo(1, 3);
  });

  it('have one gradient of a constant that is read twice', async () => {
    // y = x v + v, so that dy_ij/dv_kl is x_ik, and 1 more for i = k, where j = l.
    const v = randomValues(WRITTEN * WRITTEN, 4);
    const left = randomValues(WRITTEN * WRITTEN, 5);
    const model = writeModel(join(folder, 'twice.onnx'), {
      nodes: [makeNode({ opType: 'Gemm', inputs: ['x', 'v', 'v'], outputs: ['y'], name: 'twice' })],
      weights: [floatTensor('v', [WRITTEN, WRITTEN], v)],
      inputs: { x: [WRITTEN, WRITTEN] },
      outputs: { y: [WRITTEN, WRITTEN] },
    });
    const factor = left.map((one, at) => one + (at % (WRITTEN + 1) === 0 ? 1 : 0));
    const y = left.map((_, at) => {
      const [row, column] = [Math.floor(at / WRITTEN), at % WRITTEN];
      return v.reduce(
        (sum, one, from) =>
          from % WRITTEN === column
            ? sum + one * (factor[row * WRITTEN + Math.floor(from / WRITTEN)] ?? 0)
            : sum,
        0,
      );
    });
    const samples = [sampleOf(0, { x: { dims: [WRITTEN, WRITTEN], values: left } })];
    await withEvaluation(runtime, model, samples, async (evaluation) => {
      const options = { probes: WRITTEN * WRITTEN, curvature: true };
      const layers = findLayers(model);
      const sketch = await knownSketch(measuredAnew(evaluation), model, layers, 'fp16', ['y'], options);
      const trace = (WRITTEN * squared(factor)) / squared(y);
      const [score] = hessianScores(sketch);
      expect((score?.weightTrace ?? 0) / trace).toBeCloseTo(1, 4);
      expect((score?.weights ?? 0) / ((trace / v.length) * changed(v))).toBeCloseTo(1, 4);
    });
  });

  it('are there for the layers alone whose gradients are known, and tell no trace of what is not rounded', async () => {
    const node = (opType: string, inputs: readonly string[], to: string) =>
      makeNode({ opType, inputs, outputs: [to], name: to });
    const model = writeModel(join(folder, 'blocked.onnx'), {
      nodes: [
        node('MatMul', ['x', 'w'], 'behind'),
        node('Hardmax', ['behind'], 'blocks'),
        node('MatMul', ['blocks', 'v'], 'product'),
        node('Relu', ['product'], 'y'),
      ],
      weights: [
        floatTensor('w', [READ, WRITTEN], w),
        floatTensor('v', [WRITTEN, WRITTEN], randomValues(WRITTEN * WRITTEN, 4)),
      ],
      inputs: { x: [1, READ] },
      outputs: { y: [1, WRITTEN] },
    });
    const samples = [sampleOf(0, { x: { dims: [1, READ], values: x } })];
    await withEvaluation(runtime, model, samples, async (evaluation) => {
      const sketch = await knownSketch(measuredAnew(evaluation), model, findLayers(model), 'fp16', ['y'], {
        curvature: true,
      });
      const scores = new Map(hessianScores(sketch).map((one) => [one.layer.name, one]));
      expect([...scores.keys()]).toEqual(['product', 'y']);
      expect(scores.get('product')?.weightTrace).toBeGreaterThan(0);
      expect(scores.get('y')).toMatchObject({ weightTrace: undefined, outputTrace: undefined });
      const changes = [...firstOrderScores(sketch).keys()].map(({ name }) => name);
      expect(changes).toEqual(['blocks', 'product', 'y']);
    });
  });
});
