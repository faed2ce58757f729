/** The cheapest set of layers, against all sets there are. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindTo, writeModel } from '../analysis/testing/index.js';
import { finish, makeNode } from '../onnx/index.js';
import { precisionGraph, type Layer, type LayerDecision } from '../plan/index.js';
import { folderForTests } from '../testing/index.js';
import { cheapestSet } from './cheapest-set.js';
import type { Prices } from './prices.js';

const folder = folderForTests();

/** A fork and a join, so that one tensor has two readers. */
const model = writeModel(join(folder, 'fork.onnx'), {
  nodes: [
    makeNode({ opType: 'Relu', name: 'a', inputs: ['x'], outputs: ['a'] }),
    makeNode({ opType: 'Sigmoid', name: 'b', inputs: ['a'], outputs: ['b'] }),
    makeNode({ opType: 'Tanh', name: 'c', inputs: ['a'], outputs: ['c'] }),
    makeNode({ opType: 'Add', name: 'd', inputs: ['b', 'c'], outputs: ['d'] }),
    makeNode({ opType: 'Exp', name: 'e', inputs: ['d'], outputs: ['y'] }),
  ],
  inputs: { x: [1, 4] },
  outputs: { y: [1, 4] },
});
const { plan } = bindTo(model, '');

function pricesOf(exact: readonly number[], low: readonly number[], cast: number): Prices {
  const place = (layer: Layer): number => plan.layers.findIndex(({ name }) => name === layer.name);
  const prices: Prices = {
    layer: (layer, isLow) => (isLow ? low : exact)[place(layer)] ?? 0,
    cast: () => cast,
    isKnown: () => true,
    total: (graph) =>
      graph.decisions.reduce((sum, one) => sum + prices.layer(one.layer, one.format === 'fp16'), 0) +
      cast * graph.casts.length,
  };
  return prices;
}

function totalOf(prices: Prices, isLow: (layer: Layer) => boolean): number {
  const decisions = plan.decisions.map((one): LayerDecision => ({
    ...one,
    format: isLow(one.layer) ? 'fp16' : 'original',
    overflow: 'inf',
  }));
  return prices.total(precisionGraph(plan.model, plan.roles, plan.layers, decisions));
}

describe('the cheapest set of layers', () => {
  it('costs no more than any other, shared casts counted once', () => {
    const times = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(times, times, fc.integer({ min: 0, max: 6 }), (exact, low, cast) => {
        const prices = pricesOf(exact, low, cast);
        const found = finish(cheapestSet(plan, new Set(plan.layers), prices, 'fp16'));
        const best = Math.min(
          ...Array.from({ length: 32 }, (_, set) =>
            totalOf(prices, (layer) => (set & (1 << plan.layers.indexOf(layer))) !== 0),
          ),
        );
        expect(totalOf(prices, (layer) => found.has(layer))).toBe(best);
      }),
      { numRuns: 60 },
    );
  });

  it('is empty where casts cost more than all gain, and holds only candidates', () => {
    const dear = pricesOf([2, 2, 2, 2, 2], [1, 1, 1, 1, 1], 100);
    expect(finish(cheapestSet(plan, new Set(plan.layers), dear, 'fp16')).size).toBe(0);
    const free = pricesOf([2, 2, 2, 2, 2], [1, 1, 1, 1, 1], 0);
    const some = new Set(plan.layers.slice(0, 2));
    expect(finish(cheapestSet(plan, some, free, 'fp16'))).toEqual(some);
  });
});
