/**
 * `local` sensitivity: how far rounding one layer's inputs, weights and output moves that output, given exact
 * inputs. No backward pass, and one inference per sample for some hundred layers; it does not see what the rest of the
 * network makes of the error (rank correlation with the measured effect .32 to .68).
 */
import { localErrorVariant, type LocalErrorOutput } from '../emulate/index.js';
import type { Layer } from '../plan/index.js';
import type { Runtime, Session } from '../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type Feeds, type WorkOptions } from './evaluation.js';

export interface LocalError {
  readonly layer: Layer;
  /**
   * Root of the mean over samples of squared error / squared norm of the layer's output; infinite where
   * rounding made something non-finite.
   */
  readonly value: number;
  /** Smallest and largest relative error over the samples: `low <= value <= high`. */
  readonly low: number;
  readonly high: number;
}

export interface LocalErrors {
  readonly format: 'fp16' | 'bf16';
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
  format: 'fp16' | 'bf16',
  { signal, progress, layersPerVariant = LAYERS_PER_VARIANT }: LocalErrorOptions = {},
): Promise<LocalErrors> {
  const { runtime, folder, model, feeds } = evaluation;
  const errors: LocalError[] = [];
  let sessions = 0;
  let inferences = 0;
  const total = feeds.length * Math.ceil(layers.length / layersPerVariant);
  for (let start = 0; start < layers.length; start += layersPerVariant) {
    const variant = localErrorVariant(model, layers.slice(start, start + layersPerVariant), format);
    // A model without outputs is none that the runtime would open.
    if (variant.outputs.length === 0) continue;
    const session = await runtime.open(
      { model: { bytes: variant.bytes, weightsFolder: folder }, ...EMULATION_SETTINGS },
      signal,
    );
    sessions += 1;
    try {
      const squares = variant.outputs.map((): number[] => []);
      for (const feed of feeds) {
        progress?.(inferences, total, 'local errors');
        const found = await relativeSquares(runtime, session, feed, variant.outputs, signal);
        inferences += 1;
        for (const [index, square] of found.entries()) squares[index]?.push(square);
      }
      for (const [index, one] of variant.outputs.entries()) {
        errors.push(summarize(one.layer, squares[index] ?? []));
      }
    } finally {
      await runtime.close(session);
    }
  }
  progress?.(total, total, 'local errors');
  return { format, errors, sessions, inferences };
}

/** One inference: the squared relative error of each layer of the variant. */
async function relativeSquares(
  runtime: Runtime,
  session: Session,
  feed: Feeds,
  outputs: readonly LocalErrorOutput[],
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const names = outputs.flatMap((one) => [one.squaredError, one.squaredNorm]);
  const results = await runtime.run(session, feed, names, signal);
  try {
    const scalars = await runtime.readScalars(Object.values(results), signal);
    const byName = new Map(Object.keys(results).map((name, index) => [name, scalars[index]]));
    return outputs.map((one) => relativeSquare(byName.get(one.squaredError), byName.get(one.squaredNorm)));
  } finally {
    await runtime.release(Object.values(results));
  }
}

/** Squared relative error; infinite for anything that is no number or that errs where the exact output is 0. */
function relativeSquare(squaredError = Number.NaN, squaredNorm = Number.NaN): number {
  if (squaredError === 0) return 0;
  const ratio = squaredError / squaredNorm;
  return Number.isFinite(ratio) ? ratio : Number.POSITIVE_INFINITY;
}

/** Exported for its test. */
export function summarize(layer: Layer, squares: readonly number[]): LocalError {
  const lowest = squares.reduce((least, square) => Math.min(least, square), Number.POSITIVE_INFINITY);
  const highest = squares.reduce((most, square) => Math.max(most, square), 0);
  const mean = squares.reduce((sum, square) => sum + square, 0) / squares.length;
  // The mean of equal numbers may be rounded past them.
  const between = Math.max(lowest, Math.min(highest, mean));
  return { layer, value: Math.sqrt(between), low: Math.sqrt(lowest), high: Math.sqrt(highest) };
}
