/** Where a number falls between the numbers of a format, for people to look at. One number at a time. */
import { decodeBf16, encodeBf16 } from './bf16.js';
import type { RunFormat } from './format.js';
import { decodeFp16, encodeFp16 } from './fp16.js';
import { roundTo } from './rounding.js';

export interface Neighbours {
  /** The nearest number of the format, ties to even. */
  readonly rounded: number;
  /** The largest number of the format that is not above the value; the value itself where the format holds it. */
  readonly below: number;
  /** The smallest number of the format that is not below the value. */
  readonly above: number;
  /** `rounded` minus the value. */
  readonly error: number;
}

/** A number of the format as its code, sign and magnitude. */
function codeOf(format: RunFormat, value: number): number {
  const single = new Float32Array([value]);
  if (format === 'fp32') return new Uint32Array(single.buffer)[0] ?? 0;
  return (format === 'fp16' ? encodeFp16(single) : encodeBf16(single))[0] ?? 0;
}

function valueOf(format: RunFormat, code: number): number {
  if (format === 'fp32') return new Float32Array(new Uint32Array([code]).buffer)[0] ?? 0;
  const codes = new Uint16Array([code]);
  return (format === 'fp16' ? decodeFp16(codes) : decodeBf16(codes))[0] ?? 0;
}

/**
 * The next number of the format away from or towards zero. Codes of one sign are in the order of their
 * magnitudes, so the neighbour's code is one more or one less.
 */
function step(format: RunFormat, value: number, away: boolean): number {
  return valueOf(format, codeOf(format, value) + (away ? 1 : -1));
}

/**
 * What becomes of `value` in `format`, and the two numbers of the format that it lies between. Past the largest
 * number the neighbour is an infinity. NaN gives NaN throughout.
 */
export function neighbours(format: RunFormat, value: number): Neighbours {
  const rounded = roundTo(format, value);
  if (Number.isNaN(value) || rounded === value) {
    return { rounded, below: rounded, above: rounded, error: Number.isNaN(value) ? NaN : 0 };
  }
  const error = rounded - value;
  const towardsZero = Math.abs(rounded) < Math.abs(value);
  const other = step(format, rounded, towardsZero);
  return rounded < value
    ? { rounded, below: rounded, above: other, error }
    : { rounded, below: other, above: rounded, error };
}
