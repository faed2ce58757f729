/**
 * The formats of at most eight bits against their definitions, written down once more here: every code, every midpoint
 * between neighbours, and what lies one FP32 number beside it. JavaScript numbers hold all of these exactly.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OverflowHandling, SmallFormatName } from './format.js';
import { formatInformation } from './information.js';
import { roundArray, roundTo } from './rounding.js';
import { decodeSmall, encodeSmall } from './small-arrays.js';

interface Definition {
  /** What the code of a non-negative number means: exponent field and fraction field to a value, infinity or NaN. */
  readonly fields: readonly [exponentBits: number, significandBits: number];
  readonly means: (exponent: number, fraction: number) => number;
  /** What the code of the sign alone means. */
  readonly negativeZero: number;
  /** What becomes of numbers far beyond the range, of infinities when saturating, and of NaN as a code. */
  readonly beyond: number;
  readonly saturatedInfinity: number;
  readonly ties: 'even' | 'away';
}

const DEFINITIONS: Readonly<Record<SmallFormatName, Definition>> = {
  fp8_e4m3: {
    fields: [4, 3],
    means: (e, m) => (e === 0 ? 2 ** -6 * (m / 8) : e === 15 && m === 7 ? NaN : 2 ** (e - 7) * (1 + m / 8)),
    negativeZero: -0,
    beyond: NaN,
    saturatedInfinity: 448,
    ties: 'even',
  },
  fp8_e5m2: {
    fields: [5, 2],
    means: (e, m) =>
      e === 0 ? 2 ** -14 * (m / 4) : e === 31 ? (m === 0 ? Infinity : NaN) : 2 ** (e - 15) * (1 + m / 4),
    negativeZero: -0,
    beyond: Infinity,
    saturatedInfinity: 57344,
    ties: 'even',
  },
  fp4_e2m1: {
    fields: [2, 1],
    means: (e, m) => (e === 0 ? m / 2 : 2 ** (e - 1) * (1 + m / 2)),
    negativeZero: -0,
    beyond: 6,
    saturatedInfinity: 6,
    ties: 'even',
  },
  fp8_143: {
    fields: [4, 3],
    means: (e, m) => (e === 0 && m === 0 ? 0 : 2 ** (e - 11) * (1 + m / 8)),
    negativeZero: NaN,
    beyond: NaN,
    saturatedInfinity: NaN,
    ties: 'even',
  },
  fp8_152: {
    fields: [5, 2],
    means: (e, m) => (e === 0 && m === 0 ? 0 : e === 31 && m === 3 ? NaN : 2 ** (e - 15) * (1 + m / 4)),
    negativeZero: -0,
    beyond: NaN,
    saturatedInfinity: NaN,
    ties: 'even',
  },
  fp4_radix4: {
    fields: [3, 0],
    means: (e) => (e === 0 ? 0 : 4 ** (e - 4)),
    negativeZero: -0,
    beyond: 64,
    saturatedInfinity: 64,
    ties: 'away',
  },
};
const FORMATS = Object.keys(DEFINITIONS) as SmallFormatName[];

/** The meanings of all codes, sign included. */
function meanings(format: SmallFormatName): number[] {
  const { fields, means, negativeZero } = DEFINITIONS[format];
  const [exponentBits, significandBits] = fields;
  const magnitudes = Array.from({ length: 2 ** (exponentBits + significandBits) }, (_, code) =>
    means(code >>> significandBits, code % 2 ** significandBits),
  );
  return [...magnitudes, ...magnitudes.map((value, code) => (code === 0 ? negativeZero : -value))];
}

function encodeOne(format: SmallFormatName, value: number, overflow?: OverflowHandling): number {
  return encodeSmall(format, new Float32Array([value]), new Uint8Array(1), overflow)[0] ?? -1;
}

function fromBits(...bits: number[]): Float32Array {
  return new Float32Array(Uint32Array.from(bits).buffer);
}

/**
 * The FP32 numbers just below, at and just above a positive one, and the one above it by the highest of the bits that
 * tables see only as set or not.
 */
function beside(value: number): [number, number, number, number] {
  const [bits = 0] = new Uint32Array(new Float32Array([value]).buffer);
  const [below = 0, at = 0, above = 0, further = 0] = fromBits(bits - 1, bits, bits + 1, bits + 0x8000);
  expect(at).toBe(value);
  return [below, at, above, further];
}

