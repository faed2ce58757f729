/** Analysis behind an editor: numbers of open plans, found in the background. */
export { LiveAnalysis, type LiveOptions } from './live-analysis.js';
export { startLiveAnalysis, type LiveStart } from './start.js';
export {
  NOTHING_KNOWN,
  type LayerRangeNumbers,
  type LayerSensitivity,
  type LiveState,
  type PlanNumbers,
  type PlanVerdict,
} from './numbers.js';
