/**
 * What everything that runs inference shares: the samples of the plan, the compute process, what is known already.
 * Opened lazily and given back by `dispose`, however the work ends. The compute process belongs to the caller.
 */
import {
  closeEvaluation,
  effortOf,
  identify,
  mostThreads,
  observedShapes,
  openEvaluation,
  ownMetricFaults,
  ownMetricFindings,
  PROVIDERS,
  shapeElements,
  usualThreads,
  watchFiles,
  withKnownSums,
  withOptionsOf,
  withoutStore,
  withStore,
  type Effort,
  type ElementCounter,
  type Evaluation,
  type Measurable,
  type Progress,
  type Provider,
  type Results,
  type ResultStore,
  type Runtime,
  type Sample,
} from '../analysis/index.js';
import type { Diagnostic } from '../language/index.js';
import { externalProblems, type Shape } from '../onnx/index.js';
import { inferredShapes, withShapes, type BoundPlan, type PlanTarget } from '../plan/index.js';
import { guarded, refused, refusedBy, type Refused } from './problem.js';
import { readSamples } from './samples.js';

export interface WorkParts {
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly progress?: Progress | undefined;
  /** Where results are found and kept; left out, everything is measured anew. */
  readonly store?: ResultStore | undefined;
  /** Of the executed model; otherwise those of the plan's target, otherwise all cores but one. */
  readonly threads?: number | undefined;
  /** The execution provider, instead of the plan's. */
  readonly target?: string | undefined;
}

export interface Work {
  readonly plan: BoundPlan;
  readonly runtime: Runtime;
  /** One at least. */
  readonly samples: readonly Sample[];
  /** What is to be said of the samples that is no error. */
  readonly diagnostics: readonly Diagnostic[];
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Where models are executed; emulation is for any target and runs on the CPU. */
  readonly target: Provider;
  readonly threads: number;
  /** Those that were asked for, of which `threads` are as many as this machine bears. */
  readonly askedThreads: number;
  /** Where results are kept that have a key of their own; undefined where nothing is kept. */
  readonly store: ResultStore | undefined;
  /** What opening the evaluation and observing shapes took so far. */
  readonly effort: Effort;
  /** What is known of the model on these samples. */
  results(): Promise<Results>;
  /** The evaluation over all samples, opened at the first call. */
  evaluation(): Promise<Evaluation>;
  /** The plan with multiply-adds counted on the first sample, where the shapes are not known without a run. */
  counted<P extends BoundPlan>(plan: P): Promise<P>;
  /** How many elements each tensor has, on the first sample where the shapes are not known without a run. */
  readonly elementCounter: ElementCounter;
  /** The path of a file of the model that has changed since the work began, if there is one. */
  changedFile(): string | undefined;
  /** For a compute process that was lost with all that was opened in it: it is opened anew at its next use. */
  renew(): void;
  /** Gives back what was opened in the compute process. */
  dispose(): Promise<void>;
}

/**
 * Reads the samples of a plan and makes ready to run it; of its model nothing is run yet. The plan of the work knows how its
 * targets add up, which small experiments tell where that is not kept.
 */
export async function openWork(plan: BoundPlan, parts: WorkParts): Promise<Work | Refused> {
  const { runtime, signal, store, progress = () => undefined } = parts;
  const targets = targetsOf(plan, parts.target);
  const wanted = targets[0]?.name ?? 'cpu';
  const target = PROVIDERS.find((provider) => provider === wanted);
  if (target === undefined) {
    const message = `there is no target ${wanted}; there are ${PROVIDERS.join(', ')}`;
    return refused('input', 'target-unknown', message);
  }
  const [missing] = externalProblems(plan.model);
  if (missing !== undefined) return refused('input', missing.code, missing.message, plan.model.source.path);
  const files = watchFiles(plan.model);
  const changedFile = (): string | undefined => files.changed();
  return await guarded({ signal, changedFile }, async () => {
    const { samples, diagnostics } = await readSamples(plan, signal);
    const unusable = refusedBy('input', plan, [
      ...diagnostics,
      ...ownMetricFindings(plan, await ownMetricFaults(runtime, plan, signal)),
    ]);
    if (unusable !== undefined) return unusable;
    const [first] = samples;
    if (first === undefined) {
      return refused('input', 'samples-unusable', 'the plan has no samples to run', plan.path);
    }
    const askedThreads = parts.threads ?? targets[0]?.threads ?? usualThreads();
    const threads = Math.min(askedThreads, mostThreads());
    const aimed = await withKnownSums({ ...plan, targets }, runtime, { store, signal });
    const known = {
      ...{ plan: aimed, runtime: withOptionsOf(targets, runtime), samples, diagnostics },
      ...{ signal, progress, target, askedThreads, threads, store },
    };
    return lazyWork({ ...known, changedFile }, first);
  });
}

