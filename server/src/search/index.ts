/** The tuner's strategies on top of measurement. */
export { gain, OBJECTIVE_NAMES, rank, type Candidate, type Objective } from './ranking.js';
export { energyPrices, latencyPrices, type Prices } from './prices.js';
export { cheapestSet } from './cheapest-set.js';
export { tune, type Strategy, type TuneOptions, type Tuning, type TuningProblem } from './tune.js';
