/** What a plan does to the outputs, predicted from sketches. */
export {
  measuredAlone,
  predictorFrom,
  storedPredictor,
  type FormatResults,
  type KnownFormat,
} from './from-sensitivities.js';
export { knownOptionEffects, storedOptionEffects } from './known-option-effects.js';
export type { OptionSquares } from './learnt-options.js';
export type { OptionEffect } from './option-effects.js';
export { knownFits, type FitSubject } from './known-fits.js';
export type { NearPlan } from './near-plans.js';
export { learnMeasuredPlans } from './learn-measured-plans.js';
export {
  Predictor,
  type MeasuredSquares,
  type MetricFits,
  type PredictedOutput,
  type PredictedTolerance,
  type Prediction,
} from './predictor.js';
export type { Interval } from './spread.js';
