/** A plan bound to its model: a decision for every layer, diagnostics, edits. */
export type * from './types.js';
export { allowedFormats, allowsFormat } from './decisions/allowed-formats.js';
export { ampEntry, type AmpEntry, type AmpList } from './decisions/amp.js';
export { ampLayers, type AmpChoice, type AmpStanding } from './decisions/amp-layers.js';
export { OptionsOfFormats } from './edits/asked-options.js';
export { bindPlan, bindPlanSteps, type PlanSource } from './binding/bind.js';
export { chooseTarget } from './edits/choose-target.js';
export { type CastParts, makeCast } from './model/cast-node.js';
export { flipLayer, flipStatement } from './edits/flip.js';
export { numericsOf } from './decisions/decisions.js';
export { type DecidedFormat } from './edits/fold.js';
export { floatsOf } from './model/float-values.js';
export { formatOfType, holdsAllOf, typeOfFormat } from './model/format-types.js';
export { freeNames, type TakeName } from './model/free-names.js';
export { knowModel, knowModelSteps } from './knowledge.js';
export { layerInFormat } from './roundings/layer-in-format.js';
export { lockPath } from './lock/layer-lock.js';
export { lockTextSteps } from './lock/lock-plan.js';
export { layerNeighbours, layerNeighboursSteps, type Neighbours } from './model/layer-neighbours.js';
export { findLayers } from './model/layers.js';
export { layersMatching } from './patterns/layers-matching.js';
export { maskStorage, type MaskStorage } from './model/masks.js';
export { areFloats, elementTypeOf, isFloating, modelFacts, type ModelFacts } from './model/model-facts.js';
export { castEnergy, layerEnergy, planEnergy, type PlanEnergy } from './model/energy.js';
export { FlowNetwork, UNCUTTABLE } from './precision-graph/minimum-cut.js';
export {
  drawsRandomNumbers,
  isFreeMovement,
  isMovement,
  isShapeInput,
  tellsShape,
} from './model/movement.js';
export { indexNodeNames, writeName } from './model/node-names.js';
export { type OperatorType, readOperatorType, writeOperatorType } from './model/operators.js';
export { attributesForType } from './model/output-type.js';
export { integerRanges, rangesText } from './roundings/integer-ranges.js';
export { accumulationText, accumulationWords, numericsText } from './roundings/numerics.js';
export { precisionGraph, precisionGraphSteps } from './precision-graph/precision-graph.js';
export { byteChunks, floatChunks, type Floats } from './model/read-chunks.js';
export { compileRegex, type CompiledRegex } from './patterns/regex.js';
export { nodeRoles } from './model/roles.js';
export {
  addsUp,
  accumulationsOf,
  elementFormat,
  isRunFormat,
  nodeRoundingOf,
  readsCodes,
  wantedQuantizations,
  withQuantizations,
  type WantedQuantization,
} from './roundings/roundings.js';
export { isQuantizing, quantizationKey, roundingKey } from './roundings/rounding-keys.js';
export { scaledInputs } from './model/homogeneous.js';
export {
  LayerStand,
  roundingEvents,
  roundingEventsSteps,
  type InputEvent,
  type OutputEvent,
  type RoundingEvent,
  type RoundingEvents,
  type WeightEvent,
} from './roundings/rounding-events.js';
export { nodeType, presentType } from './decisions/run-format.js';
export {
  constantOf,
  endOf,
  holdsOthers,
  idIn,
  indexInScope,
  isInMainGraph,
  modelScopes,
  scopeEndedBy,
  tensorNamed,
  type ModelScopes,
  type Scope,
  type ScopedNode,
  type ScopedTensor,
  type Tie,
} from './model/scopes.js';
export { noFloats } from './model/floats-behind.js';
export { heldFormat } from './model/spelled-roundings.js';
export { shortWindow, TURNED_GEMM } from './roundings/sum-kinds.js';
export { runningAxis, summedAxes, type SummedAxes } from './model/summed-axes.js';
export { tensorShape } from './model/tensor-shapes.js';
export { summedLabels, type SummedLabels } from './model/summed-labels.js';
export { isTimedElsewhere } from './binding/latency-sources.js';
export { timedTarget } from './binding/targets.js';
export { startingPlan, type StartingPlanOptions } from './edits/starting-plan.js';
export { type DecisionSummary, type FormatShare, summarizeDecisions } from './binding/summary.js';
export {
  accumulationReason,
  addsUpSomewhere,
  usualAccumulation,
  withTargetSums,
  type FindTarget,
} from './decisions/target-sums.js';
export { valueDependenceSteps } from './model/value-dependence.js';
export { inferredShapes, withShapes } from './model/with-shapes.js';
export { foldPlan, writeDecisions } from './edits/write-decisions.js';
