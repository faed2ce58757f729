/**
 * The two 16-bit formats against their definitions: every code, every midpoint between neighbours, and a peer.
 * The reference is arithmetic on JavaScript numbers, which hold every FP32, FP16 and BF16 number exactly.
 */
import { setFloat16 } from '@petamoriken/float16';
import { describe, expect, it } from 'vitest';
import { decodeBf16, encodeBf16 } from './bf16.js';
import type { OverflowHandling } from './format.js';
import { decodeFp16, encodeFp16 } from './fp16.js';
import { formatInformation } from './information.js';

const CODECS = {
  fp16: { encode: encodeFp16, decode: decodeFp16 },
  bf16: { encode: encodeBf16, decode: decodeBf16 },
};
type Format = keyof typeof CODECS;
const FORMATS = Object.keys(CODECS) as Format[];

const ALL_CODES = Uint16Array.from({ length: 0x10000 }, (_, code) => code);

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function fromBits(...bits: number[]): Float32Array {
  return new Float32Array(Uint32Array.from(bits).buffer);
}

/** What a code means by the definition of the format: (-1)^S x 2^E x (1 + M), or subnormal. */
function meaning(format: Format, code: number): number {
  const { significandBits, exponentBits, bias } = formatInformation(format);
  const sign = code >>> 15 === 1 ? -1 : 1;
  const exponent = (code >>> significandBits) & (2 ** exponentBits - 1);
  const fraction = (code & (2 ** significandBits - 1)) / 2 ** significandBits;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * 2 ** (1 - bias) * fraction;
  return sign * 2 ** (exponent - bias) * (1 + fraction);
}

/** Codes of the finite numbers from zero up, and the one of infinity at the end. */
function ascendingCodes(format: Format): number[] {
  const infinity = format === 'fp16' ? 0x7c00 : 0x7f80;
  return Array.from({ length: infinity + 1 }, (_, code) => code);
}

function encodeOne(format: Format, value: number, overflow?: OverflowHandling): number {
  return CODECS[format].encode(new Float32Array([value]), new Uint16Array(1), overflow)[0] ?? -1;
}

describe.each(FORMATS)('%s', (format) => {
  const { encode, decode } = CODECS[format];

  it('decodes every code to what the format says it means', () => {
    const decoded = decode(ALL_CODES);
    const wrong = [...ALL_CODES].filter((code) => !Object.is(decoded[code], meaning(format, code)));
    expect(wrong).toEqual([]);
  });

  it('encodes every decoded code to itself, signed zeros and NaN payloads included', () => {
    expect(encode(decode(ALL_CODES))).toEqual(ALL_CODES);
    expect(encode(decode(ALL_CODES), new Uint16Array(0x10000), 'saturate')).toEqual(ALL_CODES);
  });

  it('rounds every midpoint to the even neighbour, and what lies beside it to the nearer one', () => {
    const values: number[] = [];
    const expected: number[] = [];
    const codes = ascendingCodes(format);
    for (const code of codes.slice(0, -1)) {
      const low = meaning(format, code);
      // The place where the next number would be, if the format went on, is the other end at the top.
      const high =
        code + 2 === codes.length ? low + (low - meaning(format, code - 1)) : meaning(format, code + 1);
      const midpoint = new Float32Array([(low + high) / 2]);
      expect(midpoint[0]).toBe((low + high) / 2);
      const bits = bitsOf(midpoint)[0] ?? 0;
      const around = fromBits(bits - 1, bits, bits + 1);
      values.push(...around);
      expected.push(code, code % 2 === 0 ? code : code + 1, code + 1);
    }
    const positive = new Float32Array(values);
    expect(encode(positive)).toEqual(Uint16Array.from(expected));
    expect(encode(positive.map((value) => -value))).toEqual(
      Uint16Array.from(expected, (code) => code | 0x8000),
    );
  });

  it('keeps NaN a NaN when all of its payload would be cut off', () => {
    const code = encode(fromBits(0x7f800001, 0xff800001));
    expect([...decode(code)].map(Number.isNaN)).toEqual([true, true]);
  });

  it('turns what is beyond the range into infinities, or into the largest number where that is asked', () => {
    const { largest } = formatInformation(format);
    const infinity = encodeOne(format, Infinity);
    const beyond = Math.fround(3.4028234663852886e38);
    expect(encodeOne(format, beyond)).toBe(infinity);
    expect(encodeOne(format, -beyond)).toBe(infinity | 0x8000);
    expect(encodeOne(format, beyond, 'saturate')).toBe(encodeOne(format, largest));
    expect(encodeOne(format, -beyond, 'saturate')).toBe(encodeOne(format, -largest));
  });

  it('leaves an infinity infinite when saturating: nothing is lost there', () => {
    expect(encodeOne(format, -Infinity, 'saturate')).toBe(encodeOne(format, -Infinity));
  });

  it('writes into a given array, and into views that start in the middle of a buffer', () => {
    const values = new Float32Array([9, 1, -2]).subarray(1);
    const out = new Uint16Array(2);
    expect(encode(values, out)).toBe(out);
    const decoded = new Float32Array([7, 7, 7]);
    decode(out, decoded.subarray(1));
    expect([...decoded]).toEqual([7, 1, -2]);
  });

  it('takes an empty array', () => {
    expect(encode(new Float32Array(0))).toHaveLength(0);
    expect(decode(new Uint16Array(0))).toHaveLength(0);
  });
});

describe('fp16 against @petamoriken/float16', () => {
  it('agrees on a million FP32 bit patterns spread over all of them', () => {
    // An odd multiplier walks through the 2^32 patterns without repeating one.
    const patterns = Uint32Array.from({ length: 1_000_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 0);
    const values = new Float32Array(patterns.buffer);
    const codes = encodeFp16(values);
    const view = new DataView(new ArrayBuffer(2));
    let compared = 0;
    const wrong: number[] = [];
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      if (Number.isNaN(value)) continue;
      setFloat16(view, 0, value);
      compared++;
      if (view.getUint16(0) !== codes[i]) wrong.push(patterns[i] ?? 0);
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(900_000);
  });
});

describe('bf16', () => {
  it('is the upper half of FP32 where nothing has to be rounded', () => {
    const values = new Float32Array([1, -1.5, 2 ** 100, 2 ** -126, 2 ** -133, 0, -0]);
    expect(encodeBf16(values)).toEqual(Uint16Array.from(bitsOf(values), (bits) => bits >>> 16));
  });
});
