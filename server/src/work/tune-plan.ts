/** The plan that gains most within the tolerances of one, and what it takes to write it into the plan's text. */
import type { LowFormatName } from '../formats/index.js';
import { effortOf, inSlices, predictedLatency, USUAL_DRAWS, type Effort } from '../analysis/index.js';
import { errorsAmong, type SyntaxTree, type TextEdit } from '../language/index.js';
import {
  planEnergy,
  precisionGraphSteps,
  summarizeDecisions,
  writeDecisions,
  type DecisionSummary,
  type PlanEnergy,
  type TracedPlan,
} from '../plan/index.js';
import { OBJECTIVE_NAMES, tune, type Objective, type Strategy, type Tuning } from '../search/index.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, refused, type Refused } from './problem.js';
import { placeOf, tuningGoal, type TuningGoal } from './tuning-objective.js';

export interface TuningWishes {
  readonly strategy?: Strategy | undefined;
  /** What is gained; otherwise the plan's own objective, otherwise `latency` where the target is faster for it, and `macs` where not. */
  readonly objective?: Objective | undefined;
  readonly format?: LowFormatName | undefined;
  /** By which error layers are tried: in their own output, or in the model's outputs. */
  readonly rank?: 'local' | 'measured' | undefined;
  /** Seconds after which the best plan found is taken. */
  readonly time?: number | undefined;
  readonly draws?: number | undefined;
}

export interface TunedPlan extends Effort {
  /** The plan that was tuned, its multiply-adds counted. */
  readonly plan: TracedPlan;
  readonly tuning: Tuning;
  /** What of the layers is in low precision now. */
  readonly summary: DecisionSummary;
  /** Layers by the format that they have. */
  readonly layers: Readonly<Record<string, number>>;
  readonly casts: number;
  /** Milliseconds by the cost model of the target; undefined where layers were not timed. */
  readonly latency: TunedLatency | undefined;
  readonly energy: PlanEnergy;
  /** What there is to say of the objective and of what it came to, in sentences. */
  readonly notes: readonly string[];
}

/** Predicted, not measured. */
export interface TunedLatency {
  readonly fp32: number;
  readonly plan: number;
  /** Layers whose time is an estimate. */
  readonly estimated: number;
  /** Layers whose time in `fp32` is one. */
  readonly estimatedFp32: number;
  /** Profiles of another device; undefined for this machine. */
  readonly files: readonly string[] | undefined;
  /** The machine was busy while layers were timed. */
  readonly busy: boolean;
  /** How far the cost model is off on the plans that it was learnt from, relatively; undefined for profiles. */
  readonly misfit: number | undefined;
}

/** Tunes `stated`, the plan of `work`. Refused as by `tuningObjective`, and where not even the plan with nothing lowered holds. */
export async function tunePlan(
  work: Work,
  stated: TracedPlan,
  wishes: TuningWishes = {},
): Promise<TunedPlan | Refused> {
  const wanted = tuningObjective(stated, wishes);
  if (typeof wanted === 'object') return wanted;
  return await guarded(work, async () => {
    const { strategy = 'greedy', format = 'fp16', rank = 'local', draws = USUAL_DRAWS, time } = wishes;
    const plan = await work.counted(stated);
    const goal = await tuningGoal(work, plan, wanted, format);
    if (isRefused(goal)) return goal;
    const { objective, prices, isFaster, costs } = goal;
    const tuning = await tune(await work.results(), plan, {
      strategy,
      objective,
      prices,
      isFaster,
      format,
      rank,
      draws,
      signal: work.signal,
      progress: work.progress,
      ...(time === undefined ? {} : { time }),
    });
    if ('code' in tuning) return refused('shortfall', tuning.code, tuning.message, plan.path);
    const graph = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, tuning.decisions));
    const { casts } = graph;
    const predicted = costs && predictedLatency(costs, graph);
    const latency = costs &&
      predicted && {
        fp32: costs.whole,
        plan: predicted.whole,
        estimated: predicted.estimated,
        estimatedFp32: costs.estimatedInWhole ?? 0,
        files: costs.files,
        busy: costs.busy,
        misfit: costs.misfit,
      };
    const layers: Record<string, number> = {};
    for (const one of tuning.decisions) layers[one.format] = (layers[one.format] ?? 0) + 1;
    return {
      plan,
      tuning,
      summary: summarizeDecisions(tuning.decisions),
      layers,
      casts: casts.length,
      latency,
      energy: planEnergy(graph, await work.elementCounter()),
      notes: notesOn(goal, tuning, work.target),
      ...effortOf(tuning, work.effort),
    };
  });
}

/** The edits that make the plan in `tree` decide what the tuner decided; everything else in it stays. */
export function tunedEdits(tree: SyntaxTree, { plan, tuning }: TunedPlan): readonly TextEdit[] {
  return writeDecisions(
    tree,
    plan,
    new Map(tuning.decisions.map((one) => [one.layer.name, one.format] as const)),
  );
}

/** A plan with errors decides something else than its author meant: nothing is made of it. */
export function refuseErrors(plan: TracedPlan): Refused | undefined {
  const errors = errorsAmong(plan.diagnostics).length;
  if (errors === 0) return undefined;
  const message = `the plan has ${errors} error${errors === 1 ? '' : 's'}; mend ${errors === 1 ? 'it' : 'them'} first`;
  return refused('shortfall', 'plan-has-errors', message, plan.path);
}

/** Why it is this objective, and why nothing was lowered where that is so. */
function notesOn(
  { why, costs, timingProblems }: TuningGoal,
  { notWorth, objective }: Tuning,
  target: string,
): readonly string[] {
  const where = costs === undefined ? '' : ` ${placeOf(costs, target)}`;
  const what = objective === 'energy' ? 'cost more energy' : `take longer${where}`;
  const how = notWorth === 'timed' ? 'it was timed' : 'predicted';
  return [
    ...(why === undefined ? [] : [why]),
    ...timingProblems.map(
      (problem) => `the plan that was found could not be timed, so its prediction stands: ${problem}`,
    ),
    ...(notWorth === undefined
      ? []
      : [
          `nothing is lowered: whatever the tolerances bear would ${what} than FP32, casts included (${how})`,
        ]),
  ];
}

/**
 * What a plan would be tuned for, `undefined` for what suits its target, or why it cannot be tuned: it has errors or no tolerance.
 * Runs nothing.
 */
export function tuningObjective(
  plan: TracedPlan,
  wishes: TuningWishes = {},
): Objective | undefined | Refused {
  const unfit = refuseErrors(plan);
  if (unfit !== undefined) return unfit;
  if (plan.tolerances.length === 0) {
    return refused('input', 'no-tolerance', 'the plan states no tolerance to tune within', plan.path);
  }
  return wishes.objective ?? OBJECTIVE_NAMES.find((name) => name === plan.objective);
}
