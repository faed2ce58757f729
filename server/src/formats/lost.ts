/** What a format does to the values of a tensor: how many overflow, how many are lost. Counts only, nothing is rounded. */
import type { FloatFormatName } from './format.js';
import { formatInformation } from './information.js';
import { isSmall, roundTo } from './rounding.js';
import { nearestCode, smallFormatOf } from './small-numbers.js';

export interface LostCounts {
  readonly elements: number;
  /** Largest magnitude of the finite elements; 0 where there is none. */
  readonly maxAbs: number;
  /** Index of the first element of that magnitude; -1 where no element is finite. */
  readonly maxIndex: number;
  /** Elements other than zero, infinities and NaN included. */
  readonly nonZero: number;
  /** Elements that are infinite or NaN before any rounding. */
  readonly nonFinite: number;
  /** Finite elements beyond the format's range: infinite, NaN or clipped, whichever the format has for them. */
  readonly overflow: number;
  /** Non-zero elements that become subnormal or zero. */
  readonly underflow: number;
  /** Non-zero elements that become zero. */
  readonly becomesZero: number;
}

interface Thresholds {
  /** FP32 bits of the smallest magnitude that rounds to infinity. */
  readonly overflow: number;
  /** FP32 bits of the smallest magnitude that rounds to a normal number. */
  readonly normal: number;
  /** FP32 bits of the largest magnitude that rounds to zero. */
  readonly zero: number;
}

const INFINITY_BITS = 0x7f800000;

/**
 * FP32 bits of the smallest magnitude of which this is so; one more than those of the largest finite number if none is.
 * Rounding never changes the order of numbers, so what is so of one is so of all above it.
 */
function firstWhere(isSo: (magnitude: number) => boolean): number {
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  let low = 0;
  let high = INFINITY_BITS;
  while (low < high) {
    const middle = (low + high) >>> 1;
    bits[0] = middle;
    if (isSo(value[0] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return low;
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

function thresholdsOf(format: FloatFormatName): Thresholds {
  let thresholds = known.get(format);
  if (thresholds === undefined) {
    const { smallestNormal } = formatInformation(format);
    thresholds = {
      overflow: firstWhere((magnitude) => isBeyond(format, magnitude)),
      normal: firstWhere((magnitude) => roundTo(format, magnitude, 'saturate') >= smallestNormal),
      zero: firstWhere((magnitude) => roundTo(format, magnitude, 'saturate') > 0) - 1,
    };
    known.set(format, thresholds);
  }
  return thresholds;
}

/** Range of the values of an FP32 array, and what rounding them to `format` would do. */
export function countLost(format: FloatFormatName, values: Float32Array): LostCounts {
  const { overflow: overflowFrom, normal: normalFrom, zero: zeroUpTo } = thresholdsOf(format);
  const allBits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let maxBits = -1;
  let maxIndex = -1;
  let zeros = 0;
  let nonFinite = 0;
  let overflow = 0;
  let underflow = 0;
  let becomesZero = 0;
  for (let i = 0; i < allBits.length; i++) {
    // Magnitudes compare as their bits do.
    const bits = (allBits[i] ?? 0) & 0x7fffffff;
    if (bits >= INFINITY_BITS) {
      nonFinite++;
      continue;
    }
    if (bits > maxBits) {
      maxBits = bits;
      maxIndex = i;
    }
    if (bits >= normalFrom) {
      if (bits >= overflowFrom) overflow++;
    } else if (bits === 0) {
      zeros++;
    } else {
      underflow++;
      if (bits <= zeroUpTo) becomesZero++;
    }
  }
  return {
    elements: values.length,
    maxAbs: Math.abs(values[maxIndex] ?? 0),
    maxIndex,
    nonZero: values.length - zeros,
    nonFinite,
    overflow,
    underflow,
    becomesZero,
  };
}
