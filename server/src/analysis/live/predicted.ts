/**
 * What the plan is predicted to do as it is now, from sketches of its model: said at every keystroke, until inference has measured
 * it. Data for an editor; how it is predicted is `prediction`'s.
 */
import type { BoundPlan } from '../../plan/index.js';
import type { PredictedOutput, PredictedTolerance, Predictor } from '../prediction/index.js';

export interface PlanPrediction {
  readonly outputs: readonly PredictedOutput[];
  /** In the plan's order. */
  readonly tolerances: readonly PredictedTolerance[];
  /** Low layers whose effect is in no figure: what is predicted is too little by theirs. */
  readonly missing: readonly string[];
  /** Low layers that make something infinite or NaN. */
  readonly nonFinite: readonly string[];
}

/** Arithmetic only, well under a millisecond. */
export function predictedNow(
  predictor: Predictor,
  { decisions, tolerances }: Pick<BoundPlan, 'decisions' | 'tolerances'>,
): PlanPrediction {
  const found = predictor.predict(decisions, tolerances);
  return {
    outputs: found.outputs,
    tolerances: found.tolerances,
    missing: found.missing.map(({ name }) => name),
    nonFinite: found.nonFinite.map(({ name }) => name),
  };
}
