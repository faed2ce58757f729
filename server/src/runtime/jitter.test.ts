import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFp16, encodeFp16 } from '../formats/index.js';
import { DataType } from '../onnx/index.js';
import { jittered } from './jitter.js';
import { bytesOf } from './testing/models.js';

function jitterFp32(values: Float32Array, relative: number, seed: number): Float32Array {
  return new Float32Array(jittered(DataType.FLOAT, bytesOf(values), relative, seed).slice().buffer);
}

const values = fc.float32Array({ min: -1000, max: 1000, noNaN: true, minLength: 2, maxLength: 50 });

describe('jitter', () => {
  it('moves no element further than asked, up to the rounding of FP32', () => {
    fc.assert(
      fc.property(values, fc.integer(), (array, seed) => {
        const amplitude = 0.01 * (Math.max(...array) - Math.min(...array));
        const moved = jitterFp32(array, 0.01, seed);
        array.forEach((value, index) => {
          expect(Math.abs((moved[index] ?? NaN) - value)).toBeLessThanOrEqual(amplitude + 1e-4);
        });
      }),
    );
  });

  it('is the same for the same seed, another for another one', () => {
    const array = Float32Array.from({ length: 1000 }, (_, index) => Math.sin(index));
    expect(jitterFp32(array, 1e-3, 7)).toEqual(jitterFp32(array, 1e-3, 7));
    expect(jitterFp32(array, 1e-3, 7)).not.toEqual(jitterFp32(array, 1e-3, 8));
  });

  it('is uniform around zero: its mean and its variance are those of a uniform distribution', () => {
    const array = new Float32Array(100_000);
    array[0] = 1;
    const noise = jitterFp32(array, 1, 3).subarray(1);
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const variance = noise.reduce((sum, value) => sum + value * value, 0) / noise.length;
    expect(mean).toBeCloseTo(0, 2);
    expect(variance).toBeCloseTo(1 / 3, 2);
  });

  it('leaves the tensor that it copies alone', () => {
    const array = new Float32Array([1, 2, 3]);
    jitterFp32(array, 0.5, 1);
    expect([...array]).toEqual([1, 2, 3]);
  });

  it('leaves infinities and NaN alone, and takes the range without them', () => {
    const moved = jitterFp32(new Float32Array([Infinity, 0, 1, NaN, -Infinity]), 0.1, 5);
    expect([moved[0], moved[3], moved[4]]).toEqual([Infinity, NaN, -Infinity]);
    expect(Math.abs(moved[1] ?? NaN)).toBeLessThanOrEqual(0.1);
  });

  it('rounds to FP16 where the tensor is FP16, and never to an infinity', () => {
    const codes = encodeFp16(new Float32Array([-65504, 0, 1, 65504]));
    for (let seed = 0; seed < 50; seed++) {
      const moved = jittered(DataType.FLOAT16, bytesOf(codes), 0.1, seed);
      expect(decodeFp16(new Uint16Array(moved.slice().buffer)).every(Number.isFinite)).toBe(true);
    }
  });

  it('adds nothing to integers, to a constant and to nothing', () => {
    const integers = bytesOf(new Int32Array([1, 2, 3]));
    expect(jittered(DataType.INT32, integers, 1, 1)).toEqual(integers);
    expect([...jitterFp32(new Float32Array([4, 4, 4]), 1, 1)]).toEqual([4, 4, 4]);
    expect(jittered(DataType.FLOAT, new Uint8Array(0), 1, 1)).toHaveLength(0);
  });
});
