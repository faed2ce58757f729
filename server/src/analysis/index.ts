/** What is true of a model under a plan: samples, ranges, local errors, measured errors, latency. */
export * from './live/index.js';
export * from './prediction/index.js';
export * from './sketch/index.js';
export * from './spectrum/index.js';
export * from './cost-model/index.js';
export { latencySourceFindings, latencySourceFindingSteps } from './elsewhere/index.js';
export { usualThreads, WIDE_SPREAD } from './machine.js';
export * from './samples/index.js';
export * from './targets/index.js';
export { calibrated, needsSamples } from './calibration.js';
export { benchmark, type Benchmark } from './benchmark.js';
export { benchmarkHistory, keepBenchmark, type KeptBenchmark } from './benchmark-history.js';
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
  type Measurement,
  type PerfectFigures,
  type OutputMeasurement,
} from './measurement.js';
export { USUAL_DRAWS, type ToleranceVerdict, type Verdict } from './noise.js';
export { observedShapes } from './observed-shapes.js';
export { originalFile, withOptimized, type OpenedSession } from './open-session.js';
export {
  layerRangeIn,
  shapeElements,
  UNDERFLOW_SHARE,
  type LayerRange,
  type LayerRangeFigures,
} from './ranges.js';
export { type InsideSum } from './inside-sums.js';
export { type MeasuredLayerRange } from './layer-surroundings.js';
export { explain, flagsOf, placeOf, reasonText, type LayerEvidence, type Reason } from './reasons.js';
export { ownMetricFaults, ownMetricFindings } from './own-metric-faults.js';
export { quietLayers } from './quiet-layers.js';
export { gradientRanges, spreadOfAll, type GradientRanges } from './gradient-ranges.js';
export { settledScale, USUAL_RULE, type ScalingRule, type SettledScale } from './loss-scale.js';
export { formatNumber, formatPercent, formatPower } from './number-text.js';
export { layersBeyondRange, rangeIn, type MeasuredRange, type TensorRange } from './tensor-range.js';
export {
  PROVIDERS,
  RuntimeFailure,
  startCompute,
  type Provider,
  type Runtime,
  type RuntimeFailureKind,
  type RuntimeOptions,
} from './compute.js';
export { measuredErrors, type MeasuredError, type MeasuredErrors } from './measured-errors.js';
export { inSlices } from './in-slices.js';
export { withTemporaryFolder } from './temporary-folder.js';
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
export { withRanges } from './planned-ranges.js';
export { withPlannedWeights } from './weights-as-planned.js';
export { rankCorrelation } from './rank-correlation.js';
export {
  effortOf,
  identify,
  identifyKnown,
  measuredAnew,
  NO_EFFORT,
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
export type { LayerLatency, LayerTimes, Milliseconds } from './layer-latency.js';
export { planLatency, untimed } from './plan-latency.js';
