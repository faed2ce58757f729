/**
 * What subcommands that run inference share: the compute process, the samples of the plan, Ctrl-C. Everything
 * is given back when the work ends, however it ends.
 */
import { cpus } from 'node:os';
import {
  closeEvaluation,
  observedShapes,
  openEvaluation,
  shapeElements,
  type Evaluation,
  type Runtime,
  type Sample,
} from '../analysis/index.js';
import type { Shape } from '../onnx/index.js';
import { inferredShapes, withShapes, type BoundPlan } from '../plan/index.js';
import type { ParsedArguments } from './arguments.js';
import { CommandFailure, EXIT, failureOf } from './exit-status.js';
import { placeSerious, reportDiagnostics, type LoadedPlan } from './load.js';
import type { Output } from './output.js';
import { readSamples } from './samples.js';
import type { SubcommandContext } from './subcommand.js';

export interface Work {
  readonly loaded: LoadedPlan;
  readonly runtime: Runtime;
  /** One at least. */
  readonly samples: readonly Sample[];
  readonly signal: AbortSignal;
  readonly threads: number;
  /** The evaluation over all samples, opened at the first call. */
  evaluation(): Promise<Evaluation>;
  /** The plan with multiply-adds counted on the first sample, where the shapes are not known without a run. */
  counted<P extends BoundPlan>(plan: P): Promise<P>;
  /** How many elements each tensor has, on the first sample where the shapes are not known without a run. */
  elementCounter(): Promise<(tensor: string) => number | undefined>;
}

/** Runs `work` with a compute process over the samples of `plan`. */
export async function withWork<T>(
  loaded: LoadedPlan,
  plan: BoundPlan,
  { parsed, output, signal, startRuntime }: SubcommandContext,
  work: (work: Work) => Promise<T>,
): Promise<T> {
  refuseUnavailableTarget(plan, parsed);
  const threads = parsed.integer('threads', plan.targets[0]?.threads ?? Math.max(1, cpus().length - 1));
  const samples = await planSamples(loaded, plan, output, signal);
  const runtime = startRuntime();
  const options = { signal, progress: output.progress };
  let opened: Promise<Evaluation> | undefined;
  let observed: Promise<ReadonlyMap<string, Shape>> | undefined;
  const observe = (): Promise<ReadonlyMap<string, Shape>> => {
    const [first] = samples;
    if (first === undefined) return Promise.resolve(new Map());
    return (observed ??= observedShapes(runtime, plan.model, first, options));
  };
  try {
    return await work({
      loaded,
      runtime,
      samples,
      signal,
      threads,
      evaluation: () => (opened ??= openEvaluation(runtime, plan.model, samples, options)),
      counted: async (uncounted) => {
        if (uncounted.layers.every((layer) => layer.multiplyAdds !== undefined)) return uncounted;
        return withShapes(uncounted, await observe());
      },
      elementCounter: async () => {
        const inferred = inferredShapes(plan);
        const outputs = plan.layers.flatMap((layer) => layer.node.outputs.filter((name) => name !== ''));
        if (outputs.every((name) => shapeElements(inferred.get(name)) !== undefined)) {
          return (tensor) => shapeElements(inferred.get(tensor));
        }
        const shapes = await observe();
        return (tensor) => shapeElements(shapes.get(tensor)) ?? shapeElements(inferred.get(tensor));
      },
    });
  } finally {
    if (opened !== undefined && !signal.aborted) await opened.then(closeEvaluation).catch(() => undefined);
    await runtime.dispose();
  }
}

/** The samples of a plan, one at least; problems with them end the command, each at its statement. */
async function planSamples(
  loaded: LoadedPlan,
  plan: BoundPlan,
  output: Output,
  signal: AbortSignal,
): Promise<readonly Sample[]> {
  const { samples, diagnostics } = await readSamples(plan, signal);
  const failure = failureOf(EXIT.usage, placeSerious(loaded, diagnostics));
  if (failure !== undefined) throw failure;
  if (samples.length === 0) {
    throw new CommandFailure(EXIT.usage, 'samples-unusable', 'the plan has no samples to run', loaded.path);
  }
  reportDiagnostics(loaded, diagnostics, output);
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
