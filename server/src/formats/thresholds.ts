/**
 * Where rounding to a format changes what becomes of a number: from which magnitude on it is beyond the range, from which on
 * it is a normal number, from which on it is not zero. Exact, in the full precision of a JavaScript number. Knows no array.
 */
import type { FloatFormatName } from './format.js';
import { formatInformation } from './information.js';
import { isSmall, roundTo } from './rounding.js';
import { nearestCode, smallFormatOf } from './small-numbers.js';

export interface Thresholds {
  /** The smallest magnitude that rounds to no number of the format; `Infinity` if every finite one does. */
  readonly overflow: number;
  /** The smallest magnitude that rounds to a normal number. */
  readonly normal: number;
  /** The smallest magnitude that does not round to zero. */
  readonly nonZero: number;
}

const float64 = new Float64Array(1);
const float64Bits = new BigUint64Array(float64.buffer);
const INFINITY_BITS = 0x7ff0000000000000n;

/** The smallest finite magnitude of which this is so. Rounding keeps the order of numbers: what is so of one is so of all above. */
function firstWhere(isSo: (magnitude: number) => boolean): number {
  let low = 0n;
  let high = INFINITY_BITS;
  while (low < high) {
    const middle = (low + high) >> 1n;
    float64Bits[0] = middle;
    if (isSo(float64[0] ?? 0)) high = middle;
    else low = middle + 1n;
  }
  float64Bits[0] = low;
  return float64[0] ?? 0;
}

/** Whether a magnitude rounds to no number of the format, also where the format then clips. */
function isBeyond(format: FloatFormatName, magnitude: number): boolean {
  if (isSmall(format)) {
    const small = smallFormatOf(format);
    return nearestCode(small, magnitude) >= small.magnitudes.length;
  }
  const rounded = roundTo(format, magnitude);
  return rounded === Infinity || Number.isNaN(rounded);
}

const known = new Map<FloatFormatName, Thresholds>();

/** The thresholds of a format, found by asking its own rounding. */
export function thresholdsOf(format: FloatFormatName): Thresholds {
  let thresholds = known.get(format);
  if (thresholds === undefined) {
    const { smallestNormal } = formatInformation(format);
    thresholds = {
      overflow: firstWhere((magnitude) => isBeyond(format, magnitude)),
      normal: firstWhere((magnitude) => roundTo(format, magnitude, 'saturate') >= smallestNormal),
      nonZero: firstWhere((magnitude) => roundTo(format, magnitude, 'saturate') > 0),
    };
    known.set(format, thresholds);
  }
  return thresholds;
}
