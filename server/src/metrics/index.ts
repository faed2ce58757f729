/** Outputs against reference outputs: one file per metric. */
export * from './metric.js';
export { ownFigure } from './own.js';
export {
  bestValue,
  betterDirection,
  combine,
  defaultAggregation,
  exceeds,
  measure,
  metricProblem,
  worstValue,
} from './measure.js';
