/** What a format does to the values of a tensor: how many overflow, how many are lost. Counts only, nothing is rounded. */
import type { RunFormat } from './format.js';
import { formatInformation } from './information.js';

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
  /** Finite elements whose rounding is infinite. */
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

function bitsOf(value: number): number {
  return new Uint32Array(new Float32Array([value]).buffer)[0] ?? 0;
}

/**
 * The midpoints at the ends of the range. The tie at the top goes to infinity and the tie below the smallest
 * normal number to that number, both having even significands; the tie above zero goes to zero.
 */
function thresholdsOf(format: RunFormat): Thresholds {
  const { largest, smallestNormal, smallestSubnormal, significandBits, bias } = formatInformation(format);
  if (format === 'fp32') return { overflow: INFINITY_BITS, normal: bitsOf(smallestNormal), zero: 0 };
  return {
    overflow: bitsOf(largest + 2 ** (bias - significandBits - 1)),
    normal: bitsOf(smallestNormal - smallestSubnormal / 2),
    zero: bitsOf(smallestSubnormal / 2),
  };
}

const THRESHOLDS: Readonly<Record<RunFormat, Thresholds>> = {
  fp32: thresholdsOf('fp32'),
  fp16: thresholdsOf('fp16'),
  bf16: thresholdsOf('bf16'),
};

/** Range of the values of an FP32 array, and what rounding them to `format` would do. */
export function countLost(format: RunFormat, values: Float32Array): LostCounts {
  const { overflow: overflowFrom, normal: normalFrom, zero: zeroUpTo } = THRESHOLDS[format];
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
