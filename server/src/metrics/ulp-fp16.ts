/**
 * `ulp_fp16`: the largest difference in units of the spacing that FP16 numbers have at the reference. Half a unit is
 * what rounding alone may do. The spacing goes on below 2^-14 as that of the subnormals, and above 65504 as that of
 * the largest numbers. Sums: the largest.
 */
import { at, type MetricDefinition } from './definition.js';

/** Exponents of the normal numbers of FP16, and the significand bits that it stores. */
const LOWEST_EXPONENT = -14;
const HIGHEST_EXPONENT = 15;
const SIGNIFICAND_BITS = 10;

/** One over the spacing of FP16 numbers, by the exponent bits of an FP32 number. */
const UNITS = Float64Array.from({ length: 256 }, (_, bits) => {
  const exponent = Math.min(HIGHEST_EXPONENT, Math.max(LOWEST_EXPONENT, bits - 127));
  return 2 ** (SIGNIFICAND_BITS - exponent);
});

export const ulpFp16: MetricDefinition = {
  better: '<=',
  over: 'worst',
  best: 0,
  worst: Infinity,
  seesNonFinite: false,
  sums(_specification, reference, actual) {
    const bits = new Uint32Array(reference.buffer, reference.byteOffset, reference.length);
    let largest = 0;
    for (let i = 0; i < bits.length; i++) {
      const unit = UNITS[((bits[i] ?? 0) >>> 23) & 0xff] ?? 0;
      const difference = Math.abs((actual[i] ?? 0) - (reference[i] ?? 0)) * unit;
      if (difference > largest) largest = difference;
    }
    return [largest];
  },
  value: (sums) => at(sums, 0),
  together: (a, b) => [Math.max(at(a, 0), at(b, 0))],
};
