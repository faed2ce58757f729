/** What a relative error is where the exact values are 0, and that it always lies between those of the samples. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relativeErrors, rootMeanSquare } from './relative-errors.js';

describe('the relative error', () => {
  it('is that of each sample, squared, and then the root of their mean', () => {
    const found = relativeErrors([
      { error: 1, norm: 4 },
      { error: 9, norm: 4 },
    ]);
    expect(found).toEqual({ value: Math.sqrt(1.25), low: 0.5, high: 1.5 });
  });

  it('of a sample whose exact values are 0 is relative to the others', () => {
    const found = relativeErrors([
      { error: 4, norm: 0 },
      { error: 0, norm: 2 },
      { error: 0, norm: 6 },
    ]);
    expect(found).toEqual({ value: Math.sqrt(1 / 3), low: 0, high: 1 });
  });

  it('is infinite, and said to be that of zeros, where all exact values are 0', () => {
    const zeros = [
      { error: 4, norm: 0 },
      { error: 0, norm: 0 },
    ];
    expect(relativeErrors(zeros)).toEqual({ value: Infinity, low: 0, high: Infinity, ofZero: true });
    expect(relativeErrors([{ error: 0, norm: 0 }])).toEqual({ value: 0, low: 0, high: 0 });
  });

  it.each([NaN, Infinity])('is infinite where rounding made something %d, and not that of zeros', (error) => {
    for (const norm of [0, 1]) {
      expect(relativeErrors([{ error, norm }])).toEqual({ value: Infinity, low: Infinity, high: Infinity });
    }
  });

  it('lies between the least and the largest of the samples', () => {
    const square = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(Infinity));
    const squares = fc.oneof(
      fc.array(square, { minLength: 1 }),
      // Equal numbers, whose mean may be rounded past them.
      fc.tuple(square, fc.integer({ min: 1, max: 20 })).map(([one, count]) => Array<number>(count).fill(one)),
    );
    fc.assert(
      fc.property(squares, (list) => {
        const { low, value, high } = rootMeanSquare(list);
        expect(low).toBeLessThanOrEqual(value);
        expect(value).toBeLessThanOrEqual(high);
        expect(high).toBe(Math.sqrt(Math.max(...list)));
      }),
      { numRuns: 1000 },
    );
  });
});
