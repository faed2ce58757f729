/**
 * In which directions an output of a sample errs: what becomes of it when the inputs move a little. Errors of most layers lie in
 * the same few directions, for all that follows them is the same. Runs the original; what is made of the directions is in
 * few-directions.ts.
 */
import { DataType } from '../../onnx/index.js';
import { RuntimeFailure, type TensorHandle } from '../../runtime/index.js';
import type { Evaluation } from '../sessions/evaluation.js';
import { elementsOf, floatsOf } from '../sessions/session-tensors.js';
import { fewDirections } from './few-directions.js';

/** Inputs move by at most this part of their range: far more than FP32 rounds, and little enough for a first order. */
const MOVE = 1e-3;
/** Outputs of more elements err in too many directions for it to be worth a run. */
const MOST_ELEMENTS = 4096;

export interface OutputDirections {
  /** By output: orthonormal; left out where there are too many, or where all elements have a probe of their own. */
  readonly directions: ReadonlyMap<string, readonly Float64Array[]>;
  readonly inferences: number;
}

interface DirectionOptions {
  readonly probes: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks for them with half as many runs as there are probes, and where these promise something and leave much open, with more: the
 * directions of chance moves are better known the more of them there are.
 */
export async function outputDirections(
  evaluation: Evaluation,
  sample: number,
  outputs: readonly string[],
  { probes, seed, signal }: DirectionOptions,
): Promise<OutputDirections> {
  const directions = new Map<string, readonly Float64Array[]>();
  const exact = await exactOutputs(evaluation, sample, outputs, probes, signal);
  const errors = new Map([...exact.keys()].map((name): [string, Float32Array[]] => [name, []]));
  let inferences = 0;
  for (const draws of [Math.floor(probes / 2), RUNS_PER_PROBE * probes]) {
    if (draws < 2) break;
    // Integers do not move.
    while (exact.size > 0 && inferences < draws) {
      const moved = await errorsOfMove(evaluation, sample, exact, seed + SEEDS * inferences, signal);
      inferences += 1;
      for (const name of exact.keys()) {
        const error = moved.get(name);
        if (error === undefined) exact.delete(name);
        else errors.get(name)?.push(error);
      }
    }
    for (const name of [...exact.keys()]) {
      const found = fewDirections(errors.get(name) ?? [], probes);
      // What few moves promise more of them may take back.
      if (found.directions.length > 0) directions.set(name, found.directions);
      else directions.delete(name);
      if (found.variance < ENOUGH || found.variance === 1) exact.delete(name);
    }
  }
  return { directions, inferences };
}

/** Of the original, at most. */
const RUNS_PER_PROBE = 2;
/** So little of the variance is left that to look on would not pay. */
const ENOUGH = 0.1;

/** Apart from those of other samples and of other inputs. */
const SEEDS = 500_009;

/** What the original gives for those outputs that may err in few directions of many. */
async function exactOutputs(
  { runtime, references }: Evaluation,
  sample: number,
  outputs: readonly string[],
  probes: number,
  signal: AbortSignal | undefined,
): Promise<Map<string, Float32Array>> {
  const exact = new Map<string, Float32Array>();
  for (const name of outputs) {
    const handle = references[sample]?.[name];
    if (handle?.dataType !== DataType.FLOAT) continue;
    const elements = elementsOf(handle.dims);
    if (elements <= probes || elements > MOST_ELEMENTS) continue;
    exact.set(name, floatsOf(await runtime.read(handle, signal)));
  }
  return exact;
}

/** What a move of all inputs makes of the outputs, those left out that it makes nothing of, or no number. */
async function errorsOfMove(
  { runtime, original, feeds }: Evaluation,
  sample: number,
  exact: ReadonlyMap<string, Float32Array>,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Float32Array>> {
  const errors = new Map<string, Float32Array>();
  const held: TensorHandle[] = [];
  try {
    const moved: Record<string, TensorHandle> = {};
    for (const [input, [name, handle]] of Object.entries(feeds[sample] ?? {}).entries()) {
      const one = await runtime.jitter(handle, MOVE, seed + input, signal);
      held.push(one);
      moved[name] = one;
    }
    const answers = await runtime.run(original, moved, [...exact.keys()], signal);
    held.push(...Object.values(answers));
    for (const [name, values] of exact) {
      const answer = answers[name];
      if (answer === undefined) continue;
      const other = floatsOf(await runtime.read(answer, signal));
      const error = values.map((value, at) => (other[at] ?? value) - value);
      if (error.every(Number.isFinite) && error.some((value) => value !== 0)) errors.set(name, error);
    }
  } catch (error) {
    // A number that is an index in truth may point nowhere once it moves.
    if (!(error instanceof RuntimeFailure && error.kind === 'failed')) throw error;
  } finally {
    await runtime.release(held);
  }
  return errors;
}
