/**
 * What a user asks for by name: from a bound plan to a result, the same for a terminal and for an editor. Knows neither of
 * them: what stands in the way of a result is a problem, as data.
 */
export {
  ANALYSIS_METHODS,
  analyzePlan,
  layersFor,
  type AnalysisMethod,
  type AnalyzedPlan,
} from './analyze-plan.js';
export { benchmarkPlan, USUAL_RUNS, type BenchedPlan } from './benchmark-plan.js';
export { checkPlan } from './check-plan.js';
export { comparePlan, type ComparedPlan } from './compare-plan.js';
export {
  decisionsKey,
  earlierBenchmarks,
  explainBenchmark,
  type ExplainedBenchmark,
} from './explain-benchmark.js';
export { exportModel, exportNeedsSamples, exportPlan, type ExportedModel } from './export-model.js';
export type { GradientReport } from './gradient-report.js';
export type { Timing } from './layer-latencies.js';
export type { LayerReport } from './layer-reports.js';
export { newPlan, usualPlanPath, writeNewPlan } from './new-plan.js';
export { openWork, type Work } from './open-work.js';
export { isRefused, type Refused, type WorkProblem, type WorkProblemKind } from './problem.js';
export { editFile, replaceFile } from './replace-file.js';
export {
  predictPlan,
  type PlanLatencyPrediction,
  type PredictedPlan,
  type PredictionStart,
} from './predict-plan.js';
export { tuningReport } from './report-data.js';
export { runExported, type RanExported } from './run-exported.js';
export { removeStaleSession } from './session-file.js';
export { tuneExportedSession, USUAL_TUNING_RUNS, type TunedSession } from './tune-session.js';
export { timeLayers, type TimedLayers } from './time-layers.js';
export { targetSupport, type OperatorsOnTarget } from './target-support.js';
export { targetsHere } from './targets-here.js';
export {
  refuseErrors,
  tunedEdits,
  tunePlan,
  tuningObjective,
  type TunedLatency,
  type TunedPlan,
} from './tune-plan.js';
export { OBJECTIVE_NAMES } from '../search/index.js';
export { missingAmong } from './missing-target.js';
export { verifyExecuted, type VerifiedExecuted } from './verify-executed.js';
export { verifyPlan, type VerifiedPlan } from './verify-plan.js';
export { VERSION } from './version.js';
export { saveLock, writeLock } from './write-lock.js';
export { benchedPrices, type BenchedPrices } from './benched-prices.js';
export { compileLater } from './compile-later.js';
