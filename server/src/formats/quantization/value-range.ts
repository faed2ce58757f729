/**
 * From the range of values that a quantizer is to hold to its scale and zero point, and what it then does to values.
 * Which range is best is not known here.
 */
import type { IntegerFormatName } from '../format.js';
import { codesOf, type IntegerRange, roundHalfToEven, type Scale } from './quantization.js';

/** The values between which a quantizer has its codes; what lies outside is clipped. Zero lies within. */
export interface ValueRange {
  readonly lowest: number;
  readonly highest: number;
}

/** What a scale is made for. */
export interface ScaleTarget {
  readonly format: IntegerFormatName;
  /** The code of zero is 0, and the range is as wide below zero as above it. */
  readonly symmetric: boolean;
  readonly narrow?: boolean;
}

/** FP32's smallest normal number: a scale below it would divide by zero on a device without subnormals. */
const SMALLEST_SCALE = 2 ** -126;

/**
 * The scale and zero point that hold a range. Zero is always held exactly. A range of nothing but zero gives a scale
 * of 1, with which zero stays zero.
 */
export function scaleOf({ format, symmetric, narrow }: ScaleTarget, { lowest, highest }: ValueRange): Scale {
  const codes = codesOf({ format, narrow: narrow ?? false });
  const low = Math.min(lowest, 0);
  const high = Math.max(highest, 0);
  if (low === 0 && high === 0) return { scale: 1, zeroPoint: 0 };
  if (symmetric) {
    return { scale: usable(Math.max(-low, high) / codes.highest), zeroPoint: 0 };
  }
  const scale = usable((high - low) / (codes.highest - codes.lowest));
  const zeroPoint = Math.round(codes.lowest - low / scale);
  return { scale, zeroPoint: Math.min(Math.max(zeroPoint, codes.lowest), codes.highest) };
}

function usable(scale: number): number {
  return Math.max(Math.fround(scale), SMALLEST_SCALE);
}

/** Sum of the squared differences that quantizing and reading back makes, over the elements that are not NaN or infinite. */
export function squaredError(values: Float32Array, scale: Scale, codes: IntegerRange): number {
  const { scale: step, zeroPoint } = scale;
  const { lowest, highest } = codes;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    // `quantizeOne`, in a loop that runs a hundred times over a tensor: what is too large to round is clipped anyway.
    const code = roundHalfToEven(Math.fround(value / step)) + zeroPoint;
    const held = code < lowest ? lowest : code > highest ? highest : code;
    const error = (held - zeroPoint) * step - value;
    const square = error * error;
    if (square < Infinity) sum += square;
  }
  return sum;
}
