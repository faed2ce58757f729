import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunFormat } from './format.js';
import { neighbours } from './neighbours.js';
import { roundTo } from './rounding.js';

const FORMATS: RunFormat[] = ['fp32', 'fp16', 'bf16'];

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

  it.each(FORMATS)('in %s enclose the number, with nothing of the format in between', (format) => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const { rounded, below, above } = neighbours(format, value);
        expect(below).toBeLessThanOrEqual(value);
        expect(above).toBeGreaterThanOrEqual(value);
        expect([below, above]).toContain(rounded);
        expect(roundTo(format, below)).toBe(below);
        expect(roundTo(format, above)).toBe(above);
        const middle = below / 2 + above / 2;
        if (Number.isFinite(middle)) expect([below, above]).toContain(roundTo(format, middle));
      }),
      { numRuns: 1000 },
    );
  });
});
