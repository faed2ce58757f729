/**
 * Numbers to the nearest number of a format, as the format defines it: one at a time, from the full precision of a
 * JavaScript number, and whole FP32 arrays.
 */
import { decodeBf16, encodeBf16 } from './bf16.js';
import { decodeDlfloat16, encodeDlfloat16 } from './dlfloat16.js';
import type { FloatFormatName, OverflowHandling, RunFormat, SmallFormatName } from './format.js';
import { decodeFp16, encodeFp16 } from './fp16.js';
import { formatInformation } from './information.js';
import { roundSmall } from './small-arrays.js';
import { nearestCode, overflowCode, smallFormatOf } from './small-numbers.js';

/** 16-bit codes are made in blocks of this many elements, so that they stay in the processor's cache. */
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

/** The distance between neighbours at a magnitude, in a format whose neighbours are evenly spaced within a binade. */
export function spacingAt(format: RunFormat | 'dlfloat16', magnitude: number): number {
  const { bias, significandBits, hasSubnormals } = formatInformation(format);
  return 2 ** (Math.max(exponentOf(magnitude), hasSubnormals ? 1 - bias : -bias) - significandBits);
}

/** Integers below 2^52 are the numbers that fall on the spacing of 2^52: adding and taking it away rounds to even. */
function roundHalfToEven(positive: number): number {
  return positive + 2 ** 52 - 2 ** 52;
}

/** Whether a format is one of at most eight bits, which go through tables. */
export function isSmall(format: FloatFormatName): format is SmallFormatName {
  return formatInformation(format).bits <= 8;
}

/**
 * The number of `format` nearest to `value`; ties as the format has them. One rounding only: a JavaScript number is not
 * rounded to FP32 on the way to FP16. With `saturate` a finite value beyond the range becomes the largest number;
 * infinities and NaN stay what they are as far as the format has them, and NaN stays NaN in every format.
 */
export function roundTo(format: FloatFormatName, value: number, overflow: OverflowHandling = 'inf'): number {
  if (Number.isNaN(value)) return value;
  if (isSmall(format)) return roundToSmall(format, value, overflow);
  if (format === 'dlfloat16') return roundToDlfloat16(value, overflow);
  return roundToRunFormat(format, value, overflow);
}

function roundToRunFormat(format: RunFormat, value: number, overflow: OverflowHandling): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const information = formatInformation(format);
  const magnitude = Math.abs(value);
  const spacing = spacingAt(format, magnitude);
  // Beyond twice the largest number the quotient would be too large to round by addition, and it does not matter.
  const rounded =
    magnitude > 2 * information.largest ? Infinity : roundHalfToEven(magnitude / spacing) * spacing;
  const held = rounded <= information.largest ? rounded : overflow === 'inf' ? Infinity : information.largest;
  return value < 0 ? -held : held;
}

/** Ties away from zero; nothing between zero and the smallest number but zero, save what rounds up to that number. */
function roundToDlfloat16(value: number, overflow: OverflowHandling): number {
  const { largest, smallestNormal } = formatInformation('dlfloat16');
  const magnitude = Math.abs(value);
  const sign = Object.is(value, -0) || value < 0 ? -1 : 1;
  if (magnitude < smallestNormal / 2) return sign * 0;
  if (magnitude > 2 * largest) return magnitude < Infinity && overflow === 'saturate' ? sign * largest : NaN;
  const spacing = spacingAt('dlfloat16', magnitude);
  const rounded = Math.floor(magnitude / spacing + 0.5) * spacing;
  if (rounded < smallestNormal) return sign * 0;
  if (rounded <= largest) return sign * rounded;
  return overflow === 'saturate' ? sign * largest : NaN;
}

function roundToSmall(name: SmallFormatName, value: number, overflow: OverflowHandling): number {
  const format = smallFormatOf(name);
  const { magnitudes, information, infinityCode } = format;
  if (!Number.isFinite(value)) {
    return roundSmall(name, new Float32Array([value]), new Float32Array(1), overflow)[0] ?? NaN;
  }
  const place = nearestCode(format, Math.abs(value));
  const code = place < magnitudes.length ? place : overflowCode(format, overflow);
  const rounded = magnitudes[code] ?? (code === infinityCode ? Infinity : NaN);
  if (rounded === 0 && !information.hasNegativeZero) return 0;
  return Object.is(value, -0) || value < 0 ? -rounded : rounded;
}

/** How arrays of a 16-bit format are made and read. */
const SIXTEEN_BITS = {
  fp16: { encode: encodeFp16, decode: decodeFp16 },
  bf16: { encode: encodeBf16, decode: decodeBf16 },
  dlfloat16: { encode: encodeDlfloat16, decode: decodeDlfloat16 },
} as const;

/**
 * Every number of an FP32 array to the nearest of `format`, as FP32 numbers. `out` may be `values` itself and
 * must be at least as long.
 */
export function roundArray(
  format: FloatFormatName,
  values: Float32Array,
  out: Float32Array = new Float32Array(values.length),
  overflow: OverflowHandling = 'inf',
): Float32Array {
  if (format === 'fp32') {
    if (out !== values) out.set(values);
    return out;
  }
  if (isSmall(format)) return roundSmall(format, values, out, overflow);
  const { encode, decode } = SIXTEEN_BITS[format];
  const codes = new Uint16Array(Math.min(BLOCK, values.length));
  for (let start = 0; start < values.length; start += BLOCK) {
    const block = values.subarray(start, start + BLOCK);
    const blockCodes = codes.subarray(0, block.length);
    decode(encode(block, blockCodes, overflow), out.subarray(start, start + block.length));
  }
  return out;
}
