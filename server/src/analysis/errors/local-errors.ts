/**
 * `local` sensitivity: how far rounding one layer's inputs, weights and output moves that output, given exact
 * inputs. No backward pass, and one inference per sample for some hundred layers; it does not see what the rest of the
 * network makes of the error (rank correlation with the measured effect .32 to .68).
 */
import type { LowFormatName } from '../../formats/index.js';
import { localErrorSteps, type LocalErrorOutput } from '../../emulate/index.js';
import type { Layer } from '../../plan/index.js';
import type { Runtime, Session } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type Feeds, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { ownQuantizations } from '../measurement/own-quantizations.js';
import { relativeErrors, type RelativeErrors, type SquaredSums } from './relative-errors.js';

/** The relative errors of the layer's output. */
export interface LocalError extends RelativeErrors {
  readonly layer: Layer;
}

export interface LocalErrors {
  readonly format: LowFormatName;
  /** In the order of the layers asked for, without those that cannot run in the format or draw random numbers. */
  readonly errors: readonly LocalError[];
  readonly sessions: number;
  readonly inferences: number;
}

/** Layers per variant: a twin costs an inference of its own layer, and a session grows slow with its nodes. */
const LAYERS_PER_VARIANT = 400;

export interface LocalErrorOptions extends WorkOptions {
  /** Layers measured in one session, if not the usual number. */
  readonly layersPerVariant?: number;
}

/** Measures the local errors of `layers` in `format` over all samples of `evaluation`. */
export async function localErrors(
  evaluation: Evaluation,
  layers: readonly Layer[],
  format: LowFormatName,
  { signal, progress, layersPerVariant = LAYERS_PER_VARIANT }: LocalErrorOptions = {},
): Promise<LocalErrors> {
  const { runtime, folder, model, feeds } = evaluation;
  const errors: LocalError[] = [];
  let sessions = 0;
  let inferences = 0;
  const total = feeds.length * Math.ceil(layers.length / layersPerVariant);
  for (let start = 0; start < layers.length; start += layersPerVariant) {
    const some = layers.slice(start, start + layersPerVariant);
    const quantizations = await ownQuantizations(evaluation, some, format, { signal, progress });
    const variant = await inSlices(localErrorSteps(model, some, format, quantizations, evaluation.ranges));
    // A model without outputs is none that the runtime would open.
    if (variant.outputs.length === 0) continue;
    const session = await runtime.open(
      { model: { bytes: variant.bytes, weightsFolder: folder }, ...EMULATION_SETTINGS },
      signal,
    );
    sessions += 1;
    try {
      const sums = variant.outputs.map((): SquaredSums[] => []);
      for (const feed of feeds) {
        progress?.(inferences, total, 'local errors');
        const found = await squaredSums(runtime, session, feed, variant.outputs, signal);
        inferences += 1;
        for (const [index, one] of found.entries()) sums[index]?.push(one);
      }
      for (const [index, { layer }] of variant.outputs.entries()) {
        errors.push({ layer, ...relativeErrors(sums[index] ?? []) });
      }
    } finally {
      await runtime.close(session);
    }
  }
  progress?.(total, total, 'local errors');
  return { format, errors, sessions, inferences };
}

/** One inference: the sums of each layer of the variant. */
async function squaredSums(
  runtime: Runtime,
  session: Session,
  feed: Feeds,
  outputs: readonly LocalErrorOutput[],
  signal: AbortSignal | undefined,
): Promise<SquaredSums[]> {
  const names = outputs.flatMap((one) => [one.squaredError, one.squaredNorm]);
  const results = await runtime.run(session, feed, names, signal);
  try {
    const scalars = await runtime.readScalars(Object.values(results), signal);
    const byName = new Map(Object.keys(results).map((name, index) => [name, scalars[index]]));
    return outputs.map((one) => ({
      error: byName.get(one.squaredError) ?? Number.NaN,
      norm: byName.get(one.squaredNorm) ?? Number.NaN,
    }));
  } finally {
    await runtime.release(Object.values(results));
  }
}
