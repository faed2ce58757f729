// Losses against their definitions, their gradients against differences.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lossOf, type Scores } from './loss.js';

const STEP = 2 ** -10;

function checkGradient(
  values: Float32Array,
  dims: readonly number[],
  label: Float64Array,
  scores: Scores,
): void {
  const { gradient } = lossOf(values, dims, label, scores) ?? {};
  const lossAt = (at: number, step: number): number =>
    lossOf(
      values.map((value, index) => (index === at ? value + step : value)),
      dims,
      label,
      scores,
    )?.loss ?? Number.NaN;
  for (const at of values.keys()) {
    const difference = (lossAt(at, STEP) - lossAt(at, -STEP)) / (2 * STEP);
    expect(Math.abs((gradient?.[at] ?? Number.NaN) - difference)).toBeLessThan(
      1e-3 * (1 + Math.abs(difference)),
    );
  }
}

describe('a loss', () => {
  const values = (count: number) =>
    fc.array(fc.integer({ min: 64, max: 1024 }), { minLength: count, maxLength: count }).map((all) =>
      // Multiples of a power of two, so that steps are exact in FP32.
      Float32Array.from(all, (one) => one / 256),
    );

  it('has the gradient that differences show', () => {
    fc.assert(
      fc.property(values(6), fc.nat(2), fc.nat(2), (all, first, second) => {
        checkGradient(all, [2, 3], Float64Array.of(first, second), 'logits');
        checkGradient(all, [2, 3], Float64Array.of(first, second), 'probabilities');
        checkGradient(
          all,
          [6],
          Float64Array.from(all, (value) => 1 - value),
          'logits',
        );
      }),
    );
  });

  it('of classes is the mean of -log p', () => {
    const of = (scores: Scores) =>
      lossOf(Float32Array.of(0.5, 0.25, 0.25, 0.5), [2, 2], Float64Array.of(0, 0), scores)?.loss;
    expect(of('probabilities')).toBeCloseTo(-(Math.log(0.5) + Math.log(0.25)) / 2, 12);
    const [a, b] = [Math.exp(0.5), Math.exp(0.25)];
    expect(of('logits')).toBeCloseTo(-(Math.log(a / (a + b)) + Math.log(b / (a + b))) / 2, 12);
    // What was thought impossible is far off, not infinitely far.
    expect(lossOf(Float32Array.of(1, 0), [2], Float64Array.of(1), 'probabilities')?.loss).toBeCloseTo(
      27.63,
      2,
    );
  });

  it('is none where the label fits in no way', () => {
    expect(lossOf(new Float32Array(6), [2, 3], Float64Array.of(0, 1, 2), 'logits')).toBeUndefined();
    expect(lossOf(new Float32Array(6), [2, 3], Float64Array.of(0, 3), 'logits')).toBeUndefined();
  });
});
