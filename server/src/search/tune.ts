/**
 * The tuner: ranks the layers, lets a strategy choose a set, verifies the choice by emulated inference over all
 * samples and gives it its noise floor. What is returned was measured, never only predicted.
 */
import {
  layersBeyondRange,
  localErrors,
  measuredErrors,
  withNoiseFloor,
  type Evaluation,
  type LocalErrors,
  type MeasuredErrors,
  type Measurement,
  type ToleranceVerdict,
  type WorkOptions,
} from '../analysis/index.js';
import {
  allowedFormats,
  precisionGraph,
  type BoundPlan,
  type Layer,
  type LayerDecision,
} from '../plan/index.js';
import { bisect } from './bisect.js';
import { greedy } from './greedy.js';
import { rank, type Objective } from './ranking.js';
import type { StrategyOptions } from './strategy.js';
import { prepareTrials } from './trial.js';

export type Strategy = 'greedy' | 'bisect';

export interface TuneOptions extends WorkOptions {
  readonly strategy: Strategy;
  readonly objective: Objective;
  /** The low format; FP16 unless the user wants another. */
  readonly format?: 'fp16' | 'bf16';
  /** Seconds after which the best set so far is taken. */
  readonly time?: number;
  /** Jitters for the noise floor of the verdict. */
  readonly draws?: number;
  /** What the ranking goes by: errors in a layer's own output, or, slower and truer, in the model's outputs. */
  readonly rank?: 'local' | 'measured';
  /** Local errors of this model and format that are known already. */
  readonly known?: LocalErrors;
}

export interface Tuning {
  readonly strategy: Strategy;
  readonly objective: Objective;
  readonly decisions: readonly LayerDecision[];
  /** Least harm per gain first. */
  readonly ranking: readonly Layer[];
  readonly local: LocalErrors;
  /** Where the ranking went by them. */
  readonly measured: MeasuredErrors | undefined;
  readonly measurement: Measurement;
  readonly verdicts: readonly ToleranceVerdict[];
  /** Sessions and inferences of the search alone: those of the evaluation came before. */
  readonly sessions: number;
  readonly inferences: number;
  readonly seconds: number;
  /** The time was up before the strategy was done. */
  readonly expired: boolean;
}

/** Why there is no result: not even the plan with nothing in low precision (but what is pinned) holds. */
export interface TuningProblem {
  readonly code: 'tolerance-exceeded';
  readonly message: string;
  readonly measurement: Measurement;
}

/** Finds which layers may run in the low format within the plan's tolerances. */
export async function tune(
  evaluation: Evaluation,
  plan: BoundPlan,
  options: TuneOptions,
): Promise<Tuning | TuningProblem> {
  const { strategy, objective, format = 'fp16', draws = 3 } = options;
  const start = performance.now();
  const deadline = options.time === undefined ? Number.POSITIVE_INFINITY : start + options.time * 1000;
  const allowed = plan.decisions
    .filter((decision) => !decision.pinned && allowedFormats(plan.model, decision.layer).includes(format))
    .map((decision) => decision.layer);
  // No tolerance tells every such case: a variance that becomes infinite just silences its channel.
  const beyond = await layersBeyondRange(evaluation.runtime, plan.model, allowed, format, options);
  const candidates = allowed.filter((layer) => !beyond.has(layer));
  const local = options.known ?? (await localErrors(evaluation, candidates, format, options));
  const measured =
    options.rank === 'measured'
      ? await measuredErrors(evaluation, candidates, format, plan.tolerances, options)
      : undefined;
  const errorOf = new Map((measured ?? local).errors.map((one) => [one.layer.nodeIndex, one.value]));
  const ranking = rank(
    candidates.map((layer) => ({
      layer,
      error: errorOf.get(layer.nodeIndex) ?? Number.POSITIVE_INFINITY,
    })),
    objective,
  );
  const trials = prepareTrials(evaluation, plan, format, options);
  let cutShort = false;
  const strategyOptions: StrategyOptions = {
    step: (decided) => options.progress?.(decided, ranking.length, `layers decided, ${strategy}`),
    expired: () => (cutShort ||= performance.now() > deadline),
  };
  const chosen = await STRATEGIES[strategy](trials, ranking, strategyOptions);
  const measurement = await trials.measured(chosen ?? new Set());
  if (chosen === undefined) return nothingHolds(measurement);
  options.progress?.(ranking.length, ranking.length, `layers decided, ${strategy}`);
  const decisions = trials.decisions(chosen);
  const graph = precisionGraph(plan.model, plan.roles, plan.layers, decisions);
  const noise = await withNoiseFloor(evaluation, graph, measurement, draws, options);
  const ranked = added(options.known === undefined ? local : undefined, measured);
  return {
    strategy,
    objective,
    decisions,
    ranking,
    local,
    measured,
    measurement,
    verdicts: noise.verdicts,
    sessions: trials.sessions + noise.sessions + ranked.sessions,
    inferences: trials.inferences + noise.inferences + ranked.inferences,
    seconds: (performance.now() - start) / 1000,
    expired: cutShort,
  };
}

/** What it took to rank the layers. */
function added(...parts: readonly (LocalErrors | MeasuredErrors | undefined)[]): {
  readonly sessions: number;
  readonly inferences: number;
} {
  const sum = (key: 'sessions' | 'inferences'): number =>
    parts.reduce((total, part) => total + (part?.[key] ?? 0), 0);
  return { sessions: sum('sessions'), inferences: sum('inferences') };
}

const STRATEGIES = { greedy, bisect } satisfies Record<Strategy, unknown>;

function nothingHolds(measurement: Measurement): TuningProblem {
  const failing = measurement.tolerances.filter((one) => !one.holds);
  const list = failing
    .map((one) => `${one.tolerance.text} (measured ${one.measured.toPrecision(3)})`)
    .join(', ');
  return {
    code: 'tolerance-exceeded',
    message: `even with no further layer in low precision the plan does not hold: ${list}`,
    measurement,
  };
}
