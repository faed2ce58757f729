/**
 * How far a squared error may be from what is predicted, and what becomes of that when samples are put together. Squared
 * errors are taken as log-normal, by their mean and variance. Pure; knows neither events nor plans.
 */

/** Of the normal distribution: intervals hold 90 %. */
const QUANTILE = 1.645;
/** What the first order, and counting roundings as independent, leaves open of a squared error, as a deviation of its logarithm. */
const MODEL_DEVIATION = 0.25;

/** A squared error of one sample. */
export interface Uncertain {
  readonly mean: number;
  readonly variance: number;
}

/** `low <= value <= high`. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * How much of a sample's deviation is that of all: weights are rounded the same way in each of them, and what these do points
 * the same way.
 */
const COMMON = 0.5;

const INFINITE: Interval = { value: Infinity, low: Infinity, high: Infinity };

/** The largest of several squared errors. */
export function largest(errors: readonly Uncertain[]): Interval {
  if (errors.some(({ mean }) => mean === Infinity)) return INFINITE;
  const present = errors.filter(({ mean }) => mean > 0).map(logarithmic);
  if (present.length === 0) return { value: 0, low: 0, high: 0 };
  const shared = COMMON * Math.max(...present.map(({ deviation }) => deviation ** 2));
  const common = Math.exp(QUANTILE * Math.sqrt(MODEL_DEVIATION ** 2 + shared));
  return {
    value: quantileOfLargest(present, 0.5),
    low: quantileOfLargest(present, 0.05) / common,
    high: quantileOfLargest(present, 0.95) * common,
  };
}

/** The sum of squared errors with weights. */
export function weighted(errors: readonly Uncertain[], weights: readonly number[]): Interval {
  return around(sum(errors, weights));
}

/** The mean of squared errors. */
export function meanSquare(errors: readonly Uncertain[]): Interval {
  return weighted(
    errors,
    errors.map(() => 1 / errors.length),
  );
}

function sum(errors: readonly Uncertain[], weights: readonly number[]): Uncertain {
  let mean = 0;
  let apart = 0;
  let together = 0;
  for (const [index, error] of errors.entries()) {
    const weight = weights[index] ?? 0;
    mean += weight * error.mean;
    apart += weight * weight * error.variance;
    together += weight * Math.sqrt(error.variance);
  }
  return { mean, variance: (1 - COMMON) * apart + COMMON * together * together };
}

/** The interval of the mean of the roots. */
export function meanRoot(errors: readonly Uncertain[]): Interval {
  const roots = errors.map((error): Uncertain => {
    if (error.mean <= 0 || error.mean === Infinity) return { mean: Math.max(0, error.mean), variance: 0 };
    const { location, deviation } = logarithmic(error);
    const mean = Math.exp(location / 2 + deviation ** 2 / 8);
    return { mean, variance: mean * mean * Math.expm1(deviation ** 2 / 4) };
  });
  const share = 1 / Math.max(1, errors.length);
  return around(
    sum(
      roots,
      roots.map(() => share),
    ),
    MODEL_DEVIATION / 2,
  );
}

function around({ mean, variance }: Uncertain, model = MODEL_DEVIATION): Interval {
  if (mean === Infinity) return INFINITE;
  if (mean <= 0) return { value: 0, low: 0, high: 0 };
  const spread = Math.exp(QUANTILE * Math.sqrt(Math.log1p(variance / mean ** 2) + model ** 2));
  return { value: mean, low: mean / spread, high: mean * spread };
}

interface Logarithmic {
  readonly location: number;
  readonly deviation: number;
}

/** The normal distribution of the logarithm. */
function logarithmic({ mean, variance }: Uncertain): Logarithmic {
  const square = Math.log1p(variance / mean ** 2);
  return { location: Math.log(mean) - square / 2, deviation: Math.sqrt(square) };
}

/** By halving: the distribution of the largest is the product of the distributions. */
function quantileOfLargest(errors: readonly Logarithmic[], probability: number): number {
  let low = Math.max(...errors.map(({ location, deviation }) => location - 5 * deviation));
  let high = Math.max(...errors.map(({ location, deviation }) => location + 6 * deviation));
  for (let round = 0; round < 40; round++) {
    const middle = (low + high) / 2;
    const below = errors.reduce((product, error) => product * belowShare(error, middle), 1);
    if (below < probability) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

function belowShare({ location, deviation }: Logarithmic, at: number): number {
  if (deviation === 0) return at >= location ? 1 : 0;
  return normal((at - location) / deviation);
}

/** The normal distribution function, to 1e-7 (M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions, 26.2.17). */
export function normal(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail =
    (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
}
