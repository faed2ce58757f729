// What is asked of a run about sums, by how they are rounded.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { layerInFormat, precisionGraph, type LayerNumerics } from '../../plan/index.js';
import { bindTo, computeForTests, writeChain } from '../testing/index.js';
import { sumsEffect } from './option-effects.js';

const { folder } = await computeForTests();
const model = writeChain(join(folder, 'chain.onnx'), 1);
const { plan } = bindTo(model, 'default: fp16');
const [layer] = plan.layers;

function effectOf(numerics: LayerNumerics) {
  if (layer === undefined) throw new Error('no layer');
  return sumsEffect({ ...layerInFormat(layer, 'fp16'), numerics });
}

it('sums that are rounded by chance are another question than those that are rounded to the nearest', () => {
  const accumulate = { kind: 'fp16' } as const;
  const [nearest, drawn] = [effectOf({ accumulate }), effectOf({ accumulate, stochastic: true })];
  expect(nearest?.key).toBeDefined();
  expect(drawn?.key).toBeDefined();
  expect(drawn?.key).not.toBe(nearest?.key);
  const decisions = [nearest, drawn].flatMap((effect) => effect?.decision ?? []);
  expect(
    decisions.map((decision) => [
      ...precisionGraph(model, plan.roles, plan.layers, [decision]).roundings.values(),
    ]),
  ).toEqual([
    [expect.not.objectContaining({ drawsSums: true })],
    [expect.objectContaining({ drawsSums: true })],
  ]);
});
