/**
 * Errors of one tensor over samples, relative to its exact values. Pure; knows neither layers nor how the sums were found.
 */

/** Sums over the elements of a tensor in one sample. */
export interface SquaredSums {
  /** Of the squared differences; NaN or infinite where rounding made something non-finite. */
  readonly error: number;
  /** Of the squares of the exact values. */
  readonly norm: number;
}

/** Relative errors: `low <= value <= high`. */
export interface RelativeErrors {
  /** Root of the mean over samples of squared error / squared norm; infinite where rounding made something non-finite. */
  readonly value: number;
  /** Smallest and largest of the samples. */
  readonly low: number;
  readonly high: number;
  /** The exact values are 0 in every sample and the others are not: the error is infinite, though nothing overflowed. */
  readonly ofZero?: true;
}

/**
 * By sample: squared error / squared norm; infinite where rounding made something non-finite.
 *
 * A sample whose exact values are all 0 has nothing that its error could be relative to: what they are on average over the
 * other samples stands in for it. Otherwise one such sample, a probability of exactly 0 for instance, would outdo all that was
 * measured of the others.
 */
export function relativeSquares(samples: readonly SquaredSums[]): readonly number[] {
  const norms = samples.map(({ norm }) => norm).filter((norm) => norm > 0);
  const usual = norms.reduce((sum, norm) => sum + norm / norms.length, 0);
  return samples.map(({ error, norm }) => {
    if (error === 0) return 0;
    const ratio = error / (norm > 0 ? norm : usual);
    return Number.isFinite(ratio) ? ratio : Number.POSITIVE_INFINITY;
  });
}

/** All samples together. */
export function relativeErrors(samples: readonly SquaredSums[]): RelativeErrors {
  const isOfZero = samples.every(({ error, norm }) => !(norm > 0) && Number.isFinite(error + norm));
  const found = rootMeanSquare(relativeSquares(samples));
  return isOfZero && found.value > 0 ? { ...found, ofZero: true } : found;
}

/** Of squares, of which some may be infinite. Exported for its test. */
export function rootMeanSquare(squares: readonly number[]): Omit<RelativeErrors, 'ofZero'> {
  const lowest = squares.reduce((least, square) => Math.min(least, square), Number.POSITIVE_INFINITY);
  const highest = squares.reduce((most, square) => Math.max(most, square), 0);
  const mean = squares.reduce((sum, square) => sum + square, 0) / squares.length;
  // The mean of equal numbers may be rounded past them.
  const between = Math.max(lowest, Math.min(highest, mean));
  return { value: Math.sqrt(between), low: Math.sqrt(lowest), high: Math.sqrt(highest) };
}
