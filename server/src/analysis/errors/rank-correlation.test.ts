import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rankCorrelation, ranks } from './rank-correlation.js';

const value = fc.oneof(fc.integer({ min: -4, max: 4 }), fc.constantFrom(Infinity, -Infinity));
const pairs = fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 30 });

describe('ranks', () => {
  it('share the mean where values are equal', () => {
    expect(ranks([10, 30, 20, 20])).toEqual([1, 4, 2.5, 2.5]);
    expect(ranks([5, 5, 5])).toEqual([2, 2, 2]);
  });

  it('put infinities where they belong', () => {
    expect(ranks([Infinity, 0, -Infinity, Infinity])).toEqual([3.5, 2, 1, 3.5]);
  });

  it('always add up to those of 1 to n', () => {
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const sum = ranks(values).reduce((total, rank) => total + rank, 0);
        expect(sum).toBe((values.length * (values.length + 1)) / 2);
      }),
    );
  });
});

describe('rank correlation', () => {
  it('is 1 for the same order and -1 for the opposite one', () => {
    expect(rankCorrelation([1, 2, 3, 4], [0.1, 5, 6, 1e9])).toBe(1);
    expect(rankCorrelation([1, 2, 3, 4], [9, 8, 7, -1])).toBe(-1);
  });

  it('agrees with worked examples, without and with ties', () => {
    // 1 - 6 x (sum of squared differences of ranks) / (n (n^2 - 1)) = 1 - 6 x 4 / 60
    expect(rankCorrelation([1, 2, 3, 4], [2, 1, 4, 3])).toBeCloseTo(0.6, 12);
    // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: 4.5 / sqrt(4.5 x 5)
    expect(rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(22.5), 12);
  });

  it('says nothing where there is nothing to order', () => {
    expect(rankCorrelation([], [])).toBeUndefined();
    expect(rankCorrelation([1], [2])).toBeUndefined();
    expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBeUndefined();
    expect(rankCorrelation([1, Number.NaN], [1, 2])).toBeUndefined();
  });

  it('stays within -1 and 1, is symmetric, and sees order only', () => {
    fc.assert(
      fc.property(pairs, (list) => {
        const [a, b] = [list.map(([one]) => one), list.map(([, other]) => other)];
        const found = rankCorrelation(a, b);
        expect(rankCorrelation(b, a)).toBe(found);
        expect(
          rankCorrelation(
            a.map((one) => Math.atan(one)),
            b,
          ),
        ).toBe(found);
        if (found !== undefined) expect(Math.abs(found)).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });
});
