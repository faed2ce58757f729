/** The plans that were measured of a model, told to what predicts it: those that are nearest to the plan at hand. */
import type { BoundPlan } from '../../plan/index.js';
import { nearestMeasuredPlans } from '../measurement/measured-plans.js';
import type { Results } from '../remembered.js';
import { MOST_PLANS } from './near-plans.js';
import type { Predictor } from './predictor.js';

/** As far as the store has them. Those tell nothing of whose options not all is known, and take no place of others. */
export async function learnMeasuredPlans(
  predictor: Predictor,
  results: Results,
  plan: Pick<BoundPlan, 'layers' | 'decisions'>,
): Promise<void> {
  const nearest = await nearestMeasuredPlans(
    results,
    plan,
    MOST_PLANS,
    ({ decisions }) => predictor.predict(decisions).missing.length === 0,
  );
  // What is learnt last stays longest.
  for (const one of nearest.toReversed()) predictor.learnPlan(one);
}
