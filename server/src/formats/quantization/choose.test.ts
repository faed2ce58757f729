/** How ranges are chosen: what each way promises, on tensors where that can be said. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leastErrorRange, minmaxRange, percentileRange, sawbRange } from './choose-range.js';
import { chooseQuantization, type RangeChoice } from './choose.js';
import { learnedRange } from './learned-range.js';
import { codesOf, quantizeArray, roundQuantized } from './quantization.js';
import { scaleOf, type ScaleTarget, squaredError } from './value-range.js';

const CHOICES: RangeChoice[] = [
  { name: 'minmax' },
  { name: 'percentile', percent: 99 },
  { name: 'mse' },
  { name: 'sawb' },
  { name: 'learned' },
];
const INT4: ScaleTarget = { format: 'int4', symmetric: true };

/** Values in the shape of a bell, by the sum of twelve even draws, and a few far out. */
function bell(count: number, outliers: number): Float32Array {
  let state = 12345;
  const even = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
  };
  const values = Float32Array.from({ length: count }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += even();
    return sum;
  });
  for (let i = 0; i < outliers; i++) values[i * 7] = (i % 2 === 0 ? 1 : -1) * 40;
  return values;
}

function errorOf(target: ScaleTarget, values: Float32Array, highest: number): number {
  const scale = scaleOf(target, { lowest: -highest, highest });
  return squaredError(values, scale, codesOf({ format: target.format, narrow: target.narrow ?? false }));
}

describe('the scale of a range', () => {
  it('holds zero exactly and both ends', () => {
    const end = fc.double({ min: -100, max: 100, noNaN: true }).map(Math.fround);
    fc.assert(
      fc.property(end, end, fc.constantFrom('int8' as const, 'int4' as const), (a, b, format) => {
        const range = { lowest: Math.min(a, b, 0), highest: Math.max(a, b, 0) };
        const scale = scaleOf({ format, symmetric: false }, range);
        const values = new Float32Array([0, range.lowest, range.highest]);
        const [zero, low, high] = roundQuantized({ format, scales: [scale] }, values);
        expect(zero).toBe(0);
        // The zero point is rounded to a code, which moves either end by half a step at most.
        expect(Math.abs((low ?? NaN) - range.lowest)).toBeLessThanOrEqual(scale.scale * 1.001);
        expect(Math.abs((high ?? NaN) - range.highest)).toBeLessThanOrEqual(scale.scale * 1.001);
      }),
    );
  });

  it('is symmetric where that is asked, and 1 for nothing but zero', () => {
    expect(scaleOf({ format: 'int8', symmetric: true }, { lowest: -1, highest: 12.7 })).toEqual({
      scale: Math.fround(0.1),
      zeroPoint: 0,
    });
    expect(scaleOf(INT4, { lowest: 0, highest: 0 })).toEqual({ scale: 1, zeroPoint: 0 });
  });

  it('of affine int8 over 0 to 255 has a step of 1 and begins at -128', () => {
    expect(scaleOf({ format: 'int8', symmetric: false }, { lowest: 0, highest: 255 })).toEqual({
      scale: 1,
      zeroPoint: -128,
    });
  });
});

describe('a range', () => {
  it('of least and greatest value clips nothing', () => {
    expect(minmaxRange(new Float32Array([-1, 3, NaN, Infinity]))).toEqual({ lowest: -1, highest: 3 });
    expect(minmaxRange(new Float32Array([2, 3]))).toEqual({ lowest: 0, highest: 3 });
  });

  it('by percentile leaves out the largest, interpolating between ranks', () => {
    const values = Float32Array.from({ length: 101 }, (_, i) => i - 50);
    expect(percentileRange(values, 90, false)).toEqual({ lowest: -40, highest: 40 });
    expect(percentileRange(new Float32Array([0, 1, 2, 4, 8]), 62.5, true)).toEqual({
      lowest: -3,
      highest: 3,
    });
    expect(percentileRange(values, 100, false)).toEqual(minmaxRange(values));
    expect(percentileRange(new Float32Array(0), 99, true)).toEqual({ lowest: 0, highest: 0 });
  });

  it('by squared error is better than its neighbours and than clipping nothing', () => {
    const values = bell(4000, 3);
    const { highest } = leastErrorRange(values, INT4);
    const least = errorOf(INT4, values, highest);
    expect(least).toBeLessThan(errorOf(INT4, values, 40));
    for (let share = 1; share <= 100; share++) {
      expect(least).toBeLessThanOrEqual(errorOf(INT4, values, (40 * share) / 100));
    }
  });

  it('that is learned is as good as a hundred tries, to a hundredth, and better over all samples than of one alone', () => {
    const samples = [bell(3000, 2), bell(3000, 0).map((value) => value * 1.7)];
    const total = (highest: number) =>
      samples.reduce((sum, sample) => sum + errorOf(INT4, sample, highest), 0);
    const { highest, lowest } = learnedRange(samples, INT4);
    expect(lowest).toBe(-highest);
    const tried = Array.from({ length: 100 }, (_, i) => total((40 * (i + 1)) / 100));
    expect(total(highest)).toBeLessThanOrEqual(Math.min(...tried) * 1.01);
    for (const sample of samples) {
      expect(total(highest)).toBeLessThanOrEqual(total(learnedRange([sample], INT4).highest));
    }
  });

  it('that is learned on one side of zero stays there', () => {
    const values = bell(3000, 2).map(Math.abs);
    const target: ScaleTarget = { format: 'int4', symmetric: false };
    const { lowest, highest } = learnedRange([values], target);
    expect(lowest).toBe(0);
    expect(highest).toBeGreaterThan(1);
    expect(highest).toBeLessThan(40);
  });
});

