/**
 * Metrics of the user's own: an error, 0 where nothing changes, or a score, 1 where nothing does. The function stands in a
 * module of the user's and is called by whoever may run one; here is what becomes of the number that it gives. Sums: of values;
 * samples.
 */
import { at, share, type MetricDefinition } from './definition.js';
import type { Figure, OwnMetricName } from './metric.js';

function ownMetric(better: '<=' | '>='): MetricDefinition {
  const worst = better === '<=' ? Infinity : -Infinity;
  return {
    better,
    over: 'worst',
    best: better === '<=' ? 0 : 1,
    worst,
    seesNonFinite: true,
    // Without its function it says nothing, and what nothing speaks for does not hold.
    sums: () => [worst, 1],
    value: (sums) => share(at(sums, 0), at(sums, 1), worst),
  };
}

export const ownError = ownMetric('<=');
export const ownScore = ownMetric('>=');

/** The figure of one sample, of which the user's function gave `value`; NaN is the worst that there is. */
export function ownFigure(name: OwnMetricName, value: number): Figure {
  const { worst } = name === 'own_error' ? ownError : ownScore;
  return Number.isNaN(value) ? { value: worst, sums: [] } : { value, sums: [value, 1] };
}
