import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, integer, logarithm, normal, uniform } from './random.js';

function draws<T>(count: number, draw: () => T): T[] {
  return Array.from({ length: count }, draw);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('random numbers', () => {
  it('are the same in every version: these are written down', () => {
    const random = createRandom('7\n0\nx');
    expect(draws(4, () => random.next())).toEqual([3233680138, 2454430605, 3603854446, 2406648330]);
    expect(draws(2, () => normal(random))).toEqual([-0.1035830369654064, -1.6900698830836847]);
  });

  it('follow from the seed, and differ with it', () => {
    const [a, b, c] = ['1\n2\nx', '1\n2\nx', '1\n3\nx'].map((seed) => {
      const random = createRandom(seed);
      return draws(8, () => random.next());
    });
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });

  it('are spread evenly from 0 to 1', () => {
    const random = createRandom('uniform');
    const values = draws(100_000, () => uniform(random));
    expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values.slice(0, 50_000))).toBeLessThan(1);
    const tenths = draws(10, () => 0);
    for (const value of values) tenths[Math.floor(value * 10)] = (tenths[Math.floor(value * 10)] ?? 0) + 1;
    // Five standard deviations of a binomial distribution.
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(9_000));
  });

  it('have the moments of the standard normal distribution', () => {
    const random = createRandom('normal');
    const values = draws(200_000, () => normal(random));
    const average = mean(values);
    expect(Math.abs(average)).toBeLessThan(0.012);
    expect(mean(values.map((value) => value ** 2))).toBeCloseTo(1, 1);
    expect(mean(values.map((value) => value ** 4))).toBeCloseTo(3, 0);
    expect(values.filter((value) => Math.abs(value) < 1).length / values.length).toBeCloseTo(0.6827, 2);
  });

  it('are integers between the two ends, both included', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(1000), fc.string(), (low, span, seed) => {
        const random = createRandom(seed);
        const values = draws(50, () => integer(random, low, low + span));
        expect(values.every((value) => Number.isInteger(value) && value >= low && value <= low + span)).toBe(
          true,
        );
      }),
    );
    const random = createRandom('dice');
    const seen = new Set(draws(1000, () => integer(random, 1, 6)));
    expect([...seen].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('the logarithm', () => {
  it('is the natural one, to the last bits', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1, noNaN: true }), (value) => {
        const expected = Math.log(value);
        expect(Math.abs(logarithm(value) - expected)).toBeLessThanOrEqual(
          4e-16 * Math.max(1, Math.abs(expected)),
        );
      }),
      { numRuns: 5000 },
    );
  });
});
