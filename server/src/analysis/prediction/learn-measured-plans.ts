/** The plans that were measured of a model, told to what predicts it: those that are nearest to the plan at hand. */
import type { BoundPlan } from '../../plan/index.js';
import { nearestMeasuredPlans } from '../measurement/measured-plans.js';
import type { Results } from '../remembered.js';
import { MOST_PLANS } from './near-plans.js';
import type { Predictor } from './predictor.js';

/** As far as the store has them. What has to be known of their options is to be learnt before: others tell nothing. */
export async function learnMeasuredPlans(
  predictor: Predictor,
  results: Results,
  plan: Pick<BoundPlan, 'layers' | 'decisions'>,
): Promise<void> {
  const nearest = await nearestMeasuredPlans(results, plan, MOST_PLANS);
  // What is learnt last stays longest.
  for (const one of nearest.toReversed()) predictor.learnPlan(one);
}
