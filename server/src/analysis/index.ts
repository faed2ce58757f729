/** What is true of a model under a plan: samples, ranges, local errors, measured errors, latency. */
export * from './live/index.js';
export * from './prediction/index.js';
export * from './sketch/index.js';
export * from './spectrum/index.js';
export * from './cost-model/index.js';
export {
  knownMapping,
  latencySourceFindings,
  latencySourceFindingSteps,
} from './cost-model/elsewhere/index.js';
export { mostThreads, usualThreads, WIDE_SPREAD } from './latency/machine.js';
export * from './samples/index.js';
export * from './targets/index.js';
export { calibrated, needsSamples } from './measurement/calibration.js';
export { benchmark, type Benchmark } from './latency/benchmark.js';
export {
  benchmarkHistory,
  keepBenchmark,
  timedModel,
  type KeptBenchmark,
} from './latency/benchmark-history.js';
export {
  closeEvaluation,
  floatingOutputs,
  openEvaluation,
  type Evaluation,
  type Progress,
  type WorkOptions,
} from './sessions/evaluation.js';
export { rangeFindings, toleranceFindings } from './findings/findings.js';
export { localErrors, type LocalError, type LocalErrors } from './errors/local-errors.js';
export {
  measure,
  perfectFigures,
  type Measurement,
  type PerfectFigures,
  type OutputMeasurement,
} from './measurement/measurement.js';
export { USUAL_DRAWS, type ToleranceVerdict, type Verdict } from './measurement/noise.js';
export { observedShapes } from './sessions/observed-shapes.js';
export { originalFile, withOptimized, type OpenedSession } from './sessions/open-session.js';
export {
  layerRangeIn,
  readBeyond,
  readLosses,
  shapeElements,
  UNDERFLOW_SHARE,
  type LayerRange,
  type LayerRangeFigures,
} from './ranges/ranges.js';
export { type InsideSum } from './ranges/inside-sums.js';
export { type MeasuredLayerRange } from './ranges/layer-surroundings.js';
export {
  explain,
  flagsOf,
  notesOf,
  placeOf,
  reasonText,
  type FlagCode,
  type LayerEvidence,
  type NoteCode,
  type Reason,
} from './findings/reasons.js';
export { leftOutReason, optionsLeftOut } from './findings/left-out-options.js';
export { ownMetricFaults, ownMetricFindings } from './findings/own-metric-faults.js';
export { sketchedOwnErrors, type OwnError } from './findings/own-errors.js';
export { reasonsWithoutEffect, SATURATED } from './findings/without-effect.js';
export { quietLayers } from './findings/quiet-layers.js';
export { gradientRanges, spreadOfAll, type GradientRanges } from './ranges/gradient-ranges.js';
export { settledScale, USUAL_RULE, type ScalingRule, type SettledScale } from './ranges/loss-scale.js';
export { formatNumber, formatPercent, formatPower } from './findings/number-text.js';
export { layersBeyondRange, rangeIn, type MeasuredRange, type TensorRange } from './ranges/tensor-range.js';
export {
  PROVIDERS,
  RuntimeFailure,
  startCompute,
  type Provider,
  type Runtime,
  type RuntimeFailureKind,
  type RuntimeOptions,
} from './sessions/compute.js';
export { measuredErrors, type MeasuredError, type MeasuredErrors } from './errors/measured-errors.js';
export { inSlices } from './sessions/in-slices.js';
export { withTemporaryFolder } from './latency/temporary-folder.js';
export { knownLocalErrors, knownMeasuredErrors } from './errors/known-errors.js';
export { knownBeyondRange, knownRanges, type ElementCounter } from './ranges/known-ranges.js';
export {
  decisionsText,
  findMeasurement,
  keepMeasurement,
  knownMeasurement,
  knownNoise,
  knownVerdict,
} from './measurement/known-verdict.js';
export { differingLayers, type MeasuredPlan } from './measurement/measured-plans.js';
export { withRanges } from './ranges/planned-ranges.js';
export { withPlannedWeights } from './ranges/weights-as-planned.js';
export { rankCorrelation } from './errors/rank-correlation.js';
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
export type { LayerLatency, LayerTimes, Milliseconds } from './latency/layer-latency.js';
export { planLatency, untimed } from './latency/plan-latency.js';
