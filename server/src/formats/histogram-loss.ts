/** What a format makes of values whose histogram is known, and the scale that suits it best. Counts only. */
import type { FloatFormatName, IntegerFormatName } from './format.js';
import { binadeOf, type Histogram } from './histogram.js';
import { formatInformation } from './information.js';
import { integerRange } from './quantization/index.js';
import { thresholdsOf } from './thresholds.js';

export interface FormatLoss {
  /** Elements other than zero, infinities and NaN included. */
  readonly nonZero: number;
  /** Finite elements beyond the format's range: infinite, NaN or clipped, whichever the format has for them. */
  readonly overflow: number;
  /** Non-zero elements that become subnormal or zero. */
  readonly underflow: number;
  /** Non-zero elements that become zero. */
  readonly becomesZero: number;
}

/** The counts that rounding every element to `format` would give, exactly: every threshold of every format bounds a bin. */
export function lossOf(histogram: Histogram, format: FloatFormatName): FormatLoss {
  const { overflow, normal, nonZero } = thresholdsOf(format);
  const finite = countWhere(histogram, () => true);
  return {
    nonZero: finite + histogram.nonFinite,
    overflow: countWhere(histogram, (bound) => bound >= overflow),
    underflow: countWhere(histogram, (bound) => bound < normal),
    becomesZero: countWhere(histogram, (bound) => bound < nonZero),
  };
}

/**
 * The same for an integer format whose steps reach from one end of the values to the other (`minmax`): nothing is beyond them, and
 * as steps are even, a value that becomes 0 is as near to it as any other to its own: no underflow. Other choices of a range
 * clip what they leave out. What becomes 0 is counted to the binade.
 */
export function integerLossOf(histogram: Histogram, maxAbs: number, format: IntegerFormatName): FormatLoss {
  const halfStep = maxAbs / integerRange(format).highest / 2;
  return {
    nonZero: countWhere(histogram, () => true) + histogram.nonFinite,
    overflow: 0,
    underflow: 0,
    becomesZero: countWhere(histogram, (bound) => isMostlyBelow(bound, halfStep)),
  };
}

function countWhere({ bounds, counts }: Histogram, isCounted: (bound: number) => boolean): number {
  let sum = 0;
  for (const [index, bound] of bounds.entries()) if (isCounted(bound)) sum += counts[index] ?? 0;
  return sum;
}

/** So much room is left above the largest value: other samples have larger ones. */
const HEADROOM = 2;

/** Losing so much more than the best scale would is no reason to scale. */
const TOLERATED_LOSS = 0.001;

/**
 * The power of two to multiply values by before they are rounded to `format`: of those that put the largest value to at most
 * half of the format's largest number, the one nearest to 1 that loses no more than a thousandth of the values more than the
 * best of them. Underflow is counted to the binade. 1 where there is nothing but zeros.
 */
export function recommendedScale(histogram: Histogram, maxAbs: number, format: FloatFormatName): number {
  if (maxAbs === 0) return 1;
  const { largest } = formatInformation(format);
  const most = binadeOf(largest / HEADROOM / maxAbs);
  const { normal } = thresholdsOf(format);
  const lostAt = (exponent: number): number =>
    countWhere(histogram, (bound) => isMostlyBelow(bound, normal * 2 ** -exponent));
  const tolerated = lostAt(most) + TOLERATED_LOSS * countWhere(histogram, () => true);
  if (most <= 0) return 2 ** most;
  let exponent = 0;
  while (lostAt(exponent) > tolerated) exponent++;
  return 2 ** exponent;
}

/** Whether a bin lies below a threshold; one in whose binade the threshold lies goes by where most of the binade is. */
function isMostlyBelow(bound: number, threshold: number): boolean {
  const end = 2 ** (binadeOf(bound) + 1);
  return bound < threshold && (end <= threshold || threshold > Math.sqrt(bound) * Math.sqrt(end));
}
