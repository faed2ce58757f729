/**
 * `local` sensitivity: how far rounding one layer's inputs, weights and output moves that output, given exact
 * inputs. No backward pass, one session, one inference per sample; it does not see what the rest of the network
 * makes of the error (rank correlation with the measured effect .32 to .68).
 */
import { localErrorVariant } from '../emulate/index.js';
import type { RunFormat } from '../formats/index.js';
import type { Layer } from '../plan/index.js';
import { EMULATION_SETTINGS, type Evaluation, type WorkOptions } from './evaluation.js';

export interface LocalError {
  readonly layer: Layer;
  /**
   * Root of the mean over samples of squared error / squared norm of the layer's output; infinite where
   * rounding made something non-finite.
   */
  readonly value: number;
  /** Smallest and largest relative error over the samples. */
  readonly low: number;
  readonly high: number;
}

export interface LocalErrors {
  readonly format: RunFormat;
  readonly errors: readonly LocalError[];
  readonly sessions: number;
  readonly inferences: number;
}

/** Layers per variant: a twin costs an inference of its own layer, and a session grows slow with its nodes. */
const LAYERS_PER_VARIANT = 400;

/** Measures the local errors of `layers` in `format` over all samples of `evaluation`. */
export async function localErrors(
  evaluation: Evaluation,
  layers: readonly Layer[],
  format: 'fp16' | 'bf16',
  { signal, progress }: WorkOptions = {},
): Promise<LocalErrors> {
  const errors: LocalError[] = [];
  let sessions = 0;
  let inferences = 0;
  const chunks = Math.ceil(layers.length / LAYERS_PER_VARIANT);
  for (let start = 0; start < layers.length; start += LAYERS_PER_VARIANT) {
    const chunk = layers.slice(start, start + LAYERS_PER_VARIANT);
    const variant = localErrorVariant(evaluation.model, chunk, format);
    const { runtime, folder } = evaluation;
    const session = await runtime.open(
      { model: { bytes: variant.bytes, weightsFolder: folder }, ...EMULATION_SETTINGS },
      signal,
    );
    sessions += 1;
    try {
      const ratios = variant.outputs.map((): number[] => []);
      const names = variant.outputs.flatMap((one) => [one.squaredError, one.squaredNorm]);
      for (const feed of evaluation.feeds) {
        progress?.(inferences, evaluation.feeds.length * chunks, 'local errors');
        const results = await runtime.run(session, feed, names, signal);
        inferences += 1;
        const scalars = await runtime.readScalars(Object.values(results), signal);
        const byName = new Map(
          Object.keys(results).map((name, index) => [name, scalars[index] ?? Number.NaN]),
        );
        for (const [index, one] of variant.outputs.entries()) {
          ratios[index]?.push(relativeSquare(byName.get(one.squaredError), byName.get(one.squaredNorm)));
        }
        await runtime.release(Object.values(results));
      }
      for (const [index, one] of variant.outputs.entries())
        errors.push(summarize(one.layer, ratios[index] ?? []));
    } finally {
      await runtime.close(session);
    }
  }
  progress?.(inferences, inferences, 'local errors');
  return { format, errors, sessions, inferences };
}

/** Squared relative error; infinite for anything that is no number or that errs where the exact output is 0. */
function relativeSquare(squaredError = Number.NaN, squaredNorm = Number.NaN): number {
  if (squaredError === 0) return 0;
  const ratio = squaredError / squaredNorm;
  return Number.isFinite(ratio) ? ratio : Number.POSITIVE_INFINITY;
}

function summarize(layer: Layer, squares: readonly number[]): LocalError {
  const mean = squares.reduce((sum, square) => sum + square, 0) / squares.length;
  return {
    layer,
    value: Math.sqrt(mean),
    low: Math.sqrt(Math.min(...squares)),
    high: Math.sqrt(Math.max(...squares)),
  };
}