/** The plan's targets, or the one that is asked for instead, with what the plan says of it. */
function targetsOf(plan: BoundPlan, wanted: string | undefined): readonly PlanTarget[] {
  if (wanted === undefined) return plan.targets;
  return [plan.targets.find(({ name }) => name === wanted) ?? { name: wanted, threads: undefined }];
}

/** What is there at once. */
type Known = Omit<
  Work,
  'effort' | 'results' | 'evaluation' | 'counted' | 'elementCounter' | 'renew' | 'dispose'
>;

/** Opens what takes sessions at its first use, once for all who use it. */
function lazyWork(known: Known, first: Sample): Work {
  const { plan, runtime, samples, signal, store } = known;
  let opened: Promise<Evaluation> | undefined;
  let results: Promise<Results> | undefined;
  let observed: Promise<ReadonlyMap<string, Shape>> | undefined;
  const evaluation = (): Promise<Evaluation> =>
    (opened ??= openEvaluation(runtime, plan.model, samples, known));
  const observe = (): Promise<ReadonlyMap<string, Shape>> =>
    (observed ??= observedShapes(runtime, plan.model, first, known));
  return {
    ...known,
    get effort() {
      return effortOf(
        opened === undefined ? undefined : { sessions: 1, inferences: samples.length },
        observed === undefined ? undefined : { sessions: 1, inferences: 1 },
      );
    },
    results: () => (results ??= resultsOf({ runtime, samples, evaluation }, plan, store, signal)),
    evaluation,
    counted: async (uncounted) => {
      if (uncounted.layers.every((layer) => layer.multiplyAdds !== undefined)) return uncounted;
      return withShapes(uncounted, await observe());
    },
    elementCounter: () => countElements(plan, observe),
    renew: () => {
      opened = undefined;
    },
    dispose: async () => {
      await opened?.then(closeEvaluation).catch(() => undefined);
    },
  };
}

/** From the inferred shapes; where they leave a layer's output open, from those that `observe` finds. */
async function countElements(
  plan: BoundPlan,
  observe: () => Promise<ReadonlyMap<string, Shape>>,
): Promise<(tensor: string) => number | undefined> {
  const inferred = inferredShapes(plan);
  const outputs = plan.layers.flatMap((layer) => layer.node.outputs.filter((name) => name !== ''));
  if (outputs.every((name) => shapeElements(inferred.get(name)) !== undefined)) {
    return (tensor) => shapeElements(inferred.get(tensor));
  }
  const shapes = await observe();
  return (tensor) => shapeElements(shapes.get(tensor)) ?? shapeElements(inferred.get(tensor));
}

/** A model that cannot be read as a whole has no identity: what is wrong with it, running it tells. */
async function resultsOf(
  measurable: Measurable,
  { model }: BoundPlan,
  store: ResultStore | undefined,
  signal: AbortSignal,
): Promise<Results> {
  const { samples, runtime } = measurable;
  if (store === undefined) return withoutStore(measurable);
  const identity = await identify(model, samples, runtime, store, signal);
  return 'problem' in identity ? withoutStore(measurable) : withStore(measurable, store, identity, model);
}
