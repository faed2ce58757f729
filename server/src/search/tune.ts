/**
 * The tuner: ranks the layers, lets a strategy choose a set, verifies the choice by emulated inference over all
 * samples and gives it its noise floor. What is returned was measured, never only predicted.
 */
import {
  layersBeyondRange,
  localErrors,
  withNoiseFloor,
  type Evaluation,
  type LocalErrors,
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
  /** Local errors that are known already. */
  readonly known?: LocalErrors;
}

export interface Tuning {
  readonly strategy: Strategy;
  readonly objective: Objective;
  readonly decisions: readonly LayerDecision[];
  /** Least harm per gain first. */
  readonly ranking: readonly Layer[];
  readonly local: LocalErrors;
  readonly measurement: Measurement;
  readonly verdicts: readonly ToleranceVerdict[];
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
  const { strategy, objective, format = 'fp16', draws = 3, progress, signal } = options;
  const start = performance.now();
  const deadline = options.time === undefined ? Number.POSITIVE_INFINITY : start + options.time * 1000;
  const allowed = plan.decisions
    .filter((decision) => !decision.pinned && allowedFormats(plan.model, decision.layer).includes(format))
    .map((decision) => decision.layer);
  // No tolerance tells every such case: a variance that becomes infinite just silences its channel.
  const beyond = await layersBeyondRange(evaluation.runtime, plan.model, allowed, format, signal);
  const candidates = allowed.filter((layer) => !beyond.has(layer));
  const local = options.known ?? (await localErrors(evaluation, candidates, format, { signal, progress }));
  const errorOf = new Map(local.errors.map((one) => [one.layer, one.value]));
  const ranking = rank(
    candidates.map((layer) => ({ layer, error: errorOf.get(layer) ?? Number.POSITIVE_INFINITY })),
    objective,
  );
  const trials = prepareTrials(evaluation, plan, format, { signal });
  const chosen = await choose(strategy, ranking, trials, deadline, progress);
  const measurement = await trials.measured(chosen ?? new Set());
  if (chosen === undefined) return nothingHolds(measurement);
  const decisions = trials.decisions(chosen);
  const graph = precisionGraph(plan.model, plan.roles, plan.layers, decisions);
  const noise = await withNoiseFloor(evaluation, graph, measurement, draws, { signal, progress });
  return {
    strategy,
    objective,
    decisions,
    ranking,
    local,
    measurement,
    verdicts: noise.verdicts,
    sessions: trials.sessions + (options.known ? 0 : local.sessions),
    inferences: trials.inferences + noise.inferences + (options.known ? 0 : local.inferences),
    seconds: (performance.now() - start) / 1000,
    expired: performance.now() > deadline,
  };
}

function choose(
  strategy: Strategy,
  ranking: readonly Layer[],
  trials: Parameters<typeof bisect>[0],
  deadline: number,
  progress: WorkOptions['progress'],
): Promise<ReadonlySet<Layer> | undefined> {
  switch (strategy) {
    case 'bisect':
      return bisect(trials, ranking, (holding, failing) =>
        progress?.(ranking.length - (failing - holding), ranking.length, 'bisect'),
      );
    case 'greedy':
      return greedy(trials, ranking, {
        step: (decided) => progress?.(decided, ranking.length, 'greedy'),
        expired: () => performance.now() > deadline,
      });
  }
}

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
