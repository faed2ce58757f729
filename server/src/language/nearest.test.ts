/** The ranking of names by nearness, against the plain definition of the distance. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.js';

/** Optimal string alignment by the full table, as in its definition. */
function plainDistance(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, row) =>
    Array.from({ length: b.length + 1 }, (__, column) => (row === 0 ? column : column === 0 ? row : 0)),
  );
  const at = (row: number, column: number): number => table[row]?.[column] ?? Infinity;
  for (let row = 1; row <= a.length; row++) {
    for (let column = 1; column <= b.length; column++) {
      let cost = at(row - 1, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      cost = Math.min(cost, at(row - 1, column) + 1, at(row, column - 1) + 1);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, at(row - 2, column - 2) + 1);
      }
      const cells = table[row];
      if (cells !== undefined) cells[column] = cost;
    }
  }
  return at(a.length, b.length);
}

const shortNames = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 12 });

describe('nearest', () => {
  it('finds what was meant', () => {
    expect(nearest('fp61', ['fp32', 'fp16', 'bf16'], 1)).toEqual(['fp16']);
    expect(nearest('Conv2d_5/conv', ['add/add', 'conv2d_5/Conv', 'conv2d_6/Conv'], 2)).toEqual([
      'conv2d_5/Conv',
      'conv2d_6/Conv',
    ]);
  });

  it('finds a long name by a part of it', () => {
    expect(nearest('conv2d_5', ['/model/backbone/conv2d_5/Conv', '/model/head/Gemm'], 3)).toEqual([
      '/model/backbone/conv2d_5/Conv',
    ]);
  });

  it('offers nothing that is far away', () => {
    expect(nearest('entirely', ['fp32', 'Conv'], 3)).toEqual([]);
    expect(nearest('abc', ['abd', 'xyz'], 3)).toEqual(['abd']);
  });

  it('keeps the order of equally near names', () => {
    expect(nearest('conv', ['conb', 'conc', 'cona'], 2)).toEqual(['conb', 'conc']);
  });

  it('ranks by the distance of the definition', () => {
    fc.assert(
      fc.property(
        shortNames,
        fc.uniqueArray(shortNames, { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        (word, names, count) => {
          // Names that contain each other have a rule of their own.
          const candidates = names.filter((name) => !name.includes(word) && !word.includes(name));
          const furthest = 5;
          const expected = candidates
            .map((name) => plainDistance(word, name))
            .filter((distance) => distance <= furthest)
            .sort((a, b) => a - b)
            .slice(0, count);
          const found = nearest(word, candidates, count, furthest);
          expect(found.map((name) => plainDistance(word, name))).toEqual(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
