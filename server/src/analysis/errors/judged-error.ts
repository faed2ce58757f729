/** Which of a layer's errors in several outputs counts. Pure; knows no way in which they were found. */
import type { Tolerance } from '../../plan/index.js';
import type { RelativeErrors } from './relative-errors.js';

/** The relative errors of one output. */
export interface OutputError extends RelativeErrors {
  readonly output: string;
  /** By sample: the squared relative error; left out where that is not kept. */
  readonly samples?: readonly number[];
}

/**
 * The errors of the output that errs most: of those that tolerances speak of, where there are any. A probability near
 * zero, which nobody asked about, would otherwise outdo everything else, relative to itself. Outputs that are 0 in every
 * sample count where there are no others.
 */
export function judgedError(
  perOutput: readonly OutputError[],
  tolerances: readonly Tolerance[],
): RelativeErrors {
  const asked = new Set(tolerances.map((tolerance) => tolerance.output));
  const judged = perOutput.filter(({ output }) => asked.size === 0 || asked.has(output));
  const telling = judged.filter(({ ofZero }) => ofZero !== true);
  const counted = telling.length > 0 ? telling : judged;
  const {
    output: _,
    samples: __,
    ...worst
  } = counted.reduce((most, one) => (one.value > most.value ? one : most), NO_ERROR);
  return worst;
}

const NO_ERROR: OutputError = { output: '', value: 0, low: 0, high: 0 };
