/**
 * How far a squared error may be from what is predicted, and what becomes of that when samples are put together. A squared error
 * is a sum of squares over the directions of an output, and so about chi-squared: skewed the more, the fewer there are. What is
 * predicted is the median, as likely exceeded as not. Pure; knows neither events nor plans.
 */

/** Of the normal distribution: intervals hold 90 %. */
const QUANTILE = 1.645;
/** What the first order, and counting roundings as independent, leaves open of a squared error, as a deviation of its logarithm. */
const MODEL_DEVIATION = 0.25;

/** Halvings of an interval no wider than the number that is looked for is large. */
const ROUNDS = 28;

/** A squared error of one sample. */
export interface Uncertain {
  readonly mean: number;
  readonly variance: number;
  /** How far it is beyond what a first order tells, as a deviation of its logarithm; 0 where it is not. */
  readonly doubt: number;
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
const NOTHING: Interval = { value: 0, low: 0, high: 0 };

/** The largest of several squared errors. */
export function largest(errors: readonly Uncertain[]): Interval {
  if (errors.some(({ mean }) => mean === Infinity)) return INFINITE;
  const present = errors.filter(({ mean }) => mean > 0);
  if (present.length === 0) return NOTHING;
  const shared = COMMON * Math.max(...present.map((error) => Math.log1p(relativeVariance(error))));
  const doubt = present.reduce((most, error) => (error.mean > most.mean ? error : most)).doubt;
  const common = Math.exp(QUANTILE * Math.sqrt(MODEL_DEVIATION ** 2 + doubt ** 2 + shared));
  return {
    value: quantileOfLargest(present, 0.5),
    low: quantileOfLargest(present, 0.05) / common,
    high: quantileOfLargest(present, 0.95) * common,
  };
}

/** The sum of squared errors with weights. */
export function weighted(errors: readonly Uncertain[], weights: readonly number[]): Interval {
  const total = sum(errors, weights);
  if (total.mean === Infinity) return INFINITE;
  if (!(total.mean > 0)) return NOTHING;
  const value = quantile(total, 0);
  const model = QUANTILE * Math.hypot(MODEL_DEVIATION, total.doubt);
  const below = Math.hypot(Math.log(value / quantile(total, -QUANTILE)), model);
  const above = Math.hypot(Math.log(quantile(total, QUANTILE) / value), model);
  return { value, low: value * Math.exp(-below), high: value * Math.exp(above) };
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
  let doubt = 0;
  for (const [index, error] of errors.entries()) {
    const weight = weights[index] ?? 0;
    mean += weight * error.mean;
    apart += weight * weight * error.variance;
    together += weight * Math.sqrt(error.variance);
    doubt += weight * error.mean * error.doubt;
  }
  const variance = (1 - COMMON) * apart + COMMON * together * together;
  return { mean, variance, doubt: mean > 0 ? doubt / mean : 0 };
}

/** The interval of the mean of the roots. */
export function meanRoot(errors: readonly Uncertain[]): Interval {
  const roots = errors.map((error): Uncertain => {
    if (error.mean <= 0 || error.mean === Infinity) return { ...error, variance: 0 };
    // The mean of a root of chi-squared over its n degrees of freedom is about the root of n / (n + 1/2).
    const square = error.mean / (1 + relativeVariance(error) / 4);
    return { mean: Math.sqrt(square), variance: error.mean - square, doubt: error.doubt / 2 };
  });
  const share = 1 / Math.max(1, errors.length);
  const total = sum(
    roots,
    roots.map(() => share),
  );
  if (total.mean === Infinity) return INFINITE;
  if (!(total.mean > 0)) return NOTHING;
  const model = (MODEL_DEVIATION / 2) ** 2 + total.doubt ** 2;
  const spread = Math.exp(QUANTILE * Math.sqrt(Math.log1p(relativeVariance(total)) + model));
  return { value: total.mean, low: total.mean / spread, high: total.mean * spread };
}

function relativeVariance({ mean, variance }: Uncertain): number {
  return variance / mean ** 2;
}

/** The cubic root of what one time in twenty squares of one direction stay below, relative to their mean. */
const LEAST_ROOT = 0.158;

/**
 * What a squared error stays below with the probability that the normal distribution has at `z`: the cubic root of chi-squared is
 * about normal (E. B. Wilson and M. M. Hilferty, "The distribution of chi-square", 1931), with 2 / n degrees of freedom for a
 * relative variance of n.
 */
function quantile(error: Uncertain, z: number): number {
  const spread = relativeVariance(error) / 9;
  return error.mean * Math.max(LEAST_ROOT, 1 - spread + z * Math.sqrt(spread)) ** 3;
}

/** The cubic root of a squared error, which is about normal. */
interface Root {
  readonly location: number;
  readonly deviation: number;
}

/** By halving: the distribution of the largest is the product of the distributions. */
function quantileOfLargest(errors: readonly Uncertain[], probability: number): number {
  const roots = errors.map((error): Root => {
    const spread = relativeVariance(error) / 9;
    const scale = Math.cbrt(error.mean);
    return { location: scale * (1 - spread), deviation: scale * Math.sqrt(spread) };
  });
  let low = LEAST_ROOT * Math.cbrt(Math.max(...errors.map(({ mean }) => mean)));
  let high = Math.max(...roots.map(({ location, deviation }) => location + 5 * deviation));
  for (let round = 0; round < ROUNDS; round++) {
    const middle = (low + high) / 2;
    let below = 1;
    for (const { location, deviation } of roots) {
      below *= deviation === 0 ? Number(middle >= location) : normal((middle - location) / deviation);
    }
    if (below < probability) low = middle;
    else high = middle;
  }
  return ((low + high) / 2) ** 3;
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
