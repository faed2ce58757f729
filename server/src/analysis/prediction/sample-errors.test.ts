// What is known of one sample's squared error, from what a sketch found of a set of roundings.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutputTable } from './event-table.js';
import { sampleErrors } from './sample-errors.js';
import type { Uncertain } from './spread.js';
import type { OutputErrors, SquaredError } from './set-errors.js';

const NOTHING: SquaredError = {
  fixed: 0,
  estimated: 0,
  coherent: 0,
  draws: 1,
  independent: 0,
  directions: 1000,
};

/** Samples of an output that are all alike, of whose probes so many are random. */
function errorsOf(own: Partial<SquaredError>, { samples = 4, random = 8 } = {}): OutputErrors {
  const table: OutputTable = {
    ...{ output: 'y', elements: 1000, probes: 8, samples, uses: new Uint8Array(0) },
    kinds: Array.from({ length: samples }, () => ({ aligned: Math.max(0, 8 - random), random })),
    ...{
      rows: new Float32Array(0),
      norms: Array<number>(samples).fill(1),
      peaks: Array<number>(samples).fill(1),
    },
  };
  const all = Array.from({ length: samples }, () => ({ ...NOTHING, ...own }));
  return { table, samples: all, directions: 1000 };
}

/** Of one of the samples, of which all have had so much measured instead. */
function sampleError(parts: readonly OutputErrors[], sample: number, measured: number): Uncertain {
  const count = parts[0]?.samples.length ?? 1;
  const found = sampleErrors(parts, Array<number>(count).fill(measured));
  expect(found).toHaveLength(count);
  return found[sample] ?? { mean: Number.NaN, variance: Number.NaN, doubt: Number.NaN };
}

const relativeDeviation = (own: Partial<SquaredError>): number => {
  const { mean, variance } = sampleError([errorsOf(own)], 0, 0);
  return Math.sqrt(variance) / mean;
};

describe('the squared error of a sample', () => {
  it('is the sum of its parts, of all formats, and of what was measured', () => {
    const parts = [
      errorsOf({ fixed: 1e-8, coherent: 2e-8, independent: 3e-8 }),
      errorsOf({ independent: 4e-8 }),
    ];
    expect(sampleError(parts, 0, 5e-8).mean).toBeCloseTo(15e-8, 15);
    expect(sampleError(parts, 0, Number.POSITIVE_INFINITY).mean).toBe(Number.POSITIVE_INFINITY);
    expect(sampleError([], 0, 0)).toEqual({ mean: 0, variance: 0, doubt: 0 });
  });

  it('is the less certain the fewer directions and draws it consists of', () => {
    expect(relativeDeviation({ independent: 1e-6 })).toBeCloseTo(Math.sqrt(2 / 1000), 6);
    expect(relativeDeviation({ independent: 1e-6, directions: 2 })).toBeCloseTo(1, 6);
    // One draw, of which another is known: not even the order of magnitude is sure.
    expect(relativeDeviation({ coherent: 1e-6 })).toBeCloseTo(2, 6);
    expect(relativeDeviation({ coherent: 1e-6, draws: 100 })).toBeCloseTo(0.2, 6);
    const mixed = relativeDeviation({ coherent: 1e-6, independent: 1e-5 });
    expect(mixed).toBeGreaterThan(relativeDeviation({ independent: 1e-5 }));
    expect(mixed).toBeLessThan(0.5);
  });

  it('of weights is as certain as random probes are many, and as samples are alike', () => {
    const weights = { fixed: 1e-6, estimated: 1e-6 };
    const [few, many] = [2, 32].map((random) => sampleError([errorsOf(weights, { random })], 0, 0).variance);
    expect(few).toBeGreaterThan(4 * (many ?? Number.NaN));
    const unlike = errorsOf(weights);
    const samples = unlike.samples.map((one, at) =>
      at === 0 ? { ...one, fixed: 1.2e-6, estimated: 1.2e-6 } : one,
    );
    // So small a difference is what probes make.
    expect(sampleError([{ ...unlike, samples }], 0, 0).mean).toBeCloseTo(1.05e-6, 9);
    const exact = errorsOf(weights, { random: 0 });
    expect(sampleError([{ ...exact, samples }], 0, 0).mean).toBeCloseTo(1.2e-6, 12);
  });

  it('of weights is as certain as the directions that it lies in are known', () => {
    const deviationOf = (estimated: number): number =>
      Math.sqrt(sampleError([errorsOf({ fixed: 1e-6, estimated, directions: 1e9 })], 0, 0).variance) / 1e-6;
    expect(deviationOf(0)).toBeLessThan(1e-4);
    expect(deviationOf(5e-7) / deviationOf(1e-6)).toBeCloseTo(1 / 2, 3);
  });

  it('adds up while it is small, and is about that of an output that has nothing to do with the exact one in the end', () => {
    expect(sampleError([errorsOf({ independent: 1e-4 })], 0, 0).mean).toBeCloseTo(1e-4, 9);
    const { mean, doubt } = sampleError([errorsOf({ independent: 100 })], 0, 0);
    expect(mean).toBeCloseTo(1, 3);
    expect(doubt).toBeGreaterThan(1);
    // What was measured is what it is.
    expect(sampleError([errorsOf({ independent: 1e-6 })], 0, 100)).toMatchObject({ mean: 100 + 1e-6 });
    expect(sampleError([errorsOf({ independent: 1e-6 })], 0, 100).doubt).toBeLessThan(1e-9);
  });

  it('takes a time that grows with the samples, not with their square', () => {
    /** How often the part of weights is asked for, per sample. */
    const asked = (count: number): number => {
      let times = 0;
      const own = errorsOf({ fixed: 1e-6, estimated: 1e-6 }, { samples: count });
      const samples = own.samples.map((one) => ({
        ...one,
        get fixed() {
          times += 1;
          return 1e-6;
        },
      }));
      sampleErrors([{ ...own, samples }], Array<number>(count).fill(0));
      return times / count;
    };
    expect(asked(4)).toBeGreaterThan(0);
    expect(asked(400)).toBe(asked(4));
  });

  it('never falls when more is rounded, and is never surer of more than of less', () => {
    const square = fc.double({ min: 1e-12, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(square, square, (one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)].map((independent) =>
          sampleError([errorsOf({ independent })], 0, 0),
        );
        if (less === undefined || more === undefined) throw new Error('two');
        expect(more.mean).toBeGreaterThanOrEqual(less.mean * (1 - 1e-12));
        expect(more.doubt).toBeGreaterThanOrEqual(less.doubt * (1 - 1e-12));
      }),
    );
  });
});
