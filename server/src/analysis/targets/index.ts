/** What a target really does: whether there is one, what it runs, and what comes of a model there. */
export { type FoundAccumulation } from './accumulation.js';
export { emulatedMeasurement, executedMeasurement, type Executed, type ExecutedOptions } from './executed.js';
export { knownSupport, namedTargets, storedSupport } from './known-support.js';
export { knownTarget, providerOf, storedTarget, type KnownTarget } from './known-target.js';
export {
  compareLayers,
  suspiciousLayers,
  type ComparedLayers,
  type LayerComparison,
  type LayerComparisonOptions,
  type SuspiciousLayer,
} from './layer-comparison.js';
export { type SupportOutcome, type TriedLayer } from './layer-trial.js';
export {
  layerSupport,
  operatorsOf,
  operatorSupport,
  storedLayerSupport,
  type LayerSupport,
  type OperatorSupport,
  type OperatorSupportOptions,
  type SupportSubject,
} from './operator-support.js';
export { withKnownSums, withOptionsOf, withStoredSums } from './plan-targets.js';
export { modelPlacement, type PlacementOptions } from './model-placement.js';
export { placementNotes, placementOf, type Elsewhere, type Placement } from './placement.js';
export { gainOf, type Gain, type TimedSettings } from './session-gain.js';
export { threadCounts, type SessionSettings } from './session-settings.js';
export { tuneSession, type SessionTuning } from './session-tuning.js';
export {
  insteadOf,
  isLacking,
  supportFindings,
  supportFindingSteps,
  supportOnTarget,
  type SupportOnTarget,
} from './support-findings.js';
export { targetState, targetStates, type TargetDevice, type TargetState } from './target-states.js';
