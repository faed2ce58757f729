/** Analysis behind an editor: numbers of open plans, found in the background. */
export { LiveAnalysis, type LiveOptions } from './live-analysis.js';
export { liveFindings, liveFindingSteps } from './live-findings.js';
export { lowFormat, lowFormats } from './low-format.js';
export { storedNumbers } from './stored-numbers.js';
export { startLiveAnalysis, type LiveStart } from './start.js';
export { plannedSensitivities, plannedSensitivity, type PlannedSensitivity } from './optioned-errors.js';
export {
  NOTHING_KNOWN,
  numbersIn,
  type FormatNumbers,
  type LatencyNumbers,
  type LayerLatencyNumbers,
  type LayerRangeNumbers,
  type LayerSensitivity,
  type LiveState,
  type ModelMilliseconds,
  type OptionedError,
  type PlanNumbers,
  type PlanVerdict,
} from './numbers.js';
