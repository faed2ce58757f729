/**
 * `pck(T)`: percentage of correct keypoints as a share from 0 to 1, those whose normalised distance from their place
 * in the reference is at most T. Sums: correct landmarks; landmarks.
 */
import { at, share, type MetricDefinition } from './definition.js';
import { landmarksProblem, normalisedDistances } from './landmarks.js';

export const pck: MetricDefinition = {
  better: '>=',
  over: 'pooled',
  best: 1,
  worst: 0,
  seesNonFinite: true,
  problem: (specification, dims) =>
    specification.threshold === undefined
      ? 'pck needs a threshold: pck(0.05)'
      : landmarksProblem(specification, dims),
  sums({ landmarks, threshold }, reference, actual, dims) {
    if (landmarks === undefined || threshold === undefined) return [];
    const distances = normalisedDistances(landmarks, reference, actual, dims);
    return [distances.filter((distance) => distance <= threshold).length, distances.length];
  },
  value: (sums) => share(at(sums, 0), at(sums, 1), 1),
};
