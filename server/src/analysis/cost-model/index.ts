/** What a plan costs in time, predicted from profiles of others. */
export { fitCastCost, type CastCost, type CastRun } from './cast-cost.js';
export {
  castsOf,
  fitsBadly,
  latencyOfGraph,
  layerTime,
  predictedLatency,
  type CostModel,
  type LayerCost,
  type LayerTime,
  type PredictedLatency,
} from './cost-model.js';
export {
  keptOrLearntCostModel,
  knownCostModel,
  LEARNING_RUNS,
  storedCostModel,
  type CostModelOptions,
} from './learn.js';
export type { LayerWork, Roofline } from './roofline.js';
