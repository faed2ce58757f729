// What the prediction of a plan becomes after one near to it was measured.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METRIC_NAMES, type MetricName } from '../../metrics/index.js';
import { addedEffects, anchored, commonDeviation, sharedEffect } from './anchors.js';
import type { Interval } from './spread.js';

const around = (value: number, factor = 1.5): Interval => ({
  value,
  low: value / factor,
  high: value * factor,
});
/** A prediction and a measured value that the metric can have. */
const likely = (name: MetricName): fc.Arbitrary<number> =>
  ['cosine', 'top1', 'top5', 'pck', 'iou'].includes(name)
    ? fc.double({ min: 0.05, max: 0.6, noNaN: true })
    : fc.double({ min: 1e-6, max: 60, noNaN: true });
const metrics = fc.constantFrom<MetricName>(...METRIC_NAMES, 'own_error', 'own_score');

describe('a prediction after a plan near to it', () => {
  it('is what was measured, and sure, where it is the same plan', () => {
    const cases = metrics.chain((name) => fc.tuple(fc.constant(name), likely(name), likely(name)));
    fc.assert(
      fc.property(cases, ([name, value, measured]) => {
        const own = around(value);
        const after = anchored({ name }, own, { predicted: own, measured, weight: 1 });
        for (const end of [after.value, after.low, after.high]) {
          expect(Math.abs(end - measured)).toBeLessThanOrEqual(1e-9 * Math.max(1, measured));
        }
      }),
    );
  });

  it('lies between its own and where the other one leads, and is the surer the nearer that is', () => {
    const weight = fc.double({ min: 0, max: 0.98, noNaN: true });
    const cases = metrics.chain((name) =>
      fc.tuple(fc.constant(name), likely(name), likely(name), likely(name), weight),
    );
    fc.assert(
      fc.property(cases, ([name, value, predicted, measured, weight]) => {
        const own = around(value, 1.2);
        const after = anchored({ name }, own, { predicted: around(predicted, 1.2), measured, weight });
        const slack = 1e-9 * Math.abs(after.value) + 1e-12;
        expect(after.low).toBeLessThanOrEqual(after.value + slack);
        expect(after.high).toBeGreaterThanOrEqual(after.value - slack);
        const [moved, led] = [after.value - value, measured - predicted];
        if (Math.abs(moved) > 1e-9) expect(Math.sign(moved)).toBe(Math.sign(led));
        const same = anchored({ name }, own, { predicted: own, measured: value, weight });
        expect(same.high - same.low).toBeLessThanOrEqual((own.high - own.low) * (1 + 1e-9));
      }),
    );
  });

  it('is as much surer as the two go together', () => {
    const widthAt = (weight: number): number => {
      const { low, high } = anchored({ name: 'relative_l2' }, around(1e-3, 2), {
        ...{ predicted: around(2e-3, 2), measured: 3e-3, weight },
      });
      return Math.log(high / low) / Math.log(4);
    };
    expect([0, 0.6, 0.8].map((weight) => widthAt(weight).toFixed(6))).toEqual([
      '1.000000',
      '0.800000',
      '0.600000',
    ]);
  });

  it('of an error grows or falls by a factor, of decibels by so many', () => {
    const anchor = { predicted: around(2e-3), measured: 1e-3, weight: 0.95 };
    expect(anchored({ name: 'relative_l2' }, around(4e-3), anchor).value).toBeCloseTo(4e-3 * 0.5 ** 0.95, 12);
    const decibels = { predicted: around(40), measured: 46, weight: 0.5 };
    expect(anchored({ name: 'sqnr' }, around(50), decibels).value).toBeCloseTo(53, 9);
    const cosine = { predicted: around(0.9, 1), measured: 0.8, weight: 0.5 };
    expect(anchored({ name: 'cosine' }, around(0.98, 1), cosine).value).toBeCloseTo(1 - 0.02 * Math.SQRT2, 9);
    // No cosine is below -1.
    expect(anchored({ name: 'cosine' }, around(-0.8, 1), { ...cosine, measured: 0.4 })).toEqual(
      around(-1, 1),
    );
  });

  it('is its own where the other tells nothing', () => {
    const own = around(1e-3);
    for (const measured of [0, Number.POSITIVE_INFINITY, Number.NaN]) {
      expect(anchored({ name: 'nme' }, own, { predicted: own, measured, weight: 0.9 })).toBe(own);
    }
    expect(anchored({ name: 'nme' }, own, { predicted: own, measured: 1, weight: 0 }).value).toBeCloseTo(
      1e-3,
      12,
    );
  });
});

describe('what plans have in common', () => {
  it('counts for little where it is not nearly all of their effect', () => {
    const weightOf = (both: number): number => commonDeviation({ one: 1, other: 1, both }, false);
    expect([0.4, 0.8, 0.9, 0.97].map((both) => Math.round(10 * weightOf(both)))).toEqual([0, 4, 7, 9]);
    expect(weightOf(1)).toBeLessThan(1);
    expect(commonDeviation({ one: 1, other: 1, both: 1 }, true)).toBe(1);
    expect(commonDeviation({ one: 0, other: 0, both: 0 }, false)).toBe(0);
    // A part of a plan is not the plan.
    expect(commonDeviation({ one: 1, other: 0.1, both: 0.1 }, false)).toBeLessThan(1e-3);
    expect(commonDeviation({ one: 0.1, other: 1, both: 0.1 }, false)).toBeLessThan(1e-3);
  });

  it('adds up', () => {
    const effects = new Map([
      ['a', 1],
      ['b', 2],
      ['c', 4],
    ]);
    const shared = sharedEffect(new Set('ab'), new Set('bc'), (one) => effects.get(one) ?? 0);
    expect(shared).toEqual({ one: 3, other: 6, both: 2 });
    expect(addedEffects([shared, shared])).toEqual({ one: 6, other: 12, both: 4 });
  });
});
