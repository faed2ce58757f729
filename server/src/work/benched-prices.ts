/** What stands beside a benchmark: the energy of the plan's arithmetic, and how far off the latency is that was predicted. Runs no model. */
import { inSlices, predictedLatency, storedCostModel } from '../analysis/index.js';
import { planEnergy, precisionGraphSteps, type BoundPlan, type PlanEnergy } from '../plan/index.js';
import type { BenchedPlan } from './benchmark-plan.js';
import type { Work } from './open-work.js';
import { guarded, type Refused } from './problem.js';

export interface BenchedPrices {
  readonly energy: PlanEnergy;
  /** Of the plan, at the speed that the machine had in the benchmark; undefined where no cost model was learnt yet. */
  readonly predicted: { readonly milliseconds: number; readonly error: number } | undefined;
}

/** The prices of `plan`, which `benched` is a benchmark of. */
export async function benchedPrices(
  work: Work,
  plan: BoundPlan,
  { timed }: BenchedPlan,
): Promise<BenchedPrices | Refused> {
  return await guarded(work, async () => {
    const { decisions } = await work.counted(plan);
    const graph = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, plan.decisions));
    const energy = planEnergy({ ...graph, decisions }, await work.elementCounter());
    const lowest = decisions.some(({ format }) => format === 'bf16') ? 'bf16' : 'fp16';
    const costs = await storedCostModel(await work.results(), plan, lowest, work);
    const medianOf = (name: string): number | undefined =>
      timed.rows.find((row) => row.name === name)?.median;
    const [exact, own] = [medianOf('fp32'), medianOf('plan')];
    if (costs === undefined || exact === undefined || own === undefined)
      return { energy, predicted: undefined };
    const milliseconds = (predictedLatency(costs, graph).whole / costs.whole) * exact;
    return { energy, predicted: { milliseconds, error: milliseconds / own - 1 } };
  });
}
