/**
 * DLFloat from and to binary32, bit by bit: a sign, 6 bits of exponent with bias 31, 9 of significand. Exponent 0 is a
 * binade like any other, but for its first code, which is zero; there are no subnormals. Of the codes of the largest
 * exponent the last stands for NaN and the infinities together, and decodes to NaN; the others are numbers. What is
 * beyond the range becomes that code, what is below it zero. Knows arrays only.
 *
 * Agrawal et al., "DLFloat: A 16-b Floating Point Format Designed for Deep Learning Training and Inference" (ARITH
 * 2019). Signs of zero and of NaN say nothing there; they are kept here, as in the conversions of onnx-mlir.
 */
import type { OverflowHandling } from './format.js';

const NAN_CODE = 0x7fff;
const LARGEST_CODE = 0x7ffe;
/** FP32 bits of 2^-31 x (1 + 2^-10): from here up a magnitude is a number and no longer zero. */
const FIRST_BITS = ((127 - 31) << 23) | (1 << 13);
/** FP32 bits of the magnitude halfway between the largest number and the one that would follow it. */
const OVERFLOW_BITS = ((127 + 32) << 23) | (1021 << 13);
/** What turns FP32 bits, cut to 9 bits of significand, into a code: the difference of the biases. */
const REBIAS = (127 - 31) << 9;

/**
 * DLFloat codes of FP32 numbers, ties away from zero ("round nearest up", the only rounding that the format has).
 * `overflow` says what becomes of a finite number whose rounding is beyond 8.57e9: the code for NaN and infinity, or the
 * largest number. `out` must be at least as long as `values`.
 */
export function encodeDlfloat16(
  values: Float32Array,
  out: Uint16Array = new Uint16Array(values.length),
  overflow: OverflowHandling = 'inf',
): Uint16Array {
  const allBits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const beyond = overflow === 'saturate' ? LARGEST_CODE : NAN_CODE;
  for (let i = 0; i < allBits.length; i++) {
    const bits = allBits[i] ?? 0;
    const magnitude = bits & 0x7fffffff;
    const code =
      magnitude < FIRST_BITS
        ? 0
        : magnitude < OVERFLOW_BITS
          ? ((magnitude + 0x2000) >>> 14) - REBIAS
          : magnitude < 0x7f800000
            ? beyond
            : NAN_CODE;
    out[i] = ((bits >>> 16) & 0x8000) | code;
  }
  return out;
}

/** FP32 numbers of DLFloat codes; exact. `out` must be at least as long as `codes`. */
export function decodeDlfloat16(
  codes: Uint16Array,
  out: Float32Array = new Float32Array(codes.length),
): Float32Array {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    const sign = (code & 0x8000) << 16;
    const magnitude = code & 0x7fff;
    bits[i] =
      magnitude === 0 ? sign : sign | (magnitude === NAN_CODE ? 0x7fc00000 : (magnitude + REBIAS) << 14);
  }
  return out;
}
