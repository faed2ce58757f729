/** Metrics that relative squared errors tell by a formula, put together over samples as tolerances are. Pure. */
import type { Aggregation } from '../../metrics/index.js';
import { largest, meanRoot, meanSquare, weighted, type Interval, type Uncertain } from './spread.js';

/** What is known of one output. */
export interface OutputSquares {
  /** By sample: relative squared errors. */
  readonly errors: readonly Uncertain[];
  /** By sample: the squared norm of the exact output. */
  readonly norms: readonly number[];
  /** By sample: the largest squared element of the exact output. */
  readonly peaks: readonly number[];
  readonly elements: number;
}

/** The relative L2 error. */
export function relativeError(squares: OutputSquares, over: Aggregation): Interval {
  const { errors } = squares;
  if (over === 'mean') return meanRoot(errors);
  return rooted(over === 'worst' ? largest(errors) : weighted(errors, pooledWeights(squares)));
}

/** The root of the mean over samples of the squared relative error. */
export function rootMeanSquare({ errors }: OutputSquares): Interval {
  return rooted(meanSquare(errors));
}

/** Signal to noise, in dB. */
export function signalToNoise(squares: OutputSquares, over: Aggregation): Interval {
  if (over === 'pooled') return decibels(weighted(squares.errors, pooledWeights(squares)));
  return ratioOf(squares.errors, over);
}

/** Peak signal to noise, in dB: what a squared error is divided by is the mean square of the largest element. */
export function peakSignalToNoise(squares: OutputSquares, over: Aggregation): Interval {
  const { errors, norms, peaks, elements } = squares;
  const samples = Math.max(1, errors.length);
  if (over === 'pooled') {
    const peak = Math.max(...peaks);
    const weights = norms.map((norm) => (peak > 0 ? norm / (peak * elements * samples) : Infinity));
    return decibels(weighted(errors, weights));
  }
  const scaled = errors.map((error, sample): Uncertain => {
    const { mean, variance } = error;
    const peak = peaks[sample] ?? 0;
    const factor = peak > 0 ? (norms[sample] ?? 0) / (peak * elements) : Infinity;
    return mean === 0 ? error : { ...error, mean: mean * factor, variance: variance * factor ** 2 };
  });
  return ratioOf(scaled, over);
}

/**
 * The cosine, to second order, of an error at right angles to the exact output: 1 - (relative error)^2 / 2. What of the error lies
 * along the output changes nothing, so that the cosine may be anything from there to 1.
 */
export function cosineAtLeast(squares: OutputSquares, over: Aggregation): Interval {
  const { errors } = squares;
  const { value, high } =
    over === 'worst'
      ? largest(errors)
      : over === 'mean'
        ? meanSquare(errors)
        : weighted(errors, pooledWeights(squares));
  return { value: Math.max(-1, 1 - value / 2), low: Math.max(-1, 1 - high / 2), high: 1 };
}

/** By sample: its share of all squared norms. */
function pooledWeights({ norms }: OutputSquares): readonly number[] {
  const total = norms.reduce((sum, norm) => sum + norm, 0);
  return norms.map((norm) => (total > 0 ? norm / total : 1 / norms.length));
}

function rooted({ value, low, high }: Interval): Interval {
  return { value: Math.sqrt(value), low: Math.sqrt(low), high: Math.sqrt(high) };
}

function ratioOf(errors: readonly Uncertain[], over: Exclude<Aggregation, 'pooled'>): Interval {
  return over === 'worst' ? decibels(largest(errors)) : meanDecibels(errors);
}

/** Signal to noise of a relative squared error: the larger the error, the lower. */
function decibels({ value, low, high }: Interval): Interval {
  const of = (square: number): number => (square === 0 ? Infinity : -10 * Math.log10(square));
  return { value: of(value), low: of(high), high: of(low) };
}

/** The mean of decibels is that of the logarithms. */
function meanDecibels(errors: readonly Uncertain[]): Interval {
  if (errors.some(({ mean }) => mean === 0)) return decibels({ value: 0, low: 0, high: 0 });
  const intervals = errors.map((error) => decibels(largest([error])));
  const mean = (pick: (interval: Interval) => number): number =>
    intervals.reduce((sum, interval) => sum + pick(interval), 0) / Math.max(1, intervals.length);
  return { value: mean((one) => one.value), low: mean((one) => one.low), high: mean((one) => one.high) };
}
