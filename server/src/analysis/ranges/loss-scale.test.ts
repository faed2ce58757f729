/** Where loss scaling settles: the same as playing the rule step by step. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT_FORMAT_NAMES, rangeOfValues, roundTo, thresholdsOf } from '../../formats/index.js';
import { settledScale, type ScalingRule } from './loss-scale.js';

/** Plays the rule on the same gradients again and again, until it halves what it has doubled; where it was before that. */
function played(values: readonly number[], isBeyond: (value: number) => boolean, rule: ScalingRule) {
  let scale = rule.initial;
  let clean = 0;
  let steps = 0;
  let skipped = 0;
  for (;;) {
    const overflows = values.some((value) => isBeyond(Math.abs(value) * scale));
    if (overflows) {
      if (clean > 0 || steps > skipped) return { scale: scale / 2, steps: steps - rule.cleanSteps, skipped };
      scale /= 2;
      skipped += 1;
      steps += 1;
      continue;
    }
    if (skipped > 0) return { scale, steps, skipped };
    if (scale >= 2 ** 120) return { scale, steps, skipped };
    clean = rule.cleanSteps;
    steps += clean;
    scale *= 2;
  }
}

describe('the loss scale', () => {
  it('is the largest at which nothing overflows, after the steps that it takes', () => {
    const { histogram, maxAbs } = rangeOfValues(Float64Array.of(1e-3, -8, 1e-7, 0));
    expect(settledScale({ histogram, maxAbs }, 'fp16', { initial: 2 ** 16, cleanSteps: 100 })).toEqual({
      scale: 2 ** 12,
      steps: 4,
      skipped: 4,
      unscaled: { underflow: 1 / 3, becomesZero: 0 },
      scaled: { underflow: 0, becomesZero: 0 },
    });
    const small = rangeOfValues(Float64Array.of(2 ** -8));
    expect(settledScale(small, 'fp16', { initial: 2 ** 16, cleanSteps: 100 })).toMatchObject({
      scale: 2 ** 23,
      steps: 700,
      skipped: 0,
    });
  });

  it('is that of the rule played step by step, in every format', () => {
    const value = fc.double({ min: 1e-30, max: 1e30, noNaN: true });
    const rule = fc.record({
      initial: fc.integer({ min: -20, max: 40 }).map((exponent) => 2 ** exponent),
      cleanSteps: fc.integer({ min: 1, max: 3000 }),
    });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(...FLOAT_FORMAT_NAMES),
        rule,
        (values, format, given) => {
          const { overflow } = thresholdsOf(format);
          const settled = settledScale(rangeOfValues(Float64Array.from(values)), format, given);
          expect(settled).toMatchObject(played(values, (one) => one >= overflow, given));
        },
      ),
    );
  });

  it('keeps what rounds to the largest number, and no more', () => {
    const settled = settledScale(rangeOfValues(Float64Array.of(65519)), 'fp16');
    expect([settled?.scale, roundTo('fp16', 65519)]).toEqual([1, 65504]);
    expect(settledScale(rangeOfValues(Float64Array.of(65520)), 'fp16')?.scale).toBe(0.5);
  });

  it('never settles where gradients are infinite, and is of no use where they are zero', () => {
    expect(settledScale(rangeOfValues(Float64Array.of(1, Infinity)), 'fp16')).toBeUndefined();
    expect(settledScale(rangeOfValues(Float64Array.of(0)), 'fp16')).toBeUndefined();
  });
});
