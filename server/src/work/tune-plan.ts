/** The plan that gains most within the tolerances of one, and what it takes to write it into the plan's text. */
import type { LowFormatName } from '../formats/index.js';
import { effortOf, inSlices, USUAL_DRAWS, type Effort } from '../analysis/index.js';
import type { SyntaxTree, TextEdit } from '../language/index.js';
import {
  precisionGraphSteps,
  summarizeDecisions,
  writeDecisions,
  type DecisionSummary,
  type TracedPlan,
} from '../plan/index.js';
import { tune, type Objective, type Strategy, type Tuning } from '../search/index.js';
import type { Work } from './open-work.js';
import { guarded, refused, type Refused } from './problem.js';

export interface TuningWishes {
  readonly strategy?: Strategy | undefined;
  /** What is gained; otherwise the plan's own objective, otherwise `macs`. */
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
}

/** Tunes `stated`, the plan of `work`. Refused as by `tuningObjective`, and where not even the plan with nothing lowered holds. */
export async function tunePlan(
  work: Work,
  stated: TracedPlan,
  wishes: TuningWishes = {},
): Promise<TunedPlan | Refused> {
  const objective = tuningObjective(stated, wishes);
  if (typeof objective !== 'string') return objective;
  return await guarded(work, async () => {
    const { strategy = 'greedy', format = 'fp16', rank = 'local', draws = USUAL_DRAWS, time } = wishes;
    const plan = await work.counted(stated);
    const tuning = await tune(await work.results(), plan, {
      strategy,
      objective,
      format,
      rank,
      draws,
      signal: work.signal,
      progress: work.progress,
      ...(time === undefined ? {} : { time }),
    });
    if ('code' in tuning) return refused('shortfall', tuning.code, tuning.message, plan.path);
    const { casts } = await inSlices(
      precisionGraphSteps(plan.model, plan.roles, plan.layers, tuning.decisions),
    );
    const layers: Record<string, number> = {};
    for (const one of tuning.decisions) layers[one.format] = (layers[one.format] ?? 0) + 1;
    return {
      plan,
      tuning,
      summary: summarizeDecisions(tuning.decisions),
      layers,
      casts: casts.length,
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
  const errors = plan.diagnostics.filter((one) => one.severity === 'error').length;
  if (errors === 0) return undefined;
  const message = `the plan has ${errors} error${errors === 1 ? '' : 's'}; mend ${errors === 1 ? 'it' : 'them'} first`;
  return refused('shortfall', 'plan-has-errors', message, plan.path);
}

/**
 * What a plan would be tuned for, or why it cannot be tuned: it has errors, no tolerance, or an objective that cannot be
 * measured yet (`objective-unavailable`). Runs nothing.
 */
export function tuningObjective(plan: TracedPlan, wishes: TuningWishes = {}): Objective | Refused {
  const unfit = refuseErrors(plan);
  if (unfit !== undefined) return unfit;
  const objective = wishes.objective ?? statedObjective(plan);
  if (typeof objective !== 'string' || plan.tolerances.length > 0) return objective;
  return refused('input', 'no-tolerance', 'the plan states no tolerance to tune within', plan.path);
}

/** What to gain instead of an objective that cannot be measured yet is for the user to say. */
function statedObjective({ objective }: TracedPlan): Objective | Refused {
  switch (objective) {
    case 'macs':
    case 'size':
    case 'layers':
      return objective;
    case undefined:
      return 'macs';
    default:
      return refused('input', 'objective-unavailable', `objective ${objective} cannot be tuned for yet`);
  }
}
