import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangesOf } from './ranges.js';

describe('ranges', () => {
  it('are the same for FP32 numbers that come as doubles', () => {
    fc.assert(
      fc.property(fc.float32Array(), (values) => {
        expect(rangesOf(Float64Array.from(values), ['fp16', 'bf16'])).toEqual(
          rangesOf(values, ['fp16', 'bf16']),
        );
      }),
    );
  });

  it('see what FP32 cannot hold as a finite number that overflows', () => {
    const [figures] = rangesOf(new Float64Array([1e300, -1e-300, 0, Infinity]), ['bf16']);
    expect(figures).toEqual({
      elements: 4,
      maxAbs: 1e300,
      maxIndex: 0,
      nonZero: 3,
      nonFinite: 1,
      overflow: 1,
      underflow: 1,
      becomesZero: 1,
    });
  });
});
