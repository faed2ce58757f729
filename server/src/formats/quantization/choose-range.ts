/**
 * The range that a quantizer of a tensor should hold: the published ways of choosing it, each a function from values to a
 * range. Elements that are infinite or NaN do not count. Knows no layers and no models.
 */
import { codesOf } from './quantization.js';
import { scaleOf, type ScaleTarget, squaredError, type ValueRange } from './value-range.js';

/** Nothing clipped: from the least to the greatest value. */
export function minmaxRange(values: Float32Array): ValueRange {
  let lowest = 0;
  let highest = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return { lowest, highest };
}

/**
 * Clips the largest values, so that `percent` of a hundred stay: of the magnitudes where the quantizer is symmetric, of
 * each end (100 - percent) otherwise. Between ranks it interpolates.
 */
export function percentileRange(values: Float32Array, percent: number, symmetric: boolean): ValueRange {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return { lowest: 0, highest: 0 };
  if (symmetric) {
    const clip = percentileOf(finite.map(Math.abs).sort(), percent);
    return { lowest: -clip, highest: clip };
  }
  const sorted = finite.sort();
  return {
    lowest: Math.min(0, percentileOf(sorted, 100 - percent)),
    highest: Math.max(0, percentileOf(sorted, percent)),
  };
}

function percentileOf(sorted: Float32Array, percent: number): number {
  const rank = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(rank)] ?? 0;
  const above = sorted[Math.ceil(rank)] ?? below;
  return below + (above - below) * (rank - Math.floor(rank));
}

/** Shares of the full range that are tried, from all of it down to a hundredth. */
const SHARES = 100;

/** The share of the minmax range, in hundredths, whose squared error over the tensor is least. */
export function leastErrorRange(values: Float32Array, target: ScaleTarget): ValueRange {
  const full = minmaxRange(values);
  const codes = codesOf({ format: target.format, narrow: target.narrow ?? false });
  let best = full;
  let least = Infinity;
  for (let share = SHARES; share > 0; share--) {
    const range = { lowest: (full.lowest * share) / SHARES, highest: (full.highest * share) / SHARES };
    const error = squaredError(values, scaleOf(target, range), codes);
    if (error < least) {
      best = range;
      least = error;
    }
  }
  return best;
}

/**
 * SAWB's clip, c0 x sqrt(E[w^2]) + c1 x E|w|, symmetric: Choi et al., "Accurate and Efficient 2-bit Quantized Neural
 * Networks" (MLSys 2019). The coefficients fit the best clip of six distributions; these are the published ones for
 * quantizers with a code for zero, 15 levels in 4 bits and 255 in 8 (fms-model-optimizer, codes 403 and 803). Where the
 * formula gives nothing positive, nothing is clipped, as there.
 */
export function sawbRange(values: Float32Array, format: 'int8' | 'int4'): ValueRange {
  const [ofRoot, ofMean] = format === 'int4' ? [12.035, -12.03] : [31.76, -35.04];
  let absolute = 0;
  let square = 0;
  let count = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    absolute += Math.abs(value);
    square += value * value;
    count++;
  }
  const formula = count === 0 ? 0 : ofRoot * Math.sqrt(square / count) + ofMean * (absolute / count);
  const full = minmaxRange(values);
  const clip = formula > 0 ? formula : Math.max(-full.lowest, full.highest);
  return { lowest: -clip, highest: clip };
}
