import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT_FORMAT_NAMES, formatInformation } from './information.js';
import { neighbours } from './neighbours.js';
import { roundTo } from './rounding.js';

describe('neighbours', () => {
  it('of a tenth in FP16', () => {
    expect(neighbours('fp16', 0.1)).toEqual({
      rounded: 0.0999755859375,
      below: 0.0999755859375,
      above: 0.10003662109375,
      error: 0.0999755859375 - 0.1,
    });
  });

  it('of a number that the format holds are the number itself', () => {
    expect(neighbours('bf16', -1.5)).toEqual({ rounded: -1.5, below: -1.5, above: -1.5, error: 0 });
  });

  it('reach over a power of two', () => {
    expect(neighbours('fp16', 2 - 2 ** -13)).toMatchObject({ below: 2 - 2 ** -10, above: 2 });
    expect(neighbours('fp16', -2 - 2 ** -11)).toMatchObject({ below: -2 - 2 ** -9, above: -2 });
  });

  it('past the largest number are infinite', () => {
    expect(neighbours('fp16', 65505)).toMatchObject({ rounded: 65504, below: 65504, above: Infinity });
    expect(neighbours('fp16', 70000)).toMatchObject({ rounded: Infinity, below: 65504, above: Infinity });
    expect(neighbours('fp16', -70000)).toMatchObject({ rounded: -Infinity, below: -Infinity, above: -65504 });
  });

  it('of a number too small to hold are zero and the smallest subnormal', () => {
    expect(neighbours('fp16', 1e-9)).toMatchObject({ rounded: 0, below: 0, above: 2 ** -24 });
    expect(neighbours('fp16', -1e-9)).toMatchObject({ rounded: -0, below: -(2 ** -24), above: -0 });
  });

  it('of infinities and NaN are what they are', () => {
    expect(neighbours('fp16', -Infinity)).toEqual({
      rounded: -Infinity,
      below: -Infinity,
      above: -Infinity,
      error: 0,
    });
    expect(neighbours('bf16', NaN)).toEqual({ rounded: NaN, below: NaN, above: NaN, error: NaN });
  });

  it('past the largest number are infinite also where the format clips or has NaN', () => {
    expect(neighbours('fp4_e2m1', 100)).toEqual({ rounded: 6, below: 6, above: Infinity, error: -94 });
    expect(neighbours('fp8_e4m3', 500)).toMatchObject({ rounded: NaN, below: 448, above: Infinity });
    expect(neighbours('dlfloat16', -1e10)).toMatchObject({ below: -Infinity, above: -8573157376 });
  });

  it('of a number below the smallest of a format without subnormals are zero and that', () => {
    expect(neighbours('dlfloat16', 2 ** -32)).toMatchObject({
      rounded: 0,
      below: 0,
      above: 2 ** -31 * (1 + 2 ** -9),
    });
    expect(neighbours('fp8_143', -1e-9)).toMatchObject({ rounded: 0, below: -1.125 * 2 ** -11, above: 0 });
  });

  it.each(FLOAT_FORMAT_NAMES)('in %s enclose the number, with nothing of the format in between', (format) => {
    const { largest, smallestSubnormal, ties } = formatInformation(format);
    const reached = fc.double({ min: -2 * largest, max: 2 * largest, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(fc.double({ noNaN: true }), reached), (value) => {
        const { rounded, below, above } = neighbours(format, value);
        expect(below).toBeLessThanOrEqual(value);
        expect(above).toBeGreaterThanOrEqual(value);
        if (Math.abs(value) <= largest) expect([below, above]).toContain(rounded);
        for (const end of [below, above]) if (Number.isFinite(end)) expect(roundTo(format, end)).toBe(end);
        const middle = below / 2 + above / 2;
        // What DLFloat has below its smallest number is flushed, not rounded.
        if (ties === 'away' && Math.abs(middle) < smallestSubnormal) return;
        if (Number.isFinite(middle)) expect([below, above]).toContain(roundTo(format, middle));
      }),
      { numRuns: 1000 },
    );
  });
});
