/** `max_abs`: the largest absolute difference of any element. Sums: that difference. */
import { at, type MetricDefinition } from './definition.js';

export const maxAbs: MetricDefinition = {
  better: '<=',
  over: 'worst',
  best: 0,
  worst: Infinity,
  seesNonFinite: false,
  sums(_specification, reference, actual) {
    let largest = 0;
    for (let i = 0; i < reference.length; i++) {
      const difference = Math.abs((actual[i] ?? 0) - (reference[i] ?? 0));
      if (difference > largest) largest = difference;
    }
    return [largest];
  },
  value: (sums) => at(sums, 0),
  together: (a, b) => [Math.max(at(a, 0), at(b, 0))],
};
