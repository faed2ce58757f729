/** DLFloat against its definition: every code, every midpoint between neighbours, and what lies beside it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDlfloat16, encodeDlfloat16 } from './dlfloat16.js';
import type { OverflowHandling } from './format.js';
import { formatInformation } from './information.js';
import { roundArray, roundTo } from './rounding.js';

const ALL_CODES = Uint16Array.from({ length: 0x10000 }, (_, code) => code);
const NAN_CODE = 0x7fff;

/** (-1)^S x 2^(E - 31) x (1 + M), also for exponents 0 and 63; zero and the one merged symbol aside. */
function meaning(code: number): number {
  const sign = code >= 0x8000 ? -1 : 1;
  const magnitude = code % 0x8000;
  if (magnitude === 0) return sign * 0;
  if (magnitude === NAN_CODE) return NaN;
  return sign * 2 ** (Math.floor(magnitude / 512) - 31) * (1 + (magnitude % 512) / 512);
}

function encodeOne(value: number, overflow?: OverflowHandling): number {
  return encodeDlfloat16(new Float32Array([value]), new Uint16Array(1), overflow)[0] ?? -1;
}

describe('dlfloat16', () => {
  it('decodes every code to what the format says it means', () => {
    const decoded = decodeDlfloat16(ALL_CODES);
    expect([...ALL_CODES].filter((code) => !Object.is(decoded[code], meaning(code)))).toEqual([]);
  });

  it('encodes every decoded code to itself, but for the sign of NaN', () => {
    const expected = ALL_CODES.map((code) => code);
    expect(encodeDlfloat16(decodeDlfloat16(ALL_CODES)).map((code) => code % 0x8000)).toEqual(
      expected.map((code) => code % 0x8000),
    );
    const finite = ALL_CODES.filter((code) => code % 0x8000 !== NAN_CODE);
    expect(encodeDlfloat16(decodeDlfloat16(finite))).toEqual(finite);
  });

  it('rounds every midpoint away from zero, and what lies beside it to the nearer number', () => {
    const values: number[] = [];
    const expected: number[] = [];
    // Between zero and the first number everything but the last half step is zero: see the next test.
    for (let code = 1; code < NAN_CODE; code++) {
      const low = meaning(code);
      const next = code + 1 === NAN_CODE ? low + (low - meaning(code - 1)) : meaning(code + 1);
      const midpoint = new Float32Array([(low + next) / 2]);
      const [bits = 0] = new Uint32Array(midpoint.buffer);
      expect(midpoint[0]).toBe((low + next) / 2);
      values.push(...new Float32Array(Uint32Array.of(bits - 1, bits, bits + 1).buffer));
      expected.push(code, code + 1, code + 1);
    }
    const positive = new Float32Array(values);
    expect(encodeDlfloat16(positive)).toEqual(Uint16Array.from(expected));
    expect(encodeDlfloat16(positive.map((value) => -value))).toEqual(
      Uint16Array.from(expected, (code) => code | 0x8000),
    );
  });

  it('has no subnormals: below the first half step of the lowest binade everything is zero', () => {
    const first = 2 ** -31 * (1 + 2 ** -9);
    const turn = 2 ** -31 * (1 + 2 ** -10);
    expect(formatInformation('dlfloat16').smallestSubnormal).toBe(first);
    expect(roundTo('dlfloat16', turn)).toBe(first);
    // 2^-31 itself would have the code of zero.
    for (const lost of [turn * (1 - 2 ** -23), 2 ** -31, 2 ** -32, 1e-40]) {
      expect([lost, roundTo('dlfloat16', lost), encodeOne(lost)]).toEqual([lost, 0, 0]);
      expect(roundTo('dlfloat16', -lost)).toBe(-0);
    }
  });

  it('turns what is beyond the range into the symbol for NaN and infinity, or the largest number where asked', () => {
    const { largest } = formatInformation('dlfloat16');
    expect(largest).toBe(2 ** 32 * (1 + 510 / 512));
    for (const beyond of [3e38, 2 ** 32 * (1 + 510.5 / 512)]) {
      expect(encodeOne(beyond)).toBe(NAN_CODE);
      expect(encodeOne(-beyond, 'saturate')).toBe(NAN_CODE - 1 + 0x8000);
      expect(roundTo('dlfloat16', beyond)).toBeNaN();
      expect(roundTo('dlfloat16', -beyond, 'saturate')).toBe(-largest);
    }
    for (const special of [Infinity, NaN]) expect(encodeOne(special, 'saturate')).toBe(NAN_CODE);
    expect(roundTo('dlfloat16', Infinity, 'saturate')).toBeNaN();
  });

  it('agrees for one number and for an array', () => {
    fc.assert(
      fc.property(fc.float(), fc.constantFrom('inf' as const, 'saturate' as const), (value, overflow) => {
        const [rounded] = roundArray('dlfloat16', new Float32Array([value]), new Float32Array(1), overflow);
        expect(roundTo('dlfloat16', value, overflow)).toBe(rounded);
      }),
      { numRuns: 5000 },
    );
  });
});
