/** What a target really does: whether there is one, what it runs, and what comes of a model there. */
export { findAccumulation, type FoundAccumulation } from './accumulation.js';
export { executedMeasurement, type Executed, type ExecutedOptions } from './executed.js';
export {
  compareLayers,
  suspiciousLayers,
  SUSPICIOUS_FACTOR,
  type LayerComparison,
  type LayerComparisonOptions,
} from './layer-comparison.js';
export { operatorSupport, type OperatorSupport, type OperatorSupportOptions } from './operator-support.js';
export { placementNotes, placementOf, type Elsewhere, type Placement } from './placement.js';
export {
  threadCounts,
  tuneSession,
  type SessionSettings,
  type SessionTuning,
  type TimedSettings,
} from './session-tuning.js';
export { targetState, targetStates, type TargetState } from './target-states.js';
