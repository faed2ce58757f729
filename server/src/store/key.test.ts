import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOf } from './key.js';
import { anyJson, anyLeaf, anyValue } from './testing/arbitrary-values.js';

/** The same value with the properties of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, item]) => [name, reversed(item)]),
  );
}

/** The same value with its leaf of this number (numbers start anew behind the last) replaced. */
function withLeaf(value: unknown, chosen: number, leaf: unknown): unknown {
  const count = leaves(value);
  let left = chosen % Math.max(count, 1);
  const walk = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part === 'object' && part !== null) {
      return Object.fromEntries(Object.entries(part).map(([name, item]) => [name, walk(item)]));
    }
    left -= 1;
    return left === -1 ? leaf : part;
  };
  return walk(value);
}

function leaves(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, item) => sum + leaves(item), 0);
}

describe('the key of a recipe', () => {
  it('does not depend on the order of properties', () => {
    fc.assert(
      fc.property(anyJson, (recipe) => {
        expect(keyOf('kind', reversed(recipe))).toBe(keyOf('kind', recipe));
      }),
    );
    expect(keyOf('kind', { a: 1, b: { c: 2, d: 3 } })).toBe(keyOf('kind', { b: { d: 3, c: 2 }, a: 1 }));
  });

  it('changes with every leaf', () => {
    let changed = 0;
    fc.assert(
      fc.property(anyJson, fc.nat(), anyLeaf, (recipe, chosen, leaf) => {
        const other = withLeaf(recipe, chosen, leaf);
        const same = isDeepStrictEqual(other, recipe);
        if (!same) changed += 1;
        expect(keyOf('kind', other) === keyOf('kind', recipe)).toBe(same);
      }),
      { numRuns: 1000 },
    );
    expect(changed).toBeGreaterThan(500);
  });

  it('is the same for equal values only', () => {
    fc.assert(
      fc.property(anyValue, anyValue, (a, b) => {
        if (keyOf('kind', a) === keyOf('kind', b)) expect(a).toStrictEqual(b);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    [0, -0],
    [NaN, null],
    [Infinity, -Infinity],
    [1, '1'],
    [1, 1n],
    [[], {}],
    [[[1], 2], [[1, 2]]],
    [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    [{ a: 1 }, ['a', 1]],
    [new Uint8Array(8), new Float64Array(1)],
    [Float64Array.of(0), Float64Array.of(-0)],
    [Uint8Array.of(1, 2), [1, 2]],
    [[undefined], [null]],
    ['\ud800', '\udc00'],
  ])('tells %o from %o', (a, b) => {
    expect(keyOf('kind', a)).not.toBe(keyOf('kind', b));
  });

  it('tells kinds from each other', () => {
    expect(keyOf('a', 1)).not.toBe(keyOf('b', 1));
  });

  it('takes a part of a buffer for what is in it', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    expect(keyOf('kind', bytes.subarray(1))).toBe(keyOf('kind', Uint8Array.of(2, 3)));
    expect(keyOf('kind', Buffer.from([2, 3]))).toBe(keyOf('kind', Uint8Array.of(2, 3)));
  });
});
