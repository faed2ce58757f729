/**
 * `psnr`: peak signal to noise ratio in dB, 10 log10(largest squared reference / mean squared difference). The peak is
 * the reference's own, so that the unit of the output does not matter. Pooled, it is the peak of all samples. Sums: of
 * squared differences; largest squared reference; number of elements.
 */
import { at, share, type MetricDefinition } from './definition.js';
import { decibels, squares } from './squares.js';

export const psnr: MetricDefinition = {
  better: '>=',
  over: 'worst',
  best: Infinity,
  worst: -Infinity,
  seesNonFinite: false,
  sums(_specification, reference, actual) {
    const { error, peak } = squares(reference, actual);
    return [error, peak, reference.length];
  },
  value: (sums) => decibels(at(sums, 1), share(at(sums, 0), at(sums, 2), 0)),
  together: (a, b) => [at(a, 0) + at(b, 0), Math.max(at(a, 1), at(b, 1)), at(a, 2) + at(b, 2)],
};
