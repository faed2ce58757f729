/**
 * One question that a search asks: does the plan with this set of layers in low precision hold? Answers are
 * kept, so that no set is measured twice, and the sample that failed last is tried first.
 */
import {
  measure,
  perfectFigures,
  type Evaluation,
  type Measurement,
  type PerfectFigures,
  type WorkOptions,
} from '../analysis/index.js';
import { modelFacts, precisionGraph, type BoundPlan, type Layer, type LayerDecision } from '../plan/index.js';
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
  evaluation: Evaluation,
  plan: BoundPlan,
  format: 'fp16' | 'bf16',
  options: WorkOptions = {},
): Trials {
  const known = new Map<string, Measurement>();
  const { signal } = options;
  let order = evaluation.feeds.map((_, index) => index);
  let perfect: PerfectFigures | undefined;
  let inferences = 0;
  let sessions = 0;

  const decisions = (low: ReadonlySet<Layer>): readonly LayerDecision[] =>
    plan.decisions.map((decision): LayerDecision => {
      if (decision.pinned) return decision;
      const chosen = low.has(decision.layer) ? format : keptFormat(plan, decision.layer);
      return { ...decision, wanted: chosen, format: chosen, clamped: undefined };
    });

  const run = async (low: ReadonlySet<Layer>, stopEarly: boolean): Promise<Measurement> => {
    const key = [...low]
      .map((layer) => layer.nodeIndex)
      .sort((a, b) => a - b)
      .join(' ');
    const before = known.get(key);
    if (before !== undefined && (before.complete || stopEarly)) return before;
    const graph = precisionGraph(plan.model, plan.roles, plan.layers, decisions(low));
    perfect ??= await perfectFigures(evaluation, plan.tolerances, signal);
    const early = stopEarly ? { stopEarly: perfect } : {};
    const result = await measure(evaluation, graph, plan.tolerances, { signal, order, ...early });
    inferences += result.inferences;
    sessions += 1;
    known.set(key, result);
    if (result.complete) order = worstFirst(result, order);
    else order = failedFirst(order, result.inferences);
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

/** The sample at which the last trial stopped comes first: it is the likeliest to fail again. */
function failedFirst(order: readonly number[], tried: number): number[] {
  const failed = order[tried - 1];
  return failed === undefined ? [...order] : [failed, ...order.filter((sample) => sample !== failed)];
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