describe('SAWB', () => {
  it('is its formula: two magnitudes, half of each', () => {
    const values = new Float32Array([3, -3, 1, -1]);
    // E|w| is 2 and the root of E[w^2] is that of 5.
    expect(sawbRange(values, 'int4').highest).toBeCloseTo(12.035 * Math.sqrt(5) - 12.03 * 2, 9);
    expect(sawbRange(values, 'int8').highest).toBeCloseTo(31.76 * Math.sqrt(5) - 35.04 * 2, 9);
  });

  it('clips near the best of a bell, in 4 bits', () => {
    const values = bell(20_000, 0);
    const narrow: ScaleTarget = { ...INT4, narrow: true };
    const best = Math.min(
      ...Array.from({ length: 100 }, (_, i) => errorOf(narrow, values, (6 * (i + 1)) / 100)),
    );
    expect(errorOf(narrow, values, sawbRange(values, 'int4').highest)).toBeLessThan(best * 1.1);
  });

  it('clips nothing where its formula gives nothing positive', () => {
    // Of one magnitude the root of E[w^2] equals E|w|, and the coefficients in 8 bits add up to less than zero.
    expect(sawbRange(new Float32Array([2, -2]), 'int8')).toEqual({ lowest: -2, highest: 2 });
  });
});

describe('the quantization of a tensor', () => {
  it.each(CHOICES)(
    'by $name has one scale, or one for each channel, chosen from that channel alone',
    (choice) => {
      const channels = [
        bell(500, 1),
        bell(500, 0).map((value) => value * 8),
        bell(500, 2).map((value) => value / 4),
      ];
      const values = new Float32Array(1500);
      // Channels along the last axis: element i of channel c stands at 3 i + c.
      for (const [c, channel] of channels.entries())
        for (let i = 0; i < 500; i++) values[3 * i + c] = channel[i] ?? 0;
      const wish = { format: 'int8', choice, symmetric: true } as const;
      const perChannel = chooseQuantization({ ...wish, axis: 1 }, [values], [500, 3]);
      expect(perChannel.axis).toBe(1);
      expect(perChannel.scales).toEqual(
        channels.map((channel) => chooseQuantization(wish, [channel], [500]).scales[0]),
      );
      expect(chooseQuantization(wish, [values], [500, 3]).scales).toHaveLength(1);
    },
  );

  it('by SAWB is symmetric and leaves out the least code, so that its clip is the outermost level', () => {
    const wish = { format: 'int4', choice: { name: 'sawb' }, symmetric: false } as const;
    const values = bell(2000, 2);
    const quantization = chooseQuantization(wish, [values], [2000]);
    expect(quantization.scales[0]?.zeroPoint).toBe(0);
    expect(Math.min(...quantizeArray(quantization, values))).toBe(-7);
    const mse = chooseQuantization({ ...wish, choice: { name: 'mse' }, symmetric: true }, [values], [2000]);
    expect(Math.min(...quantizeArray(mse, values))).toBe(-8);
  });

  it('counts samples together', () => {
    const wish = { format: 'int8', choice: { name: 'minmax' }, symmetric: true } as const;
    const [scale] = chooseQuantization(wish, [new Float32Array([1]), new Float32Array([-12.7])], [1]).scales;
    expect(scale?.scale).toBe(Math.fround(0.1));
  });
});
