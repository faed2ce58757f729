/** What a format does to the values of a tensor: how many overflow, how many are lost. Counts only, nothing is rounded. */
import type { FloatFormatName } from './format.js';
import { thresholdsOf } from './thresholds.js';

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
  /** FP32 bits of the smallest magnitude that does not round to zero. */
  readonly nonZero: number;
}

const INFINITY_BITS = 0x7f800000;

/** FP32 bits of the smallest FP32 number that is no less; those of infinity if there is none. */
function bitsFrom(magnitude: number): number {
  const value = Float32Array.of(magnitude);
  const bits = new Uint32Array(value.buffer);
  const nearest = bits[0] ?? 0;
  return (value[0] ?? 0) < magnitude ? nearest + 1 : nearest;
}

const known = new Map<FloatFormatName, Thresholds>();

function thresholdBits(format: FloatFormatName): Thresholds {
  let thresholds = known.get(format);
  if (thresholds === undefined) {
    const { overflow, normal, nonZero } = thresholdsOf(format);
    thresholds = { overflow: bitsFrom(overflow), normal: bitsFrom(normal), nonZero: bitsFrom(nonZero) };
    known.set(format, thresholds);
  }
  return thresholds;
}

/** Range of the values of an FP32 array, and what rounding them to `format` would do. */
export function countLost(format: FloatFormatName, values: Float32Array): LostCounts {
  const { overflow: overflowFrom, normal: normalFrom, nonZero: nonZeroFrom } = thresholdBits(format);
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
      if (bits < nonZeroFrom) becomesZero++;
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
