/** Quantizers against ONNX's definition of QuantizeLinear and DequantizeLinear, element by element. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IntegerFormatName } from '../format.js';
import {
  dequantizeArray,
  integerRange,
  quantizeArray,
  type Quantization,
  roundQuantized,
} from './quantization.js';

const FORMATS: IntegerFormatName[] = ['int8', 'int4'];
const tensor = (scale: number, zeroPoint = 0, format: IntegerFormatName = 'int8'): Quantization => ({
  format,
  scales: [{ scale, zeroPoint }],
});

function quantized(quantization: Quantization, ...values: number[]): number[] {
  return [...quantizeArray(quantization, new Float32Array(values))];
}

describe('quantizing', () => {
  it('rounds ties to even, as the example of the operator has it', () => {
    expect(quantized(tensor(2), 1, 3, 5, -1, -3, -5, 2, -2)).toEqual([0, 2, 2, 0, -2, -2, 1, -1]);
  });

  it('adds the zero point after rounding, and then saturates', () => {
    expect(quantized(tensor(2, 3), 1, -1, 0, 1e9, -1e9)).toEqual([3, 3, 3, 127, -128]);
    expect(quantized(tensor(1, -8, 'int4'), 3.5, 100, -1)).toEqual([-4, 7, -8]);
  });

  it('gives infinities the outermost codes, and NaN the code of zero', () => {
    expect(quantized(tensor(0.5, 7), Infinity, -Infinity, NaN)).toEqual([127, -128, 7]);
  });

  it('divides in FP32', () => {
    // In FP64 the quotient is below the midpoint of 3 and 4; in FP32 it is the midpoint.
    const value = Math.fround(0.35);
    const scale = Math.fround(0.1);
    expect(Math.round(value / scale)).toBe(3);
    expect(Math.fround(value / scale)).toBe(3.5);
    expect(quantized(tensor(scale), value)).toEqual([4]);
  });

  it('leaves out the least code where it is narrow', () => {
    expect([...quantizeArray({ ...tensor(1), narrow: true }, new Float32Array([-128, -127]))]).toEqual([
      -127, -127,
    ]);
  });

  it('has a scale for each index along an axis', () => {
    const perChannel: Quantization = {
      format: 'int8',
      axis: 1,
      scales: [
        { scale: 1, zeroPoint: 0 },
        { scale: 0.5, zeroPoint: 10 },
      ],
    };
    const values = new Float32Array([1, 2, 1, 2, 3, 4, 3, 4]);
    const codes = quantizeArray(perChannel, values, [2, 2, 2]);
    expect([...codes]).toEqual([1, 2, 12, 14, 3, 4, 16, 18]);
    expect(dequantizeArray(perChannel, codes, [2, 2, 2])).toEqual(values);
  });

  it.each(FORMATS)('of %s is undone for every code', (format) => {
    const { lowest, highest } = integerRange(format);
    const codes = Int8Array.from({ length: highest - lowest + 1 }, (_, i) => lowest + i);
    for (const quantization of [tensor(Math.fround(0.037), 0, format), tensor(2 ** -9, -3, format)]) {
      expect(quantizeArray(quantization, dequantizeArray(quantization, codes))).toEqual(codes);
    }
  });

  it.each(FORMATS)('of %s errs by half a step at most within the range', (format) => {
    const { lowest, highest } = integerRange(format);
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 10, noNaN: true }).map(Math.fround),
        fc.integer({ min: lowest, max: highest }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (scale, zeroPoint, share) => {
          const value = Math.fround((lowest - zeroPoint + share * (highest - lowest)) * scale);
          const [back = NaN] = roundQuantized(tensor(scale, zeroPoint, format), new Float32Array([value]));
          expect(Math.abs(back - value)).toBeLessThanOrEqual((scale / 2) * (1 + 1e-4));
        },
      ),
    );
  });

  it('keeps NaN when it rounds, and may be done in place', () => {
    const values = new Float32Array([NaN, 0.3]);
    expect(roundQuantized(tensor(0.25), values, [2], values)).toBe(values);
    expect([...values]).toEqual([NaN, 0.25]);
  });
});
