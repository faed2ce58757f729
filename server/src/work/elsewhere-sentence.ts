/** What a plan takes on the device that its profiles were taken on, beside what is measured here. Runs no model. */
import { inSlices, knownCostModel, lowFormats, predictedLatency } from '../analysis/index.js';
import { isTimedElsewhere, precisionGraphSteps, type BoundPlan } from '../plan/index.js';
import { formatMilliseconds, inFp32 } from '../report/index.js';
import type { Work } from './open-work.js';

/** Undefined for a plan without profiles; why it is not known where nothing can be read of them, or belongs to its model. */
export async function elsewhereSentence(work: Work, plan: BoundPlan): Promise<string | undefined> {
  if (!isTimedElsewhere(plan)) return undefined;
  const costs = await knownCostModel(await work.results(), plan, lowFormats(plan)[0] ?? 'fp16', work);
  if ('problem' in costs) return `Of the other device no latency is told: ${costs.problem}.`;
  const graph = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, plan.decisions));
  const there = formatMilliseconds(predictedLatency(costs, graph).whole);
  const files = (costs.files ?? []).join(', ');
  return `On the device of ${files}, the plan is predicted to take ${there}, and ${inFp32(costs.whole, costs.estimatedInWhole)}.`;
}
