/**
 * Arrays of the float formats of at most eight bits. Every rounding turns at a number whose significand is much shorter
 * than seven bits, so the upper 16 bits of an FP32 number and whether any lower bit is set decide the code: a table of
 * 2 x 65536 codes is exact. Tables are made when a format is first used.
 */
import type { OverflowHandling, SmallFormatName } from './format.js';
import { nearestCode, overflowCode, smallFormatOf } from './small-numbers.js';

const ENTRIES = 2 ** 17;

interface Tables {
  /**
   * Codes by upper bits x 2 + whether a lower bit is set. Where the format has no NaN, NaN is a code beyond its bits, so
   * that rounding keeps it; as a code it is the largest number.
   */
  readonly codes: Uint8Array;
  /** FP32 bits of the codes. */
  readonly bits: Uint32Array;
  readonly codeMask: number;
}

function encodingTables(name: SmallFormatName, overflow: OverflowHandling): Tables {
  const format = smallFormatOf(name);
  const { signBit, magnitudes, infinityCode, nanCode, information } = format;
  const codeMask = 2 * signBit - 1;
  const largest = magnitudes.length - 1;
  const beyond = overflowCode(format, overflow);
  // The OCP specification, and ONNX's Cast after it, saturate infinities of E4M3 and E5M2 too.
  const saturatesInfinity = overflow === 'saturate' && (name === 'fp8_e4m3' || name === 'fp8_e5m2');
  const ofInfinity = saturatesInfinity ? largest : (infinityCode ?? nanCode ?? largest);
  const ofNaN = (upper: number): number => {
    if (infinityCode === undefined) return nanCode ?? codeMask + 1 + largest;
    // The payload's upper bits are kept; where they are all zero, the quiet bit keeps the result a NaN.
    const payload = (upper & 0x7f) >>> (7 - information.significandBits);
    return payload === 0 ? (nanCode ?? 0) : infinityCode + payload;
  };

  const codes = new Uint8Array(ENTRIES);
  const value = new Float32Array(1);
  const valueBits = new Uint32Array(value.buffer);
  for (let entry = 0; entry < ENTRIES / 2; entry++) {
    const upper = entry >>> 1;
    valueBits[0] = (upper << 16) | (entry & 1);
    const magnitude = value[0] ?? 0;
    let code: number;
    if (Number.isNaN(magnitude)) {
      code = ofNaN(upper);
    } else if (magnitude === Infinity) {
      code = ofInfinity;
    } else {
      const nearest = nearestCode(format, magnitude);
      code = nearest > largest ? beyond : nearest;
    }
    codes[entry] = code;
    codes[entry + ENTRIES / 2] = negative(code);
  }
  return { codes, bits: format.bits, codeMask };

  function negative(code: number): number {
    if (information.hasNegativeZero) return code | signBit;
    return code === 0 || code === nanCode ? code : code | signBit;
  }
}

const known = new Map<string, Tables>();

function tablesOf(format: SmallFormatName, overflow: OverflowHandling): Tables {
  const key = `${format} ${overflow}`;
  let tables = known.get(key);
  if (tables === undefined) {
    tables = encodingTables(format, overflow);
    known.set(key, tables);
  }
  return tables;
}

/**
 * Codes of FP32 numbers, one to an element, each to the nearest number of the format. NaN becomes the largest number
 * where the format has no NaN. `out` must be at least as long as `values`.
 */
export function encodeSmall(
  format: SmallFormatName,
  values: Float32Array,
  out: Uint8Array = new Uint8Array(values.length),
  overflow: OverflowHandling = 'inf',
): Uint8Array {
  const { codes, codeMask } = tablesOf(format, overflow);
  const allBits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < allBits.length; i++) {
    const bits = allBits[i] ?? 0;
    out[i] = (codes[((bits >>> 16) << 1) | ((bits & 0xffff) === 0 ? 0 : 1)] ?? 0) & codeMask;
  }
  return out;
}

/** FP32 numbers of codes, one to an element; exact. `out` must be at least as long as `codes`. */
export function decodeSmall(
  format: SmallFormatName,
  codes: Uint8Array,
  out: Float32Array = new Float32Array(codes.length),
): Float32Array {
  const { bits, signBit } = smallFormatOf(format);
  const mask = 2 * signBit - 1;
  const outBits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < codes.length; i++) outBits[i] = bits[(codes[i] ?? 0) & mask] ?? 0;
  return out;
}

/** FP32 numbers to the nearest of the format. NaN stays NaN, also where the format has none. `out` may be `values`. */
export function roundSmall(
  format: SmallFormatName,
  values: Float32Array,
  out: Float32Array,
  overflow: OverflowHandling,
): Float32Array {
  const { codes, bits: decoded } = tablesOf(format, overflow);
  const allBits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const outBits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < allBits.length; i++) {
    const bits = allBits[i] ?? 0;
    outBits[i] = decoded[codes[((bits >>> 16) << 1) | ((bits & 0xffff) === 0 ? 0 : 1)] ?? 0] ?? 0;
  }
  return out;
}
