/**
 * The work on one plan, from what an editor needs first to what takes longest: the verdict on its tolerances, local
 * errors, ranges. Each step is answered by the store where it can be and published as soon as it
 * is known. Knows no queue and no editor.
 */
import { dirname } from 'node:path';
import { exceeds } from '../../metrics/index.js';
import {
  allowedFormats,
  inferredShapes,
  precisionGraph,
  type BoundPlan,
  type Layer,
} from '../../plan/index.js';
import type { Runtime, RuntimeInformation } from '../../runtime/index.js';
import { fingerprint, type Store } from '../../store/index.js';
import { closeEvaluation, openEvaluation, type Evaluation } from '../evaluation.js';
import { localErrors } from '../local-errors.js';
import { measure } from '../measurement.js';
import { judge, withNoiseFloor } from '../noise.js';
import { layerRanges, shapeElements } from '../ranges.js';
import { resolveSamples, samplesKey, type Sample } from '../samples/index.js';
import { ranked, type LayerRangeNumbers, type PlanNumbers, type PlanVerdict } from './numbers.js';

/** Part of every key: raised when a change of the code changes what the same inputs give. */
const NUMERICS_VERSION = 1;

/** Jitters for the noise floor of a verdict. */
const DRAWS = 2;

/** Evaluations kept in the compute process. */
const KEPT_EVALUATIONS = 2;

/** What decides whether work has to be done again. */
export interface PlanKeys {
  readonly samples: string;
  readonly verdict: string;
}

export interface JobContext {
  readonly runtime: Runtime;
  readonly store: Store;
  /** By model and samples. */
  readonly evaluations: Map<string, Promise<Evaluation>>;
  /** By what feeds the inputs; cleared when files change. */
  readonly samples: Map<string, Promise<readonly Sample[]>>;
}

export type Publish = (change: Partial<PlanNumbers>) => void;

const modelNumbers = new WeakMap<object, number>();
let modelsSeen = 0;

/** The keys of a plan; cheap enough for every keystroke. */
export function planKeys(plan: BoundPlan): PlanKeys {
  let model = modelNumbers.get(plan.model);
  if (model === undefined) modelNumbers.set(plan.model, (model = modelsSeen += 1));
  const inputs = plan.inputs.map(({ name, elementType, shape, source }) => ({
    name,
    elementType,
    shape,
    source,
  }));
  const samples = JSON.stringify([model, dirname(plan.path), inputs]);
  const tolerances = plan.tolerances.map(({ output, metric, operator, limit, over }) => [
    output,
    metric,
    operator,
    limit,
    over,
  ]);
  const verdict = JSON.stringify([samples, decisionsOf(plan), tolerances]);
  return { samples, verdict };
}

/** For a compute process that has ended with all it held: there is nothing left to free. */
export function forgetEvaluations(context: JobContext): void {
  context.evaluations.clear();
}

/** Does all the work on `plan` that the store cannot answer. */
export async function runPlanJob(
  context: JobContext,
  plan: BoundPlan,
  keys: PlanKeys,
  publish: Publish,
  signal: AbortSignal,
): Promise<void> {
  const { runtime, store } = context;
  const progress = (done: number, total: number, message: string): void => {
    publish({ state: 'working', message, progress: { done, total } });
  };
  publish({ state: 'working', message: 'samples', progress: undefined });
  const samples = await cached(context.samples, keys.samples, async () => usable(plan, signal));
  const identity = await identify(plan, runtime, store, samples, signal);
  const evaluation = (): Promise<Evaluation> =>
    evaluationOf(context, plan, samples, identity.evaluation, { signal, progress });
  const format = lowFormat(plan);
  const layers = plan.layers.filter((layer) => allowedFormats(plan.model, layer).includes(format));
  const options = { signal, progress };

  const verdict = await remembered(
    store,
    'verdict',
    { ...identity.recipe, ...verdictRecipe(plan) },
    async () => {
      const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
      const open = await evaluation();
      const measurement = await measure(open, graph, plan.tolerances, options);
      const { verdicts } = await withNoiseFloor(open, graph, measurement, DRAWS, options);
      return {
        outputs: measurement.outputs,
        tolerances: verdicts.map(({ measured, figures, noise }) => ({ measured, figures, noise })),
      };
    },
  );
  publish({ verdict: relink(plan, verdict, samples.length), verdictIsStale: false, format });

  const byFormat = { ...identity.recipe, format };
  const local = await remembered(store, 'local', byFormat, async () => {
    const { errors } = await localErrors(await evaluation(), layers, format, options);
    return errors.map(({ layer, value, low, high }) => ({ name: layer.name, value, low, high }));
  });
  publish({ sensitivity: ranked(local, 'local') });

  const ranges = await remembered(store, 'ranges', byFormat, async () =>
    rangesOf(await evaluation(), plan, layers, format, options),
  );
  publish({ ranges: new Map(ranges) });
}

