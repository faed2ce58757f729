/**
 * `cosine`: the cosine of the angle between the two tensors, from -1 to 1. Two tensors of zeros are alike (1), one of
 * zeros and another are at right angles (0). Sums: of products; of squared references; of squared actuals.
 */
import { at, type MetricDefinition } from './definition.js';

export const cosine: MetricDefinition = {
  better: '>=',
  over: 'worst',
  best: 1,
  worst: -1,
  seesNonFinite: false,
  sums(_specification, reference, actual) {
    let product = 0;
    let referenceSquares = 0;
    let actualSquares = 0;
    for (let i = 0; i < reference.length; i++) {
      const r = reference[i] ?? 0;
      const a = actual[i] ?? 0;
      product += r * a;
      referenceSquares += r * r;
      actualSquares += a * a;
    }
    return [product, referenceSquares, actualSquares];
  },
  value(sums) {
    const referenceSquares = at(sums, 1);
    const actualSquares = at(sums, 2);
    if (referenceSquares === 0 && actualSquares === 0) return 1;
    if (referenceSquares === 0 || actualSquares === 0) return 0;
    // One root of the product, not a product of roots: the root of a square is exact, so equal tensors give exactly 1.
    const value = at(sums, 0) / Math.sqrt(referenceSquares * actualSquares);
    return Math.max(-1, Math.min(1, value));
  },
};
