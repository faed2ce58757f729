/**
 * What a tuning is to gain, and what it goes by: the objective that is asked for or stated, or else the one that suits the target, with
 * a sentence that says which it is and why. Times layers where nothing is known of them.
 */
import type { LowFormatName } from '../formats/index.js';
import {
  inSlices,
  knownCostModel,
  planLatency,
  untimed,
  type CostModel,
  type ElementCounter,
} from '../analysis/index.js';
import type { Steps } from '../onnx/index.js';
import {
  allowsFormat,
  precisionGraphSteps,
  type Layer,
  type LayerDecision,
  type TracedPlan,
} from '../plan/index.js';
import { formatMilliseconds, inFp32 } from '../report/index.js';
import { cheapestSet, energyPrices, latencyPrices, type Objective, type Prices } from '../search/index.js';
import type { Work } from './open-work.js';
import { refused, type Refused } from './problem.js';

export interface TuningGoal {
  readonly objective: Objective;
  readonly prices: Prices | undefined;
  /** Where layers were timed. */
  readonly costs: CostModel | undefined;
  /** Why it is this objective, where nobody asked for it. */
  readonly why: string | undefined;
  /** Says of a plan whether it takes no longer than the original, by running both; undefined where nothing can be run. */
  readonly isFaster: ((decisions: readonly LayerDecision[]) => Promise<boolean>) | undefined;
  /** Why `isFaster` could not run what it was asked of, and answered by the prediction; empty until it is asked. */
  readonly timingProblems: readonly string[];
}

/** Less than this share of a run is no gain that anyone would notice, or that a prediction could tell. */
const WORTH_IT = 0.02;

/** The goal of tuning `plan` to `format` for `stated`, or for what suits the target. */
export async function tuningGoal(
  work: Work,
  plan: TracedPlan,
  stated: Objective | undefined,
  format: LowFormatName,
): Promise<TuningGoal | Refused> {
  const timingProblems: string[] = [];
  const plain = {
    ...{ prices: undefined, costs: undefined, why: undefined, isFaster: undefined },
    timingProblems,
  };
  if (stated === 'energy')
    return { ...plain, objective: stated, prices: await energyGoal(work.elementCounter, format) };
  if (stated !== undefined && stated !== 'latency') return { ...plain, objective: stated };
  const costs = await costsOf(work, plan, format);
  if (typeof costs === 'string') {
    if (stated === 'latency') {
      const way = 'take a profile on the target and name it with `latency from "FILE"`, or tune for `macs`';
      return refused('shortfall', 'not-timed', `latency cannot be tuned for: ${costs}; ${way}`, plan.path);
    }
    return {
      ...plain,
      objective: 'macs',
      why: `objective macs: ${costs}, so that what is gained in time is not known`,
    };
  }
  const prices = latencyPrices(costs, format);
  const isFaster = costs.files === undefined ? timedFaster(work, plan, timingProblems) : undefined;
  if (stated === 'latency') return { ...plain, objective: stated, prices, costs, isFaster };
  const { best, all } = await inSlices(times(plan, prices, format));
  const where = placeOf(costs, work.target);
  if (best < costs.whole * (1 - WORTH_IT)) {
    const figures = `${formatMilliseconds(best)} at best, ${inFp32(costs.whole, costs.estimatedInWhole)}`;
    const why = `objective latency: ${format} is faster ${where}: ${figures}`;
    return { ...plain, objective: 'latency', prices, costs, why, isFaster };
  }
  const outcome = all > costs.whole ? 'it would be slower' : 'it would gain next to nothing';
  const figures = `all of it ${formatMilliseconds(all)}, ${inFp32(costs.whole, costs.estimatedInWhole)}`;
  return {
    ...{ ...plain, costs, objective: 'macs' },
    why: `objective macs, for a device with ${format.toUpperCase()}; ${where} ${outcome}: ${figures}`,
  };
}

/** On which device figures were found: `on this one (cpu)`, or `on another device (FILE)`. */
export function placeOf({ files }: Pick<CostModel, 'files'>, target: string): string {
  return files === undefined ? `on this one (${target})` : `on another device (${files.join(', ')})`;
}

async function energyGoal(elementCounter: ElementCounter, format: LowFormatName): Promise<Prices> {
  return energyPrices(await elementCounter(), format);
}

/** The costs of the plan's model on its target, or why they cannot be had. */
async function costsOf(work: Work, plan: TracedPlan, format: LowFormatName): Promise<CostModel | string> {
  const { target, threads, signal, progress } = work;
  const costs = await knownCostModel(await work.results(), plan, format, {
    target,
    threads,
    signal,
    progress,
  });
  return 'problem' in costs ? costs.problem : costs;
}

/** Milliseconds of the fastest plan there is, and of the one with everything low, whatever they err by. */
function* times(
  plan: TracedPlan,
  prices: Prices,
  format: LowFormatName,
): Steps<{ readonly best: number; readonly all: number }> {
  const open = plan.decisions.filter((one) => !one.pinned && allowsFormat(plan.model, one.layer, format));
  const layers = new Set(open.map(({ layer }) => layer));
  function* timeOf(low: ReadonlySet<Layer>): Steps<number> {
    const decisions = plan.decisions.map((one): LayerDecision => {
      if (one.pinned) return one;
      const chosen = low.has(one.layer) ? format : 'original';
      return { ...one, wanted: format, format: chosen, numerics: undefined, overflow: 'inf' };
    });
    return prices.total(yield* precisionGraphSteps(plan.model, plan.roles, plan.layers, decisions));
  }
  const cheapest = yield* cheapestSet(plan, layers, prices, format);
  return { best: yield* timeOf(cheapest), all: yield* timeOf(layers) };
}

function timedFaster(work: Work, plan: TracedPlan, problems: string[]): NonNullable<TuningGoal['isFaster']> {
  return async (decisions) => {
    const { runtime, samples, target, threads, signal, progress } = work;
    const [sample] = samples;
    if (sample === undefined) return true;
    const options = { target, threads, signal, progress };
    const timing = planLatency(runtime, { ...plan, decisions }, sample, options);
    const timed = await timing.catch((error: unknown) => {
      const problem = untimed(error);
      if (problem === undefined) throw error;
      problems.push(problem);
      return { problem, notes: [problem] };
    });
    // A model that ended the compute process took along what the verdict on the plan needs.
    if ('notes' in timed && timed.notes.length > 0) {
      await work.dispose();
      work.renew();
    }
    // What is emulated only has no model to be timed: its prediction stands.
    return 'problem' in timed || timed.whole.plan < timed.whole.fp32;
  };
}
