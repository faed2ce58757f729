/**
 * IEEE 754 binary16 from and to binary32, bit by bit: round to nearest, ties to even; subnormals, the sign of
 * zero, infinities and NaN payloads kept. Knows arrays only; single numbers are in `rounding.ts`.
 *
 * The tables are indexed by sign and exponent of the FP32 number, after Jeroen van der Zijp, "Fast Half Float
 * Conversions" (2008), with the rounding to even added: his tables cut.
 */
import type { OverflowHandling } from './format.js';

const INFINITY_CODE = 0x7c00;
const LARGEST_CODE = 0x7bff;

/** For each sign and exponent of an FP32 number (its upper 9 bits): how its significand becomes an FP16 code. */
interface EncodingTables {
  /** Sign and exponent of the code; a rounding that carries over adds one to the exponent by itself. */
  readonly base: Uint16Array;
  /** The leading one of the significand, where the result is subnormal and has to hold it. */
  readonly leading: Uint32Array;
  /** Bits of the significand that go. */
  readonly shift: Uint8Array;
  /** One less than half of the last bit that stays. */
  readonly half: Uint32Array;
}

function encodingTables(): EncodingTables {
  const base = new Uint16Array(512);
  const leading = new Uint32Array(512);
  const shift = new Uint8Array(512);
  const half = new Uint32Array(512);
  for (let index = 0; index < 512; index++) {
    const sign = (index >>> 8) << 15;
    const exponent = (index & 0xff) - 127;
    if (exponent > 15) {
      // Too large: the whole significand is shifted out.
      base[index] = sign | INFINITY_CODE;
      shift[index] = 25;
    } else if (exponent >= -14) {
      base[index] = sign | ((exponent + 15) << 10);
      shift[index] = 13;
    } else {
      // 25 bits take away even the leading one: what is below half the smallest subnormal is zero.
      base[index] = sign;
      leading[index] = exponent === -127 ? 0 : 0x800000;
      shift[index] = Math.min(25, -exponent - 1);
    }
    half[index] = 2 ** ((shift[index] ?? 0) - 1) - 1;
  }
  return { base, leading, shift, half };
}

/** The FP32 bits of every FP16 code. */
function decodingTable(): Uint32Array {
  const bits = new Uint32Array(0x10000);
  const value = new Float32Array(1);
  const valueBits = new Uint32Array(value.buffer);
  for (let code = 0; code < 0x10000; code++) {
    const sign = code >>> 15;
    const exponent = (code >>> 10) & 0x1f;
    const significand = code & 0x3ff;
    if (exponent === 0x1f) {
      bits[code] = (sign << 31) | 0x7f800000 | (significand << 13);
    } else if (exponent === 0) {
      value[0] = significand * 2 ** -24;
      bits[code] = (sign << 31) | (valueBits[0] ?? 0);
    } else {
      bits[code] = (sign << 31) | ((exponent + 112) << 23) | (significand << 13);
    }
  }
  return bits;
}

const { base, leading, shift, half } = encodingTables();
const decoded = decodingTable();

/** The payload's upper ten bits are kept; where they are all zero, the quiet bit keeps the result a NaN. */
function encodeInfinityOrNaN(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const payload = (bits & 0x7fffff) >>> 13;
  const quiet = (bits & 0x7fffff) !== 0 && payload === 0 ? 0x200 : 0;
  return sign | INFINITY_CODE | payload | quiet;
}

/**
 * FP16 codes of FP32 numbers. `overflow` says what becomes of a finite number whose rounding is beyond 65504:
 * an infinity as IEEE 754 has it, or the largest number. Infinities stay infinite in both. `out` must be at
 * least as long as `values`.
 */
export function encodeFp16(
  values: Float32Array,
  out: Uint16Array = new Uint16Array(values.length),
  overflow: OverflowHandling = 'inf',
): Uint16Array {
  const allBits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < allBits.length; i++) {
    const bits = allBits[i] ?? 0;
    if ((bits & 0x7f800000) === 0x7f800000) {
      out[i] = encodeInfinityOrNaN(bits);
    } else {
      const index = bits >>> 23;
      const significand = (bits & 0x7fffff) | (leading[index] ?? 0);
      const drop = shift[index] ?? 0;
      out[i] =
        (base[index] ?? 0) + ((significand + (half[index] ?? 0) + ((significand >>> drop) & 1)) >>> drop);
    }
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

/** FP32 numbers of FP16 codes; exact. `out` must be at least as long as `codes`. */
export function decodeFp16(
  codes: Uint16Array,
  out: Float32Array = new Float32Array(codes.length),
): Float32Array {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < codes.length; i++) bits[i] = decoded[codes[i] ?? 0] ?? 0;
  return out;
}
