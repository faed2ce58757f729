/**
 * One question that a search asks: does the plan with this set of layers in low precision hold? Answers are
 * kept, so that no set is measured twice, and the sample that failed last is tried first.
 */
import type { LowFormatName } from '../formats/index.js';
import {
  decisionsText,
  findMeasurement,
  inSlices,
  keepMeasurement,
  measure,
  perfectFigures,
  type Measurement,
  type PerfectFigures,
  type Recipe,
  type Results,
  type WorkOptions,
} from '../analysis/index.js';
import {
  modelFacts,
  OptionsOfFormats,
  precisionGraphSteps,
  type BoundPlan,
  type Layer,
  type LayerDecision,
  type TracedPlan,
} from '../plan/index.js';
import { combine } from '../metrics/index.js';
import { DataType } from '../onnx/index.js';

export interface Trials {
  /** Whether all tolerances hold with exactly `low` in the low format (pinned layers keep their decision). */
  holds(low: ReadonlySet<Layer>): Promise<boolean>;
  /** The full measurement of such a set, every sample included. */
  measured(low: ReadonlySet<Layer>): Promise<Measurement>;
  decisions(low: ReadonlySet<Layer>): readonly LayerDecision[];
  readonly inferences: number;
  readonly sessions: number;
}

/** Prepares trials over `plan`: its pinned layers stay, every other one is `format` or the original. Shows no progress. */
export function prepareTrials(
  results: Results,
  plan: TracedPlan,
  format: LowFormatName,
  options: WorkOptions = {},
): Trials {
  const known = new Map<string, Measurement>();
  const { signal } = options;
  let order = results.samples.map((_, index) => index);
  let perfect: PerfectFigures | undefined;
  let inferences = 0;
  let sessions = 0;

  const asked = new OptionsOfFormats(plan);
  const decisions = (low: ReadonlySet<Layer>): readonly LayerDecision[] =>
    plan.decisions.map((decision, at): LayerDecision => {
      if (decision.pinned) return decision;
      const chosen = low.has(decision.layer) ? format : keptFormat(plan, decision.layer);
      // With the options that the plan is written with, if this is what is found.
      return asked.decided(decision, at, chosen);
    });

  const run = async (low: ReadonlySet<Layer>, stopEarly: boolean): Promise<Measurement> => {
    const key = [...low]
      .map((layer) => layer.nodeIndex)
      .sort((a, b) => a - b)
      .join(' ');
    const before = known.get(key);
    if (before !== undefined && (before.complete || stopEarly)) return before;
    const result = await answered(decisions(low), stopEarly);
    known.set(key, result);
    return result;
  };

  const answered = async (decided: readonly LayerDecision[], stopEarly: boolean): Promise<Measurement> => {
    const stored = await findMeasurement(results, plan, decided);
    if (stored !== undefined) {
      order = worstFirst(stored, order);
      return stored;
    }
    const lostAt = stopEarly ? await results.find('lost-trial', lossRecipe(plan, decided)) : undefined;
    if (typeof lostAt === 'number') {
      order = firstOf(order, lostAt);
      return LOST;
    }
    const evaluation = await results.evaluation();
    const graph = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, decided));
    perfect ??= await perfectFigures(evaluation, plan.tolerances, signal);
    const early = stopEarly ? { stopEarly: perfect } : {};
    const result = await measure(evaluation, graph, plan.tolerances, { signal, order, ...early });
    inferences += result.inferences;
    sessions += 1;
    if (result.complete) {
      await keepMeasurement(results, plan, decided, result);
      order = worstFirst(result, order);
      return result;
    }
    const failed = order[result.inferences - 1];
    if (failed !== undefined) {
      await results.keep('lost-trial', lossRecipe(plan, decided), failed);
      order = firstOf(order, failed);
    }
    return result;
  };

  return {
    holds: async (low) => (await run(low, true)).holds,
    measured: (low) => run(low, false),
    decisions,
    get inferences() {
      return inferences;
    },
    get sessions() {
      return sessions;
    },
  };
}

/** What a layer has that is not lowered: FP32 by name where that is what the model has, for whoever reads the plan. */
function keptFormat({ model }: BoundPlan, { node }: Layer): 'fp32' | 'original' {
  const facts = modelFacts(model);
  return node.outputs.every((name) => name === '' || facts.elementType(name) === DataType.FLOAT)
    ? 'fp32'
    : 'original';
}

/** A trial that is known to fail, though not by how much. */
const LOST: Measurement = { tolerances: [], outputs: [], holds: false, complete: false, inferences: 0 };

/** Whether a trial is lost depends on the limits, too. */
function lossRecipe(plan: BoundPlan, decided: readonly LayerDecision[]): Recipe {
  const tolerances = plan.tolerances.map(({ output, metric, over, operator, limit }) => ({
    output,
    metric,
    over,
    operator,
    limit,
  }));
  return { decisions: decisionsText(decided), tolerances };
}

/** The sample at which the last trial stopped comes first: it is the likeliest to fail again. */
function firstOf(order: readonly number[], failed: number): number[] {
  return [failed, ...order.filter((sample) => sample !== failed)];
}

/** Samples by how much of their tolerance they use, most first. */
function worstFirst(measurement: Measurement, order: readonly number[]): number[] {
  const used = (sample: number): number =>
    measurement.tolerances.reduce((most, { tolerance, figures }) => {
      const figure = figures[sample];
      if (figure === undefined) return most;
      const value = combine(tolerance.metric, [figure], 'worst');
      const share = tolerance.operator === '<=' ? value / tolerance.limit : tolerance.limit / value;
      // A limit of zero, met exactly, gives no share.
      return Number.isNaN(share) ? most : Math.max(most, share);
    }, 0);
  const shares = new Map(order.map((sample) => [sample, used(sample)]));
  return order.toSorted((a, b) => {
    const [first = 0, second = 0] = [shares.get(a), shares.get(b)];
    return first === second ? 0 : second - first;
  });
}
