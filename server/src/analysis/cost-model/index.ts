/** What a plan costs in time, predicted from profiles of others. */
export { fitCastCost, type CastCost, type CastRun } from './cast-cost.js';
export {
  knownCostModel,
  latencyOfGraph,
  type CostModel,
  type CostModelOptions,
  type LayerCost,
} from './cost-model.js';
