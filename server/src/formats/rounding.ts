/**
 * Numbers to the nearest number of a format: one at a time, from the full precision of a JavaScript number, and
 * whole FP32 arrays. Round to nearest, ties to even.
 */
import { decodeBf16, encodeBf16 } from './bf16.js';
import type { OverflowHandling, RunFormat } from './format.js';
import { decodeFp16, encodeFp16 } from './fp16.js';
import { formatInformation, type FormatInformation } from './information.js';

/** FP16 codes are made in blocks of this many elements, so that they stay in the processor's cache. */
const BLOCK = 8192;

const float64 = new Float64Array(1);
const float64Words = new Uint32Array(float64.buffer);
/** Which half of a Float64Array element holds sign and exponent. */
const UPPER_WORD = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Floor of the binary logarithm of a positive number; -1023 for the subnormals of binary64. */
function exponentOf(magnitude: number): number {
  float64[0] = magnitude;
  return (((float64Words[UPPER_WORD] ?? 0) >>> 20) & 0x7ff) - 1023;
}

/** The distance between neighbours at a magnitude. */
function spacingAt(format: FormatInformation, magnitude: number): number {
  const exponent = Math.max(exponentOf(magnitude), 1 - format.bias);
  return 2 ** (exponent - format.significandBits);
}

/** Integers below 2^52 are the numbers that fall on the spacing of 2^52: adding and taking it away rounds to even. */
function roundHalfToEven(positive: number): number {
  return positive + 2 ** 52 - 2 ** 52;
}

/**
 * The number of `format` nearest to `value`, ties to even. One rounding only: a JavaScript number is not
 * rounded to FP32 on the way to FP16. With `saturate` a finite value beyond the range becomes the largest
 * number; infinities and NaN stay what they are.
 */
export function roundTo(format: RunFormat, value: number, overflow: OverflowHandling = 'inf'): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const information = formatInformation(format);
  const magnitude = Math.abs(value);
  const spacing = spacingAt(information, magnitude);
  // Beyond twice the largest number the quotient would be too large to round by addition, and it does not matter.
  const rounded =
    magnitude > 2 * information.largest ? Infinity : roundHalfToEven(magnitude / spacing) * spacing;
  const held = rounded <= information.largest ? rounded : overflow === 'inf' ? Infinity : information.largest;
  return value < 0 ? -held : held;
}

/**
 * Every number of an FP32 array to the nearest of `format`, as FP32 numbers. `out` may be `values` itself and
 * must be at least as long.
 */
export function roundArray(
  format: RunFormat,
  values: Float32Array,
  out: Float32Array = new Float32Array(values.length),
  overflow: OverflowHandling = 'inf',
): Float32Array {
  if (format === 'fp32') {
    if (out !== values) out.set(values);
    return out;
  }
  const encode = format === 'fp16' ? encodeFp16 : encodeBf16;
  const decode = format === 'fp16' ? decodeFp16 : decodeBf16;
  const codes = new Uint16Array(Math.min(BLOCK, values.length));
  for (let start = 0; start < values.length; start += BLOCK) {
    const block = values.subarray(start, start + BLOCK);
    const blockCodes = codes.subarray(0, block.length);
    decode(encode(block, blockCodes, overflow), out.subarray(start, start + block.length));
  }
  return out;
}
