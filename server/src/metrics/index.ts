/** Outputs against reference outputs: one file per metric. */
export * from './metric.js';
export { ownFigure } from './own.js';
export {
  IMPLEMENTED_METRICS,
  bestValue,
  betterDirection,
  combine,
  defaultAggregation,
  exceeds,
  measure,
  metricProblem,
  worstValue,
  type ImplementedMetric,
} from './measure.js';
