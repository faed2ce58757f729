import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunFormat } from './format.js';
import { formatInformation } from './information.js';
import { roundArray, roundTo } from './rounding.js';

const FORMATS: RunFormat[] = ['fp32', 'fp16', 'bf16'];
const float = () => fc.float({ noNaN: false });

/** Rounding of a single number that is an FP32 number must be what rounding an array of it is. */
function checkAgreement(format: RunFormat, value: number, overflow: 'inf' | 'saturate'): void {
  const [rounded] = roundArray(format, new Float32Array([value]), new Float32Array(1), overflow);
  expect(roundTo(format, value, overflow)).toBe(rounded);
}

describe.each(FORMATS)('rounding to %s', (format) => {
  const { largest, smallestSubnormal, smallestNormal, epsilon } = formatInformation(format);

  it('is the same for one number and for an array', () => {
    fc.assert(
      fc.property(float(), fc.constantFrom('inf' as const, 'saturate' as const), (value, overflow) => {
        checkAgreement(format, value, overflow);
      }),
      { numRuns: 3000 },
    );
  });

  it('does nothing the second time', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const once = roundTo(format, value);
        expect(roundTo(format, once)).toBe(once);
      }),
    );
  });

  it('never changes the order of numbers', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(roundTo(format, low)).toBeLessThanOrEqual(roundTo(format, high));
      }),
    );
  });

  it('is wrong by half a spacing at most', () => {
    fc.assert(
      fc.property(fc.double({ min: -largest, max: largest, noNaN: true }), (value) => {
        const bound = Math.max(Math.abs(value) * epsilon, smallestSubnormal) / 2;
        expect(Math.abs(roundTo(format, value) - value)).toBeLessThanOrEqual(bound);
      }),
    );
  });

  it('keeps the sign of what becomes zero', () => {
    expect(roundTo(format, -smallestSubnormal / 4)).toBe(-0);
    expect(roundTo(format, smallestSubnormal / 4)).toBe(0);
  });

  it('keeps infinities and NaN', () => {
    expect(roundTo(format, Infinity, 'saturate')).toBe(Infinity);
    expect(roundTo(format, -Infinity)).toBe(-Infinity);
    expect(roundTo(format, NaN)).toBeNaN();
  });

  it('knows the ends of the range', () => {
    for (const end of [largest, smallestNormal, smallestSubnormal, 1 + epsilon]) {
      expect(roundTo(format, end)).toBe(end);
    }
    expect(roundTo(format, largest * (1 + epsilon))).toBe(Infinity);
    expect(roundTo(format, Number.MAX_VALUE)).toBe(Infinity);
    expect(roundTo(format, -Number.MAX_VALUE, 'saturate')).toBe(-largest);
  });
});

describe('rounding of JavaScript numbers', () => {
  it('does not go through FP32 on the way to FP16', () => {
    // Just above the midpoint of 1 and its neighbour by less than FP32 can say.
    const value = 1 + 2 ** -11 + 2 ** -40;
    expect(roundTo('fp16', value)).toBe(1 + 2 ** -10);
    expect(roundTo('fp16', Math.fround(value))).toBe(1);
  });

  it('agrees with Math.fround', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        expect(roundTo('fp32', value)).toBe(Math.fround(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('shows what the sources say: 1 + 0.0001 is 1 in FP16', () => {
    expect(roundTo('fp16', 1 + 0.0001)).toBe(1);
  });
});

describe('rounding of arrays', () => {
  it('may be done in place', () => {
    const values = new Float32Array([0.1, 70000, -1e-9]);
    expect(roundArray('fp16', values, values)).toBe(values);
    expect([...values]).toEqual([0.0999755859375, Infinity, -0]);
  });

  it('takes arrays that do not fill whole blocks', () => {
    const values = Float32Array.from({ length: 20_001 }, (_, i) => i / 3);
    const rounded = roundArray('bf16', values);
    expect(rounded).toEqual(values.map((value) => roundTo('bf16', value)));
  });
});
