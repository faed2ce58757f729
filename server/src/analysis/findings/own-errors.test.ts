// What layers err by where they round, read off a sketch, against what they err by where they are run by themselves.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeNode } from '../../onnx/index.js';
import { findLayers } from '../../plan/index.js';
import { localErrors } from '../errors/local-errors.js';
import { measuredAnew } from '../remembered.js';
import { knownSketch } from '../sketch/index.js';
import {
  computeForTests,
  floatTensor,
  randomSamples,
  randomValues,
  WIDTH,
  withEvaluation,
  writeModel,
} from '../testing/index.js';
import { sketchedOwnErrors } from './own-errors.js';

const { runtime, folder } = await computeForTests();

const node = (opType: string, inputs: readonly string[], to: string) =>
  makeNode({ opType, inputs, outputs: [to], name: to });
const weights = (name: string, seed: number) =>
  floatTensor(name, [WIDTH, WIDTH], randomValues(WIDTH * WIDTH, seed));

it('is about what the layer errs by, run by itself', async () => {
  const model = writeModel(join(folder, 'own.onnx'), {
    nodes: [
      node('MatMul', ['x', 'v'], 'a'),
      node('Tanh', ['a'], 't'),
      node('MatMul', ['t', 'w'], 'b'),
      node('Add', ['b', 'x'], 'c'),
      node('Mul', ['c', 'b'], 'y'),
      // No gradient leads through what is compared.
      node('MatMul', ['x', 'w'], 'd'),
      node('Greater', ['d', 'x'], 'g'),
      node('Where', ['g', 'y', 'x'], 'z'),
    ],
    weights: [weights('v', 1), weights('w', 2)],
    inputs: { x: [1, WIDTH] },
    outputs: { z: [1, WIDTH] },
  });
  await withEvaluation(runtime, model, randomSamples(4), async (evaluation) => {
    const layers = findLayers(model);
    const sketch = await knownSketch(measuredAnew(evaluation), model, layers, 'fp16', ['z']);
    const own = sketchedOwnErrors(sketch);
    const local = await localErrors(evaluation, layers, 'fp16');
    const ratios = ['a', 't', 'b', 'c', 'y'].map((name) => {
      const layer = layers.find((one) => one.name === name);
      const byItself = local.errors.find((one) => one.layer === layer);
      return ((layer && own.get(layer)?.value) ?? Number.NaN) / (byItself?.value ?? 0);
    });
    for (const ratio of ratios) expect(ratio).toBeGreaterThan(0.6);
    for (const ratio of ratios) expect(ratio).toBeLessThan(2);
    const of = new Map([...own].map(([{ name }, one]) => [name, one.of]));
    expect(of.get('b')).toBe('about-output');
    expect(of.get('t')).toBe('roundings');
    // Its rounding is in no sketch, which says nothing of it then.
    expect(of.has('d')).toBe(false);
  });
});
