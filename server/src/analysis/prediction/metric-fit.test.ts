// Metrics learnt from a few plans: laws that are put in come out, and what cannot be known is said to be unknown.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MetricSpecification } from '../../metrics/index.js';
import { isLearnt, metricFit, type MetricPoint } from './metric-fit.js';
import type { Interval } from './spread.js';

const ERRORS = [1e-4, 3e-4, 1e-3, 2e-3, 5e-3, 1e-2];

const point = (error: number, value: number, counted = 1): MetricPoint => ({ error, value, counted });
const certain = (value: number): Interval => ({ value, low: value, high: value });

function predicted(metric: MetricSpecification, points: readonly MetricPoint[], error: Interval): Interval {
  const found = metricFit(metric, points).at(error);
  if ('reason' in found) throw new Error(found.reason);
  return found;
}

describe('a metric of the user', () => {
  it('grows with whatever power the plans show', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 2.5, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: 1e-4, max: 1e-2, noNaN: true }),
        (power, factor, error) => {
          const truth = factor * error ** power;
          const points = ERRORS.map((one) => point(one, factor * one ** power));
          const own = predicted({ name: 'own_error' }, points, certain(error));
          expect(own.low).toBeLessThanOrEqual(truth);
          expect(own.high).toBeGreaterThanOrEqual(truth);
          expect(Math.abs(Math.log(own.value / truth))).toBeLessThan(0.25);
        },
      ),
    );
  });

  it('is a score that falls from 1', () => {
    const points = ERRORS.map((error) => point(error, 1 - 20 * error));
    const { value, low, high } = predicted({ name: 'own_score' }, points, certain(2e-3));
    expect(value).toBeCloseTo(1 - 20 * 2e-3, 2);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    expect(high).toBeLessThan(1);
    expect(predicted({ name: 'own_score' }, points, certain(0))).toEqual(certain(1));
  });

  it('that some plans do not change at all is not predicted', () => {
    const points = ERRORS.map((error) => point(error, error < 1e-3 ? 0 : 1));
    expect(metricFit({ name: 'own_error' }, points).at(certain(1e-3))).toEqual({
      reason: '2 of 6 emulated plans changed it not at all, or for the better',
    });
  });
});

it('a cosine is -1 at least', () => {
  const points = ERRORS.map((error) => point(error, 1 - 1e4 * error ** 2));
  expect(predicted({ name: 'cosine' }, points, certain(0.1))).toEqual(certain(-1));
});

describe('an error of its own', () => {
  it('is a power of the relative error', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: 1e-5, max: 0.05, noNaN: true }),
        (power, factor, error) => {
          const points = ERRORS.map((one) => point(one, factor * one ** power));
          const metric = power === 1 ? ({ name: 'nme' } as const) : ({ name: 'kl' } as const);
          const { value, low, high } = predicted(metric, points, certain(error));
          const truth = factor * error ** power;
          expect(Math.abs(Math.log(value / truth))).toBeLessThan(0.05);
          expect(low).toBeLessThanOrEqual(truth);
          expect(high).toBeGreaterThanOrEqual(truth);
        },
      ),
    );
  });

  it('is as uncertain as the plans were apart, and as the relative error is', () => {
    const even = ERRORS.map((error) => point(error, 3 * error));
    const apart = ERRORS.map((error, at) => point(error, 3 * error * (at % 2 === 0 ? 2 : 0.5)));
    const width = ({ low, high }: Interval): number => high / low;
    const narrow = predicted({ name: 'max_abs' }, even, certain(1e-3));
    expect(width(predicted({ name: 'max_abs' }, apart, certain(1e-3)))).toBeGreaterThan(2 * width(narrow));
    const wide = predicted({ name: 'max_abs' }, even, { value: 1e-3, low: 5e-4, high: 2e-3 });
    expect(width(wide)).toBeGreaterThan(4);
  });

  it('of a cosine is what it lacks to 1', () => {
    const points = ERRORS.map((error) => point(error, 1 - 0.4 * error ** 2));
    const { value, low, high } = predicted({ name: 'cosine' }, points, certain(4e-3));
    expect(1 - value).toBeCloseTo(0.4 * 4e-3 ** 2, 6);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    expect(high).toBeLessThanOrEqual(1);
  });

  it('is nothing where nothing changes', () => {
    const points = ERRORS.map((error) => point(error, 3 * error));
    expect(predicted({ name: 'max_abs' }, points, certain(0))).toEqual(certain(0));
    expect(predicted({ name: 'cosine' }, points, certain(0))).toEqual(certain(1));
  });
});

describe('a share of what is right', () => {
  const points = ERRORS.map((error) => point(error, 1 - 20 * error, 10_000));

  it('falls as it was seen to, and never rises with the error', () => {
    const at = (error: number): Interval =>
      predicted({ name: 'pck', threshold: 0.1 }, points, certain(error));
    expect(at(1e-3).value).toBeCloseTo(0.98, 3);
    expect(at(1e-3).low).toBeLessThan(0.98);
    expect(at(1e-3).high).toBeGreaterThan(0.98);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 }),
        fc.tuple(
          fc.double({ min: 1e-5, max: 1e-2, noNaN: true }),
          fc.double({ min: 1e-5, max: 1e-2, noNaN: true }),
        ),
        (shares, [one, other]) => {
          const seen = ERRORS.map((error, index) => point(error, shares[index] ?? 0, 100));
          const of = (error: number): Interval => predicted({ name: 'top1' }, seen, certain(error));
          const [less, more] = [of(Math.min(one, other)), of(Math.max(one, other))];
          expect(more.value).toBeLessThanOrEqual(less.value + 1e-12);
          for (const { value, low, high } of [less, more]) {
            expect(low).toBeLessThanOrEqual(value);
            expect(high).toBeGreaterThanOrEqual(value);
            expect(low).toBeGreaterThanOrEqual(0);
            expect(high).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });

  it('that was never seen to miss may miss what is too rare to be seen', () => {
    const perfect = ERRORS.map((error) => point(error, 1, 1000));
    expect(predicted({ name: 'top1' }, perfect, certain(1e-3))).toEqual({ value: 1, low: 0.997, high: 1 });
  });
});

describe('what is not predicted', () => {
  const reason = (metric: MetricSpecification, points: readonly MetricPoint[], error = 1e-3): unknown =>
    metricFit(metric, points).at(certain(error));

  it('is said with its reason', () => {
    expect(reason({ name: 'kl' }, [point(1e-3, Infinity), point(1e-2, 1), point(1e-2, 1)])).toEqual({
      reason: 'it was not finite in 1 of 3 emulated plans',
    });
    expect(reason({ name: 'nme' }, [point(1e-3, 0), point(1e-2, 0), point(2e-2, 0)])).toEqual({
      reason: 'of 3 emulated plans only 0 changed it',
    });
    expect(reason({ name: 'nme' }, [point(1e-3, 1)])).toEqual({
      reason: 'of 1 emulated plans only 1 gave finite figures',
    });
    expect(
      reason(
        { name: 'iou', threshold: 0.5 },
        ERRORS.map((error) => point(error, 0.9, 50)),
        1,
      ),
    ).toEqual({
      reason: 'no emulated plan errs as much as this one is predicted to',
    });
  });

  it('is nothing that a formula tells', () => {
    expect((['relative_l2', 'sqnr', 'psnr'] as const).some((name) => isLearnt({ name }))).toBe(false);
    expect((['cosine', 'nme', 'top1', 'max_abs'] as const).every((name) => isLearnt({ name }))).toBe(true);
  });
});
