/**
 * What subcommands that run inference share: the compute process, the samples of the plan, Ctrl-C. Everything
 * is given back when the work ends, however it ends.
 */
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import {
  closeEvaluation,
  observedShapes,
  openEvaluation,
  resolveSamples,
  startCompute,
  type Evaluation,
  type Runtime,
  type Sample,
} from '../analysis/index.js';
import type { Diagnostic } from '../language/index.js';
import { withShapes, type BoundPlan } from '../plan/index.js';
import type { ParsedArguments } from './arguments.js';
import { CommandFailure, EXIT } from './exit-status.js';
import { reportDiagnostics, type LoadedPlan } from './load.js';
import type { Output } from './output.js';

export interface Work {
  readonly runtime: Runtime;
  readonly samples: readonly Sample[];
  readonly signal: AbortSignal;
  readonly threads: number;
  /** The evaluation over all samples, opened at the first call. */
  evaluation(): Promise<Evaluation>;
  /** The plan with multiply-adds counted on the first sample, where the shapes are not known without a run. */
  counted<P extends BoundPlan>(plan: P): Promise<P>;
}

/** Runs `work` with a compute process over the samples of `plan`. */
export async function withWork<T>(
  loaded: LoadedPlan,
  plan: BoundPlan,
  parsed: ParsedArguments,
  output: Output,
  signal: AbortSignal,
  work: (work: Work) => Promise<T>,
): Promise<T> {
  refuseUnavailableTarget(plan, parsed);
  const samples = await planSamples(loaded, plan, output);
  const runtime = startCompute();
  let opened: Promise<Evaluation> | undefined;
  try {
    return await work({
      runtime,
      samples,
      signal,
      threads: parsed.integer('threads', plan.targets[0]?.threads ?? Math.max(1, cpus().length - 1)),
      evaluation: () =>
        (opened ??= openEvaluation(runtime, plan.model, samples, { signal, progress: output.progress })),
      counted: async (uncounted) => {
        const [sample] = samples;
        if (sample === undefined || uncounted.layers.every((layer) => layer.multiplyAdds !== undefined)) {
          return uncounted;
        }
        return withShapes(uncounted, await observedShapes(runtime, plan.model, sample, { signal }));
      },
    });
  } finally {
    if (opened !== undefined && !signal.aborted) await opened.then(closeEvaluation).catch(() => undefined);
    await runtime.dispose();
  }
}

/** The samples of a plan; problems with them end the command, each at its statement. */
export async function planSamples(
  loaded: LoadedPlan,
  plan: BoundPlan,
  output: Output,
): Promise<readonly Sample[]> {
  const { samples, problems } = await resolveSamples(plan.inputs, dirname(plan.path));
  reportDiagnostics(
    loaded,
    problems.map((problem): Diagnostic => {
      const { code, severity, message, statement } = problem;
      const range = statement?.valueRange ?? { start: 0, end: 0 };
      const elsewhere = statement !== undefined && statement.path !== plan.path;
      return { code, severity, message, range, ...(elsewhere ? { path: statement.path } : {}) };
    }),
    output,
  );
  if (problems.some((problem) => problem.severity === 'error') || samples.length === 0) {
    throw new CommandFailure(EXIT.usage, 'samples-unusable', 'the plan has no samples to run', loaded.path);
  }
  return samples;
}

/** Only the CPU can be asked for in this version; any other target is refused, never replaced in silence. */
function refuseUnavailableTarget(plan: BoundPlan, parsed: ParsedArguments): void {
  const wanted = parsed.text('target') ?? plan.targets[0]?.name ?? 'cpu';
  if (wanted !== 'cpu') {
    throw new CommandFailure(
      EXIT.usage,
      'target-unavailable',
      `target ${wanted} cannot be used yet; use --target cpu`,
    );
  }
}
