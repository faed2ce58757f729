/**
 * `nme`: normalised mean error, the mean distance of landmarks from their places in the reference, divided by a length
 * that the reference gives. A share: 0.01 is 1 %. Sums: of normalised distances; landmarks.
 */
import { at, share, type MetricDefinition } from './definition.js';
import { landmarksProblem, normalisedDistances } from './landmarks.js';

export const nme: MetricDefinition = {
  better: '<=',
  over: 'pooled',
  best: 0,
  worst: Infinity,
  seesNonFinite: true,
  problem: landmarksProblem,
  sums({ landmarks }, reference, actual, dims) {
    if (landmarks === undefined) return [];
    const distances = normalisedDistances(landmarks, reference, actual, dims);
    return [distances.reduce((sum, distance) => sum + distance, 0), distances.length];
  },
  value: (sums) => share(at(sums, 0), at(sums, 1), 0),
};
