/** Which layers a target computes worse than emulation foresees, by what both say of all of them. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderForTests } from '../../testing/index.js';
import { bindTo, writeChain } from '../testing/index.js';
import { suspiciousLayers } from './layer-comparison.js';

const model = writeChain(join(folderForTests(), 'm.onnx'), 3);
const { layers } = bindTo(model, 'input "x" = ones\n').plan;

/** Names of suspicious layers, where the layer called `name` errs so many times as much as foreseen in so many elements. */
function suspicious(name: string, factor: number, elements: number): readonly string[] {
  const compared = layers.map((layer) => {
    const executed = layer.name === name ? factor * 0.01 : 0.01;
    return { layer, executed, emulated: 0.01, elements };
  });
  return suspiciousLayers(model, compared).map(({ layer }) => layer.name);
}

it('is a layer that errs four times as much, or gives no numbers', () => {
  expect(suspicious('mul_1', 3.9, 1000)).toEqual([]);
  expect(suspicious('mul_1', 4.1, 1000)).toEqual(['mul_1']);
  expect(suspicious('mul_1', Number.NaN, 1)).toEqual(['mul_1']);
});

it.each([
  [1, 20, 70],
  [2, 9, 11],
  [3, 5, 6],
  [4, 3.9, 4.1],
])(
  'errors of %i elements are what chance makes of them up to some factor: %d, %d',
  (elements, below, above) => {
    expect(suspicious('relu_1', below, elements)).toEqual([]);
    expect(suspicious('relu_1', above, elements)).toEqual(['relu_1']);
  },
);

it('tells layers that only follow another one', () => {
  const compared = layers.map((layer) => ({ layer, executed: 1, emulated: 0.01, elements: 16 }));
  const found = suspiciousLayers(model, compared);
  expect(found.map(({ layer, follows }) => [layer.name, follows]).slice(0, 2)).toEqual([
    ['mul_0', false],
    ['relu_0', true],
  ]);
});
