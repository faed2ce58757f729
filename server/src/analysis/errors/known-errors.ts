/**
 * Sensitivities that are kept layer by layer: what is asked for again is measured only where it is missing, and work that
 * is stopped loses no layer that it was done with.
 */
import type { LowFormatName } from '../../formats/index.js';
import { exceeds, type Figure } from '../../metrics/index.js';
import type { Layer, Tolerance } from '../../plan/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import type { OutputError } from './judged-error.js';
import { localErrors, type LocalError, type LocalErrors } from './local-errors.js';
import {
  measuredErrors,
  type MeasuredError,
  type MeasuredErrorOptions,
  type MeasuredErrors,
} from './measured-errors.js';
import type { RelativeErrors } from './relative-errors.js';
import { NO_EFFORT, effortOf, type Effort, type Recipe, type Results } from '../remembered.js';

/** Milliseconds between two writings of what is known so far: more often would cost more than is lost. */
const KEEP_EVERY = 5000;

/** Layers that are measured before what was found is kept; local errors cost one session for each such group. */
const LOCAL_GROUP = 400;

const LOCAL = 'local-errors';
const MEASURED = 'measured-errors';

interface StoredMeasured extends RelativeErrors {
  readonly perOutput: readonly OutputError[];
  /** In the order of the tolerances, of which the recipe has all but the limits. */
  readonly tolerances: readonly { readonly measured: number; readonly figures: readonly Figure[] }[];
}

/**
 * By index of the layer's node; null for a layer that has no error: it cannot run in the format, or draws random
 * numbers.
 */
type Kept<T> = Map<number, T | null>;

/** `localErrors`, as far as the store does not know them. */
export async function knownLocalErrors(
  results: Results,
  layers: readonly Layer[],
  format: LowFormatName,
  options: WorkOptions = {},
): Promise<LocalErrors> {
  const recipe = { format };
  const kept = await keptOf<RelativeErrors>(results, LOCAL, recipe);
  const missing = layers.filter((layer) => !kept.has(layer.nodeIndex));
  let effort: Effort = NO_EFFORT;
  if (missing.length > 0) {
    const evaluation = await results.evaluation();
    for (let start = 0; start < missing.length; start += LOCAL_GROUP) {
      const group = missing.slice(start, start + LOCAL_GROUP);
      const found = await localErrors(evaluation, group, format, options);
      for (const layer of group) kept.set(layer.nodeIndex, null);
      for (const { layer, ...error } of found.errors) kept.set(layer.nodeIndex, error);
      await results.keep(LOCAL, recipe, kept);
      effort = effortOf(effort, found);
    }
  }
  return { format, errors: localErrorsIn(kept, layers), ...effort };
}

/** The local errors as far as the store has them. */
export async function storedLocalErrors(
  results: Results,
  layers: readonly Layer[],
  format: LowFormatName,
): Promise<readonly LocalError[]> {
  return localErrorsIn(await keptOf<RelativeErrors>(results, LOCAL, { format }), layers);
}

function localErrorsIn(kept: Kept<RelativeErrors>, layers: readonly Layer[]): LocalError[] {
  return layers.flatMap((layer) => {
    const own = kept.get(layer.nodeIndex);
    return own === undefined || own === null ? [] : [{ layer, ...own }];
  });
}

/** `measuredErrors`, as far as the store does not know them. Told of each layer that had to be measured. */
export async function knownMeasuredErrors(
  results: Results,
  layers: readonly Layer[],
  format: LowFormatName,
  tolerances: readonly Tolerance[],
  options: MeasuredErrorOptions = {},
): Promise<MeasuredErrors> {
  const recipe = measuredRecipe(format, tolerances);
  const kept = await keptOf<StoredMeasured>(results, MEASURED, recipe);
  const missing = layers.filter((layer) => !kept.has(layer.nodeIndex));
  let found: MeasuredErrors = { format, errors: [], ...NO_EFFORT, segments: 0, plain: 0 };
  if (missing.length > 0) {
    const evaluation = await results.evaluation();
    const keep = (): Promise<void> => results.keep(MEASURED, recipe, kept);
    let keptAt = performance.now();
    let keeping = Promise.resolve();
    const finished = (error: MeasuredError): void => {
      kept.set(error.layer.nodeIndex, storedMeasured(error));
      options.finished?.(error);
      if (performance.now() - keptAt < KEEP_EVERY) return;
      keptAt = performance.now();
      keeping = keeping.then(keep);
    };
    try {
      found = await measuredErrors(evaluation, missing, format, tolerances, { ...options, finished });
      for (const { nodeIndex } of missing) if (!kept.has(nodeIndex)) kept.set(nodeIndex, null);
    } finally {
      // Stopped or not: what was learnt stays.
      await keeping;
      await keep();
    }
  }
  return { ...found, errors: errorsIn(kept, layers, tolerances) };
}

/** The measured errors as far as the store has them; `complete` where nothing of `layers` is left to be measured. */
export async function storedMeasuredErrors(
  results: Results,
  layers: readonly Layer[],
  format: LowFormatName,
  tolerances: readonly Tolerance[],
): Promise<{ readonly errors: readonly MeasuredError[]; readonly complete: boolean }> {
  const kept = await keptOf<StoredMeasured>(results, MEASURED, measuredRecipe(format, tolerances));
  return {
    errors: errorsIn(kept, layers, tolerances),
    complete: layers.every((layer) => kept.has(layer.nodeIndex)),
  };
}

function measuredRecipe(format: LowFormatName, tolerances: readonly Tolerance[]): Recipe {
  return { format, tolerances: tolerances.map(({ output, metric, over }) => ({ output, metric, over })) };
}

function errorsIn(
  kept: Kept<StoredMeasured>,
  layers: readonly Layer[],
  tolerances: readonly Tolerance[],
): MeasuredError[] {
  return layers.flatMap((layer) => {
    const own = kept.get(layer.nodeIndex);
    return own === undefined || own === null ? [] : [relinked(layer, own, tolerances)];
  });
}

async function keptOf<T>(results: Results, kind: string, recipe: Recipe): Promise<Kept<T>> {
  const known = await results.find(kind, recipe);
  return known instanceof Map ? (known as Kept<T>) : new Map<number, T | null>();
}

function storedMeasured({ layer: _, tolerances, ...errors }: MeasuredError): StoredMeasured {
  return {
    ...errors,
    tolerances: tolerances.map(({ measured, figures }) => ({ measured, figures })),
  };
}

/** Limits may have changed since: whether a tolerance holds is judged anew. */
function relinked(layer: Layer, stored: StoredMeasured, tolerances: readonly Tolerance[]): MeasuredError {
  return {
    ...stored,
    layer,
    tolerances: tolerances.flatMap((tolerance, index) => {
      const own = stored.tolerances[index];
      if (own === undefined) return [];
      const holds = !exceeds(own.measured, tolerance.operator, tolerance.limit);
      return [{ tolerance, ...own, holds }];
    }),
  };
}
