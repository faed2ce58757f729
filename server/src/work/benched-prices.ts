/**
 * What stands beside a benchmark: the energy of the plan's arithmetic, and how far off the latency is that the cost model predicts. A
 * cost model that this machine does not have yet is learnt where that takes no longer than anyone waits for beside a benchmark.
 */
import {
  fitsBadly,
  inSlices,
  keptOrLearntCostModel,
  LEARNING_RUNS,
  predictedLatency,
  type CostModel,
} from '../analysis/index.js';
import {
  isTimedElsewhere,
  planEnergy,
  precisionGraphSteps,
  type BoundPlan,
  type PlanEnergy,
} from '../plan/index.js';
import { formatMilliseconds, formatPercent } from '../report/index.js';
import type { BenchedPlan } from './benchmark-plan.js';
import { elsewhereSentence } from './elsewhere-sentence.js';
import type { Work } from './open-work.js';
import { guarded, type Refused } from './problem.js';

/** What the cost model says of a plan that was benchmarked. */
export interface BenchedPrediction {
  /** At the speed that the machine had in the benchmark. */
  readonly milliseconds: number;
  /** Relative, against the benchmark. */
  readonly error: number;
  /** Root mean square of the relative error on the plans that the cost model was learnt from. */
  readonly misfit: number | null;
}

export interface BenchedPrices {
  readonly energy: PlanEnergy;
  /** Undefined where there is no cost model. */
  readonly predicted: BenchedPrediction | undefined;
  /** How far off the prediction is and what it is worth, or why there is none. */
  readonly sentence: string;
}

/** Learning takes no longer than this where nobody asked for it. */
const MOST_SECONDS = 30;

/** The prices of `plan`, which `benched` is a benchmark of. */
export async function benchedPrices(
  work: Work,
  plan: BoundPlan,
  { timed }: Pick<BenchedPlan, 'timed' | 'models'>,
): Promise<BenchedPrices | Refused> {
  return await guarded(work, async () => {
    const { decisions } = await work.counted(plan);
    const graph = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, plan.decisions));
    const energy = planEnergy({ ...graph, decisions }, await work.elementCounter());
    const medianOf = (name: string): number =>
      timed.rows.find((row) => row.name === name)?.median ?? Number.NaN;
    const [exact, own] = [medianOf('fp32'), medianOf('plan')];
    const costs = await costModel(work, plan, (LEARNING_RUNS * (exact + own)) / 2);
    const elsewhere = await elsewhereSentence(work, plan);
    const beside = elsewhere === undefined ? '' : ` ${elsewhere}`;
    if ('problem' in costs) {
      const sentence = `The latency was not predicted: ${costs.problem.replace(/\.$/, '')}.${beside}`;
      return { energy, predicted: undefined, sentence };
    }
    const milliseconds = (predictedLatency(costs, graph).whole / costs.whole) * exact;
    const predicted = { milliseconds, error: milliseconds / own - 1, misfit: costs.misfit ?? null };
    return { energy, predicted, sentence: `${sentenceOf(predicted, costs)}${beside}` };
  });
}

/** @param milliseconds that learning would take, about */
async function costModel(
  work: Work,
  plan: BoundPlan,
  milliseconds: number,
): Promise<CostModel | { readonly problem: string }> {
  const lowest = plan.decisions.some(({ format }) => format === 'bf16') ? 'bf16' : 'fp16';
  return await keptOrLearntCostModel(await work.results(), plan, lowest, work, () => {
    if (isTimedElsewhere(plan))
      return 'the plan takes its times from another device, and this one has no cost model';
    if (milliseconds <= 1000 * MOST_SECONDS) return undefined;
    const seconds = Math.round(milliseconds / 1000);
    return `this machine has no cost model of this model yet, and learning it takes about ${seconds} s; \`onnx-precision predict\` learns it, then benchmark again`;
  });
}

function sentenceOf({ milliseconds, error, misfit }: BenchedPrediction, { busy }: CostModel): string {
  const own =
    misfit === null ? '' : `; on the plans that it was learnt from it is off by ${formatPercent(misfit)}`;
  const poor = fitsBadly({ misfit: misfit ?? 0 })
    ? ', a poor fit: trust no smaller difference in what it predicts'
    : '';
  const moment = busy ? '; the machine was busy while it was learnt' : '';
  return `The cost model predicts ${formatMilliseconds(milliseconds)} for the plan: off by ${formatPercent(Math.abs(error))}, too ${error < 0 ? 'low' : 'high'}${own}${poor}${moment}.`;
}
