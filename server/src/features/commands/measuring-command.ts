/** A command that runs the model of an open plan, with the machine to itself. Knows not what is measured. */
import { isRefused, openWork, type Work } from '../../work/index.js';
import type { TracedPlan } from '../../plan/index.js';
import type { CommandCall, ServerCommand } from './command.js';
import type { CommandContext } from './context.js';
import { CANCELLED, type CommandOutcome, outcomeOf } from './outcome.js';
import { isTarget, type PlanTarget, planTarget, refuseInference } from './plan-target.js';
import { workCommand } from './work-command.js';

interface MeasuringCommand<Result> {
  /** `tune`, of `onnxPrecision.server.tune`. */
  readonly name: string;
  /** What the progress is of: `Tuning`. */
  readonly title: string;
  /** Why nothing can be made of a plan as it is written; whatever has a model is measured if left out. */
  readonly refuse?: (plan: TracedPlan) => CommandOutcome<never> | undefined;
  readonly measure: (work: Work, target: PlanTarget, call: CommandCall) => Promise<CommandOutcome<Result>>;
}

export function measuringCommand<Result>(
  { name, title, refuse, measure }: MeasuringCommand<Result>,
  context: CommandContext,
): ServerCommand {
  return workCommand<Result>(
    {
      name,
      title,
      run: async (call, { signal, progress }) => {
        if (!context.parts.runsInference) return refuseInference(title.toLowerCase());
        const target = await planTarget(call);
        if (!isTarget(target)) return target;
        const unfit = refuse?.(target.plan);
        if (unfit !== undefined) return unfit;
        const { store } = context;
        const outcome = await context.compute(signal, async (runtime) => {
          const work = await openWork(target.plan, { runtime, signal, progress, store });
          return isRefused(work) ? outcomeOf(work.problem) : measure(work, target, call);
        });
        return outcome ?? CANCELLED;
      },
    },
    context,
  );
}
