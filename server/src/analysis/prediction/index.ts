/** What a plan does to the outputs, predicted from sketches. */
export { predictorFrom, storedPredictor, type KnownFormat } from './from-sensitivities.js';
export { knownOptionEffects, storedOptionEffects } from './known-option-effects.js';
export type { OptionSquares } from './learnt-options.js';
export type { OptionEffect } from './option-effects.js';
export { knownFits, type FitSubject } from './known-fits.js';
export type { MeasuredPlan, NearPlan } from './near-plans.js';
export {
  Predictor,
  type MeasuredSquares,
  type MetricFits,
  type PredictedOutput,
  type PredictedTolerance,
  type Prediction,
} from './predictor.js';
export type { Interval } from './spread.js';
