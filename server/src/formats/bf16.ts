/**
 * bfloat16 from and to binary32, bit by bit: the upper half of the FP32 code, rounded to nearest, ties to even;
 * subnormals, the sign of zero, infinities and NaN payloads kept. Knows arrays only.
 */
import type { OverflowHandling } from './format.js';

const INFINITY_CODE = 0x7f80;
const LARGEST_CODE = 0x7f7f;

/** The payload's upper seven bits are kept; where they are all zero, the quiet bit keeps the result a NaN. */
function encodeInfinityOrNaN(bits: number): number {
  const quiet = (bits & 0x7fffff) !== 0 && (bits & 0x7f0000) === 0 ? 0x40 : 0;
  return (bits >>> 16) | quiet;
}

/**
 * BF16 codes of FP32 numbers. `overflow` says what becomes of a finite number whose rounding is beyond the
 * largest (3.39e38): an infinity, or the largest number. Infinities stay infinite in both. `out` must be at
 * least as long as `values`.
 */
export function encodeBf16(
  values: Float32Array,
  out: Uint16Array = new Uint16Array(values.length),
  overflow: OverflowHandling = 'inf',
): Uint16Array {
  const allBits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < allBits.length; i++) {
    const bits = allBits[i] ?? 0;
    out[i] =
      (bits & 0x7f800000) === 0x7f800000
        ? encodeInfinityOrNaN(bits)
        : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }
  if (overflow === 'saturate') saturate(allBits, out);
  return out;
}

function saturate(allBits: Uint32Array, out: Uint16Array): void {
  for (let i = 0; i < allBits.length; i++) {
    const code = out[i] ?? 0;
    if ((code & 0x7fff) === INFINITY_CODE && ((allBits[i] ?? 0) & 0x7f800000) !== 0x7f800000) {
      out[i] = (code & 0x8000) | LARGEST_CODE;
    }
  }
}

/** FP32 numbers of BF16 codes; exact. `out` must be at least as long as `codes`. */
export function decodeBf16(
  codes: Uint16Array,
  out: Float32Array = new Float32Array(codes.length),
): Float32Array {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < codes.length; i++) bits[i] = (codes[i] ?? 0) << 16;
  return out;
}
