/**
 * `sqnr`: signal to quantization-noise ratio in dB, 10 log10(sum of squared references / sum of squared
 * differences). Infinite without a difference, also for a reference of zeros; minus infinity where a reference of
 * zeros is missed. Sums: the two, differences first.
 */
import { at, type MetricDefinition } from './definition.js';
import { decibels, squares } from './squares.js';

export const sqnr: MetricDefinition = {
  better: '>=',
  over: 'worst',
  best: Infinity,
  worst: -Infinity,
  seesNonFinite: false,
  sums(_specification, reference, actual) {
    const { error, reference: total } = squares(reference, actual);
    return [error, total];
  },
  value: (sums) => decibels(at(sums, 1), at(sums, 0)),
};
