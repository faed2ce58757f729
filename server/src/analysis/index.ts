/** What is true of a model under a plan: samples, ranges, local errors, measured errors, latency. */
export * from './live/index.js';
export * from './samples/index.js';
export { benchmark, type Benchmark } from './benchmark.js';
export {
  closeEvaluation,
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
  type Measurement,
  type PerfectFigures,
  type OutputMeasurement,
} from './measurement.js';
export type { ToleranceVerdict, Verdict } from './noise.js';
export { observedShapes } from './observed-shapes.js';
export { openOptimized, type OpenedSession } from './open-session.js';
export { shapeElements, UNDERFLOW_SHARE, type LayerRange } from './ranges.js';
export { layersBeyondRange, type TensorRange } from './tensor-range.js';
export { RuntimeFailure, startCompute, type Runtime, type RuntimeOptions } from './compute.js';
export { measuredErrors, type MeasuredError, type MeasuredErrors } from './measured-errors.js';
export { inSlices } from './in-slices.js';
export { knownLocalErrors, knownMeasuredErrors } from './known-errors.js';
export { knownBeyondRange, knownRanges, type ElementCounter } from './known-ranges.js';
export {
  decisionsText,
  findMeasurement,
  keepMeasurement,
  knownMeasurement,
  knownNoise,
  knownVerdict,
} from './known-verdict.js';
export { rankCorrelation } from './rank-correlation.js';
export {
  effortOf,
  identify,
  identifyKnown,
  measuredAnew,
  openResultStore,
  remembered,
  withoutStore,
  withStore,
  type Effort,
  type Identity,
  type Measurable,
  type Recipe,
  type Results,
  type ResultStore,
} from './remembered.js';
export { watchFiles } from './watched-files.js';
export type { Milliseconds } from './layer-latency.js';