async function usable(plan: BoundPlan, signal: AbortSignal): Promise<readonly Sample[]> {
  const { samples, problems } = await resolveSamples(plan.inputs, dirname(plan.path), signal);
  const wrong = problems.find((problem) => problem.severity === 'error');
  if (wrong !== undefined) throw new Error(wrong.message);
  return samples;
}

interface Identity {
  readonly evaluation: string;
  readonly recipe: Readonly<Record<string, unknown>>;
}

/** What every result depends on: the model's content, the samples, the runtime, our own numerics. */
async function identify(
  plan: BoundPlan,
  runtime: Runtime,
  store: Store,
  samples: readonly Sample[],
  signal: AbortSignal,
): Promise<Identity> {
  const hashed = await fingerprint(plan.model, store, signal);
  if ('problem' in hashed) throw new Error(hashed.problem.message);
  const model = hashed.hash;
  const { onnxRuntime, platform }: RuntimeInformation = await runtime.information(signal);
  const key = samplesKey(samples);
  const recipe = { model, samples: key, onnxRuntime, platform, numerics: NUMERICS_VERSION };
  return { evaluation: `${model} ${key}`, recipe };
}

function verdictRecipe(plan: BoundPlan): Readonly<Record<string, unknown>> {
  const tolerances = plan.tolerances.map(({ output, metric, over }) => ({ output, metric, over }));
  return { decisions: decisionsOf(plan), tolerances, draws: DRAWS };
}

function decisionsOf(plan: BoundPlan): string {
  return plan.decisions
    .map(({ format, overflow }) => `${format}${overflow === 'error' ? '' : overflow}`)
    .join(' ');
}

interface StoredVerdict {
  readonly outputs: PlanVerdict['outputs'];
  readonly tolerances: readonly Pick<PlanVerdict['verdicts'][number], 'measured' | 'figures' | 'noise'>[];
}

/** Limits may have changed since: whether a tolerance holds is judged anew. */
function relink(plan: BoundPlan, stored: StoredVerdict, samples: number): PlanVerdict {
  const verdicts = plan.tolerances.flatMap((tolerance, index) => {
    const one = stored.tolerances[index];
    if (one === undefined) return [];
    const holds = !exceeds(one.measured, tolerance.operator, tolerance.limit);
    return [judge({ tolerance, measured: one.measured, figures: one.figures, holds }, one.noise)];
  });
  return { verdicts, outputs: stored.outputs, samples };
}

/** The format that most of the lowered layers have. */
function lowFormat(plan: BoundPlan): 'fp16' | 'bf16' {
  const count = (format: string): number => plan.decisions.filter((one) => one.format === format).length;
  return count('bf16') > count('fp16') ? 'bf16' : 'fp16';
}

async function rangesOf(
  evaluation: Evaluation,
  plan: BoundPlan,
  layers: readonly Layer[],
  format: 'fp16' | 'bf16',
  options: Parameters<typeof layerRanges>[4],
): Promise<[string, LayerRangeNumbers][]> {
  const shapes = inferredShapes(plan);
  const elements = (tensor: string): number | undefined => shapeElements(shapes.get(tensor));
  const { ranges } = await layerRanges(evaluation, layers, format, elements, options);
  return ranges.map(({ layer, maxAbs, overflow, underflow, tensors }) => [
    layer.name,
    { maxAbs, overflow, underflow, tensors },
  ]);
}

async function evaluationOf(
  context: JobContext,
  plan: BoundPlan,
  samples: readonly Sample[],
  key: string,
  options: Parameters<typeof openEvaluation>[3],
): Promise<Evaluation> {
  const opened = cached(context.evaluations, key, () =>
    openEvaluation(context.runtime, plan.model, samples, options),
  );
  for (const [oldest, evaluation] of context.evaluations) {
    if (context.evaluations.size <= KEPT_EVALUATIONS) break;
    context.evaluations.delete(oldest);
    await evaluation.then(closeEvaluation, () => undefined);
  }
  return opened;
}

/** A promise that is kept while it does not fail. */
function cached<T>(kept: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = kept.get(key);
  if (known !== undefined) return known;
  const made = make();
  kept.set(key, made);
  made.catch(() => kept.delete(key));
  return made;
}

async function remembered<T>(
  store: Store,
  kind: string,
  recipe: Readonly<Record<string, unknown>>,
  find: () => Promise<T>,
): Promise<T> {
  const known = await store.get(kind, recipe);
  if (known !== undefined) return known as T;
  const found = await find();
  await store.put(kind, recipe, found);
  return found;
}