describe.each(FORMATS)('%s', (format) => {
  const all = meanings(format);
  const { beyond, saturatedInfinity, ties } = DEFINITIONS[format];
  const finite = all.slice(0, all.length / 2).filter(Number.isFinite);
  const largest = finite.at(-1) ?? 0;

  it('decodes every code to what the format says it means', () => {
    const decoded = decodeSmall(
      format,
      Uint8Array.from(all, (_, code) => code),
    );
    expect(all.filter((value, code) => !Object.is(decoded[code], value))).toEqual([]);
  });

  it('encodes every decoded code to itself, signed zeros and NaN payloads included', () => {
    const codes = Uint8Array.from(all, (_, code) => code);
    expect(encodeSmall(format, decodeSmall(format, codes))).toEqual(codes);
  });

  it('rounds every midpoint as the format breaks ties, and what lies beside it to the nearer number', () => {
    const step = format === 'fp4_radix4' ? 3 * largest : largest - (finite.at(-2) ?? 0);
    for (const [code, low] of finite.entries()) {
      const high = finite[code + 1] ?? largest + step;
      const upper = finite[code + 1] ?? beyond;
      const [below, at, above, further] = beside((low + high) / 2);
      const tie = ties === 'away' || code % 2 === 1 ? upper : low;
      for (const [value, expected] of [
        [below, low],
        [at, tie],
        [above, upper],
        [further, upper],
      ] as const) {
        expect([value, decodeSmall(format, encodeSmall(format, fromBitsOf(value)))[0]]).toEqual([
          value,
          expected,
        ]);
        const negative = expected === 0 && format === 'fp8_143' ? 0 : -expected;
        expect(roundTo(format, value)).toBe(expected);
        expect(roundTo(format, -value)).toBe(negative);
        expect(roundArray(format, new Float32Array([-value]))[0]).toBe(negative);
      }
    }
  });

  it('handles what is beyond the range as asked', () => {
    expect(roundTo(format, 3e38)).toBe(beyond);
    expect(roundTo(format, -3e38)).toBe(-beyond);
    expect(roundTo(format, 3e38, 'saturate')).toBe(largest);
    expect(roundTo(format, -3e38, 'saturate')).toBe(-largest);
    expect(encodeOne(format, 3e38, 'saturate')).toBe(finite.length - 1);
    expect(roundTo(format, Infinity)).toBe(beyond);
    expect(roundTo(format, -Infinity, 'saturate')).toBe(
      format === 'fp8_e5m2' || !Number.isNaN(saturatedInfinity) ? -saturatedInfinity : NaN,
    );
  });

  it('keeps NaN when rounding, and as a code where there is one', () => {
    const { hasNaN } = formatInformation(format);
    for (const nan of fromBits(0x7f800001, 0xff800001, 0x7fc00000)) {
      expect(roundArray(format, new Float32Array([nan]))[0]).toBeNaN();
      const [decoded = 0] = decodeSmall(format, encodeSmall(format, new Float32Array([nan])));
      if (hasNaN) expect(decoded).toBeNaN();
      else expect(Math.abs(decoded)).toBe(largest);
    }
  });

  it('agrees for one number and for an array, and with the nearest of all numbers', () => {
    const anywhere = fc.oneof(fc.float({ noNaN: true }), fc.float({ min: -512, max: 512, noNaN: true }));
    fc.assert(
      fc.property(anywhere, (value) => {
        const rounded = roundTo(format, value, 'saturate');
        expect(roundArray(format, new Float32Array([value]), new Float32Array(1), 'saturate')[0]).toBe(
          rounded,
        );
        if (!Number.isFinite(value)) return;
        const nearest = Math.min(...finite.map((one) => Math.abs(one - Math.abs(value))));
        expect(Math.abs(Math.abs(rounded) - Math.abs(value))).toBe(nearest);
      }),
      { numRuns: 2000 },
    );
  });

  it('writes into a given array, and into views that start in the middle of a buffer', () => {
    const values = new Float32Array([9, 1, -4]).subarray(1);
    const out = new Float32Array([7, 7, 7]);
    decodeSmall(format, encodeSmall(format, values, new Uint8Array(2)), out.subarray(1));
    expect([...out]).toEqual([7, 1, -4]);
    expect(roundArray(format, values, values)).toBe(values);
  });
});

function fromBitsOf(value: number): Float32Array {
  return new Float32Array([value]);
}

describe('the ranges that the sources state', () => {
  it('are those of the codes', () => {
    const range = (format: SmallFormatName) => {
      const { largest, smallestNormal, smallestSubnormal } = formatInformation(format);
      return [smallestSubnormal, smallestNormal, largest];
    };
    // OCP 8-bit Floating Point Specification, revision 1.0, table 1; Microscaling Formats Specification, section 5.3.3.
    expect(range('fp8_e4m3')).toEqual([2 ** -9, 2 ** -6, 448]);
    expect(range('fp8_e5m2')).toEqual([2 ** -16, 2 ** -14, 57344]);
    expect(range('fp4_e2m1')).toEqual([0.5, 1, 6]);
    // From 2^-11, the binade whose first code is zero, to 30.
    expect(range('fp8_143')).toEqual([2 ** -11 * 1.125, 2 ** -11 * 1.125, 30]);
    expect(range('fp8_152')).toEqual([2 ** -15 * 1.25, 2 ** -15 * 1.25, 98304]);
    expect(range('fp4_radix4')).toEqual([1 / 64, 1 / 64, 64]);
  });
});
