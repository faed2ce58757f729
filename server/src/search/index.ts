/** The tuner's strategies on top of measurement. */
export { gain, rank, type Candidate, type Objective } from './ranking.js';
export { tune, type Strategy, type TuneOptions, type Tuning, type TuningProblem } from './tune.js';
