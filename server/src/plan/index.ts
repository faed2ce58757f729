/** A plan bound to its model: a decision for every layer, diagnostics, edits. */
export type * from './types.js';
export { allowedFormats, allowsFormat } from './allowed-formats.js';
export { ampEntry, type AmpEntry, type AmpList } from './amp.js';
export { ampLayers, type AmpChoice, type AmpStanding } from './amp-layers.js';
export { OptionsOfFormats } from './asked-options.js';
export { bindPlan, bindPlanSteps, type PlanSource } from './bind.js';
export { chooseTarget } from './choose-target.js';
export { type CastParts, makeCast } from './cast-node.js';
export { flipLayer, flipStatement } from './flip.js';
export { numericsOf } from './decisions.js';
export { type DecidedFormat } from './fold.js';
export { floatsOf } from './float-values.js';
export { formatOfType, holdsAllOf, typeOfFormat } from './format-types.js';
export { freeNames, type TakeName } from './free-names.js';
export { knowModel, knowModelSteps } from './knowledge.js';
export { layerInFormat } from './layer-in-format.js';
export { lockPath } from './layer-lock.js';
export { lockTextSteps } from './lock-plan.js';
export { layerNeighbours, layerNeighboursSteps, type Neighbours } from './layer-neighbours.js';
export { findLayers } from './layers.js';
export { layersMatching } from './layers-matching.js';
export { maskStorage, type MaskStorage } from './masks.js';
export { areFloats, elementTypeOf, isFloating, modelFacts, type ModelFacts } from './model-facts.js';
export { castEnergy, layerEnergy, planEnergy, type PlanEnergy } from './energy.js';
export { FlowNetwork, UNCUTTABLE } from './minimum-cut.js';
export { drawsRandomNumbers, isFreeMovement, isMovement, isShapeInput, tellsShape } from './movement.js';
export { indexNodeNames, writeName } from './node-names.js';
export { type OperatorType, readOperatorType, writeOperatorType } from './operators.js';
export { attributesForType } from './output-type.js';
export { integerRanges, rangesText } from './integer-ranges.js';
export { accumulationText, accumulationWords, numericsText } from './numerics.js';
export { precisionGraph, precisionGraphSteps } from './precision-graph.js';
export { byteChunks, floatChunks, type Floats } from './read-chunks.js';
export { compileRegex, type CompiledRegex } from './regex.js';
export { nodeRoles } from './roles.js';
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
} from './roundings.js';
export { isQuantizing, quantizationKey, roundingKey } from './rounding-keys.js';
export { scaledInputs } from './homogeneous.js';
export {
  LayerStand,
  roundingEvents,
  roundingEventsSteps,
  type InputEvent,
  type OutputEvent,
  type RoundingEvent,
  type RoundingEvents,
  type WeightEvent,
} from './rounding-events.js';
export { nodeType, presentType } from './run-format.js';
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
} from './scopes.js';
export { shortWindow, TURNED_GEMM } from './sum-kinds.js';
export { summedAxes, type SummedAxes } from './summed-axes.js';
export { timedTarget } from './targets.js';
export { startingPlan, type StartingPlanOptions } from './starting-plan.js';
export { type DecisionSummary, type FormatShare, summarizeDecisions } from './summary.js';
export {
  accumulationReason,
  addsUpSomewhere,
  usualAccumulation,
  withTargetSums,
  type FindTarget,
} from './target-sums.js';
export { inferredShapes, withShapes } from './with-shapes.js';
export { foldPlan, writeDecisions } from './write-decisions.js';
