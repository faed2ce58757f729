/**
 * `iou(T)`: intersection over union of the two masks, an element being in the mask where its value is above T. Two
 * empty masks are alike. Sums: elements in both masks; elements in either.
 */
import { at, share, type MetricDefinition } from './definition.js';

export const iou: MetricDefinition = {
  better: '>=',
  over: 'pooled',
  best: 1,
  worst: 0,
  seesNonFinite: true,
  problem: ({ threshold }) => (threshold === undefined ? 'iou needs a threshold: iou(0.5)' : undefined),
  sums({ threshold }, reference, actual) {
    if (threshold === undefined) return [];
    let both = 0;
    let either = 0;
    for (let i = 0; i < reference.length; i++) {
      const wanted = (reference[i] ?? 0) > threshold;
      const got = (actual[i] ?? 0) > threshold;
      if (wanted && got) both++;
      if (wanted || got) either++;
    }
    return [both, either];
  },
  value: (sums) => share(at(sums, 0), at(sums, 1), 1),
};
