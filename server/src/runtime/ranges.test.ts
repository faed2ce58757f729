import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangeOfValues } from '../formats/index.js';
import { rangesOf } from './ranges.js';

describe('ranges', () => {
  it('are those of the values', () => {
    fc.assert(
      fc.property(fc.float32Array(), (values) => {
        expect(rangesOf(values, [])).toEqual({ ...rangeOfValues(values), largestSquares: [] });
      }),
    );
  });
});

describe('the largest sum of squares', () => {
  const values = Float32Array.of(1, 2, 3, 4, -5, 6);
  const largest = (length: number, step: number, centred: boolean): number | undefined =>
    rangesOf(values, [{ length, step, centred }]).largestSquares[0];

  it('is taken over neighbours, or over every so many', () => {
    expect(largest(3, 1, false)).toBe(16 + 25 + 36);
    expect(largest(2, 3, false)).toBe(9 + 36);
    expect(largest(6, 1, false)).toBe(91);
  });

  it('can be of the deviations from the mean of the group', () => {
    expect(largest(2, 1, true)).toBe(60.5);
    expect(largest(1, 1, true)).toBe(0);
  });

  it('is 0 where there is no whole group, and leaves out what is not finite', () => {
    expect([largest(7, 1, false), largest(0, 1, false), largest(0.5, 1, false)]).toEqual([0, 0, 0]);
    const [sum] = rangesOf(Float64Array.of(3, Infinity, NaN, 4), [
      { length: 4, step: 1, centred: false },
    ]).largestSquares;
    expect(sum).toBe(25);
  });
});
