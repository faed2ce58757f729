/** What is true of a model under a plan: samples, ranges, local errors, measured errors, latency. */
export * from './live/index.js';
export * from './samples/index.js';
export { benchmark, quantile, type Benchmark, type BenchmarkEntry, type LatencyRow } from './benchmark.js';
export {
  closeEvaluation,
  floatingOutputs,
  openEvaluation,
  type Evaluation,
  type Progress,
  type WorkOptions,
} from './evaluation.js';
export { rangeFindings, toleranceFindings } from './findings.js';
export { localErrors, type LocalError, type LocalErrors } from './local-errors.js';
export {
  measure,
  perfectFigures,
  STANDARD_METRICS,
  type Measurement,
  type MeasureOptions,
  type PerfectFigures,
  type ToleranceMeasurement,
  type OutputMeasurement,
} from './measurement.js';
export { withNoiseFloor, type ToleranceVerdict, type Verdict } from './noise.js';
export { observedShapes } from './observed-shapes.js';
export { openOptimized, type OpenedSession } from './open-session.js';
export { layerRanges, shapeElements, UNDERFLOW_SHARE, type LayerRange } from './ranges.js';
export { layersBeyondRange, type TensorRange } from './tensor-range.js';
export { RuntimeFailure, startCompute, type Runtime, type RuntimeOptions } from './compute.js';
export {
  measuredErrors,
  type MeasuredError,
  type MeasuredErrorOptions,
  type MeasuredErrors,
  type OutputError,
} from './measured-errors.js';
export { rankCorrelation } from './rank-correlation.js';
export {
  layerLatency,
  type LayerLatency,
  type LayerLatencyOptions,
  type LayerTimes,
  type Milliseconds,
} from './layer-latency.js';
