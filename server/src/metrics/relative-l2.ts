/**
 * `relative_l2`: |actual - reference| / |reference|, both Euclidean norms. Against a reference of zeros it is 0 for
 * zeros and infinite for anything else. Sums: of squared differences; of squared references.
 */
import { at, type MetricDefinition } from './definition.js';
import { squares } from './squares.js';

export const relativeL2: MetricDefinition = {
  better: '<=',
  over: 'worst',
  best: 0,
  worst: Infinity,
  seesNonFinite: false,
  sums(_specification, reference, actual) {
    const { error, reference: total } = squares(reference, actual);
    return [error, total];
  },
  value: (sums) => (at(sums, 0) === 0 ? 0 : Math.sqrt(at(sums, 0) / at(sums, 1))),
};
