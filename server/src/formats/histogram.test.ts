/** Histograms: what they say of a format is what rounding every element does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lossOf, recommendedScale } from './histogram-loss.js';
import { binadeOf, binadesOf, mergeHistograms, rangeOfValues } from './histogram.js';
import { FLOAT_FORMAT_NAMES, formatInformation } from './information.js';
import { countLost } from './lost.js';
import { roundTo } from './rounding.js';
import { thresholdsOf } from './thresholds.js';

/** Numbers of every size, and those at which something changes in some format, with their neighbours. */
const anyFloat = fc.oneof(
  fc.float(),
  fc
    .tuple(
      fc.constantFrom(...FLOAT_FORMAT_NAMES),
      fc.constantFrom('overflow', 'normal', 'nonZero'),
      fc.constantFrom(1 - 2 ** -24, 1, 1 + 2 ** -23, -1),
    )
    .map(([format, which, factor]) => Math.fround(thresholdsOf(format)[which] * factor)),
);
const anyValues = fc.array(anyFloat).map((values) => Float32Array.from(values));

describe('a histogram', () => {
  it('counts elements by binade', () => {
    const { histogram, ...range } = rangeOfValues(
      Float32Array.of(0, 1, -1.5, 2, 3.99, -0, 0.25, NaN, -70000),
    );
    expect(range).toEqual({
      elements: 9,
      maxAbs: 70000,
      maxIndex: 8,
      nan: 1,
      squares: expect.closeTo(4.9e9, -2) as number,
    });
    expect(binadesOf(histogram)).toEqual([
      [-2, 1],
      [0, 2],
      [1, 2],
      [16, 1],
    ]);
    expect(histogram).toMatchObject({ zeros: 2, negative: 2, nonFinite: 1 });
  });

  it.each(FLOAT_FORMAT_NAMES)('says what %s does to the values, exactly', (format) => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const { elements, maxAbs, maxIndex, histogram } = rangeOfValues(values);
        const { nonFinite } = histogram;
        expect({ elements, maxAbs, maxIndex, nonFinite, ...lossOf(histogram, format) }).toEqual(
          countLost(format, values),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is the same for FP32 numbers that come as doubles', () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        expect(rangeOfValues(Float64Array.from(values))).toEqual(rangeOfValues(values));
      }),
    );
  });

  it('holds what FP32 cannot', () => {
    const { maxAbs, histogram } = rangeOfValues(new Float64Array([1e300, -1e-300, 5e-324, 0, Infinity]));
    expect(maxAbs).toBe(1e300);
    expect(lossOf(histogram, 'bf16')).toEqual({ nonZero: 4, overflow: 1, underflow: 2, becomesZero: 2 });
  });

  it('of two arrays is that of both together, whatever their order', () => {
    fc.assert(
      fc.property(anyValues, anyValues, (a, b) => {
        const both = rangeOfValues(Float32Array.from([...a, ...b])).histogram;
        const [first, second] = [rangeOfValues(a).histogram, rangeOfValues(b).histogram];
        expect(mergeHistograms(first, second)).toEqual(both);
        expect(mergeHistograms(second, first)).toEqual(both);
      }),
    );
  });
});

describe('a binade', () => {
  it('holds the number', () => {
    fc.assert(
      fc.property(fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true }), (magnitude) => {
        const exponent = binadeOf(magnitude);
        expect(2 ** exponent <= magnitude && magnitude < 2 ** (exponent + 1)).toBe(true);
      }),
    );
    expect(binadeOf(2 ** 29 * (1 - 2 ** -53))).toBe(28);
  });
});

describe('the recommended scale', () => {
  const scaleOf = (values: readonly number[]): number => {
    const { histogram, maxAbs } = rangeOfValues(Float64Array.from(values));
    return recommendedScale(histogram, maxAbs, 'fp16');
  };

  it('is 1 where nothing is lost, or nothing is there', () => {
    expect(scaleOf([1, -2, 0.5])).toBe(1);
    expect(scaleOf([0, 0])).toBe(1);
    expect(scaleOf([])).toBe(1);
  });

  it('brings down what overflows, and up what underflows, as far as it must', () => {
    expect(scaleOf([1e6])).toBe(2 ** -5);
    expect(scaleOf([40000])).toBe(0.5);
    expect(scaleOf([1e-6, 1])).toBe(2 ** 6);
    expect(scaleOf([1e-6, 1000])).toBe(1);
  });

  it('keeps room above the largest value, and loses no more than any other scale that does', () => {
    const value = fc
      .tuple(fc.integer({ min: -60, max: 40 }), fc.integer({ min: 1024, max: 2047 }))
      .map(([exponent, significand]) => significand * 2 ** (exponent - 10));
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 50 }),
        fc.constantFrom(...FLOAT_FORMAT_NAMES),
        (values, format) => {
          const { largest, smallestNormal } = formatInformation(format);
          const { histogram, maxAbs } = rangeOfValues(Float64Array.from(values));
          const scale = recommendedScale(histogram, maxAbs, format);
          expect(maxAbs * scale).toBeLessThanOrEqual(largest / 2);
          const lost = (by: number): number =>
            values.filter((one) => roundTo(format, one * by) < smallestNormal).length;
          let best = scale;
          for (let by = scale; maxAbs * by <= largest / 2; by *= 2) best = by;
          // Underflow is counted to the binade: values in that of the threshold may go either way.
          const { normal } = thresholdsOf(format);
          const near = (by: number): number =>
            values.filter((one) => binadeOf(one * by) === binadeOf(normal)).length;
          expect(lost(scale)).toBeLessThanOrEqual(lost(best) + near(best) + near(scale));
        },
      ),
    );
  });
});
