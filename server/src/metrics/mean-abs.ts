/** `mean_abs`: the mean absolute difference. Sums: of absolute differences; number of elements. */
import { at, share, type MetricDefinition } from './definition.js';

export const meanAbs: MetricDefinition = {
  better: '<=',
  over: 'worst',
  best: 0,
  worst: Infinity,
  seesNonFinite: false,
  sums(_specification, reference, actual) {
    let total = 0;
    for (let i = 0; i < reference.length; i++) total += Math.abs((actual[i] ?? 0) - (reference[i] ?? 0));
    return [total, reference.length];
  },
  value: (sums) => share(at(sums, 0), at(sums, 1), 0),
};
