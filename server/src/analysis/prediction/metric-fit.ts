/**
 * What a relative error says of a metric that it does not determine: learnt from a few plans of which both were measured. An
 * error of its own grows with the relative error as a power of it; a share of what is right falls with it, in whatever way.
 * Pure; knows no plan and runs nothing.
 */
import { betterDirection, type MetricName, type MetricSpecification } from '../../metrics/index.js';
import type { Tolerance } from '../../plan/index.js';
import type { Interval } from './spread.js';

/** One plan, over all samples. */
export interface MetricPoint {
  /** Relative L2, put together over the samples as the metric is. */
  readonly error: number;
  readonly value: number;
  /** What a share counts: rows, landmarks, elements. */
  readonly counted: number;
}

/** The metric at a relative error, or why that cannot be told. */
export interface MetricFit {
  readonly at: (error: Interval) => Interval | { readonly reason: string };
}

/** What a fit is of: limits may change without anything to be learnt anew. */
export function fitKey({ output, metric, over }: Pick<Tolerance, 'output' | 'metric' | 'over'>): string {
  return JSON.stringify([output, metric, over]);
}

/** The power of a relative error that a metric's own error grows with while errors are small. */
const GROWTH: Readonly<Partial<Record<MetricName, number>>> = {
  mean_abs: 1,
  max_abs: 1,
  ulp_fp16: 1,
  nme: 1,
  cosine: 2,
  kl: 2,
  own_error: 1,
  own_score: 1,
};

/** Those that are 1, and not 0, where nothing changes. */
const FROM_ONE: ReadonlySet<MetricName> = new Set(['cosine', 'own_score']);
/** Of metrics of the user's own nobody knows the power: the plans alone tell it. */
const ANYHOW: ReadonlySet<MetricName> = new Set(['own_error', 'own_score']);

/** Metrics that a relative L2 error determines: nothing is learnt. */
const DETERMINED: ReadonlySet<MetricName> = new Set(['relative_l2', 'sqnr', 'psnr']);

/** Whether a metric is predicted by what `metricFit` learns. */
export function isLearnt({ name }: MetricSpecification): boolean {
  return !DETERMINED.has(name);
}

/** Fewer plans that tell something are no evidence. */
const FEWEST_POINTS = 3;

/** What `points` teach of `metric`. */
export function metricFit(metric: MetricSpecification, points: readonly MetricPoint[]): MetricFit {
  // What makes it infinite, such as a probability that becomes 0, may come with small errors as well as with large ones.
  const infinite = points.filter(({ error, value }) => Number.isFinite(error) && !Number.isFinite(value));
  if (infinite.length > 0) {
    return refusal(`it was not finite in ${infinite.length} of ${points.length} emulated plans`);
  }
  const usable = points.filter(({ error, value }) => error > 0 && Number.isFinite(error + value));
  if (usable.length < FEWEST_POINTS) {
    return refusal(`of ${points.length} emulated plans only ${usable.length} gave finite figures`);
  }
  const power = GROWTH[metric.name];
  return power === undefined ? monotoneFit(metric, usable) : powerFit(metric, power, usable);
}

function refusal(reason: string): MetricFit {
  return { at: () => ({ reason }) };
}

/** How far the power that real networks show is from that of small errors, as a standard deviation. */
const POWER_DEVIATION = 0.15;
/** The same where nothing is known of the power before: 2 is as likely as 1, or nearly. */
const ANY_POWER_DEVIATION = 1;
/** What a fit is taken to miss by before anything is seen, as a deviation of the logarithm, with the weight of so many plans. */
const USUAL_DEVIATION = 0.25;
const USUAL_WEIGHT = 2;
/** Rounds of estimating the line and what it misses by from each other; they settle in two or three. */
const ROUNDS = 6;

/**
 * log(own error) = a + b log(relative error), by Bayesian regression with a prior on b alone; the interval holds 90 % of
 * what a plan is found to have, by Student's distribution.
 */
function powerFit(metric: MetricSpecification, power: number, points: readonly MetricPoint[]): MetricFit {
  const isFromOne = FROM_ONE.has(metric.name);
  const powerDeviation = ANYHOW.has(metric.name) ? ANY_POWER_DEVIATION : POWER_DEVIATION;
  const own = (value: number): number => (isFromOne ? 1 - value : value);
  const still = ANYHOW.has(metric.name) ? points.filter(({ value }) => !(own(value) > 0)).length : 0;
  if (still > 0) {
    return refusal(`${still} of ${points.length} emulated plans changed it not at all, or for the better`);
  }
  const seen = points.filter(({ value }) => own(value) > 0);
  if (seen.length < FEWEST_POINTS) {
    return refusal(`of ${points.length} emulated plans only ${seen.length} changed it`);
  }
  const count = seen.length;
  const x = seen.map(({ error }) => Math.log(error));
  const y = seen.map(({ value }) => Math.log(own(value)));
  const [meanX, meanY] = [mean(x), mean(y)];
  const squares = sum(x.map((value) => (value - meanX) ** 2));
  const products = sum(x.map((value, at) => (value - meanX) * ((y[at] ?? 0) - meanY)));
  let variance = USUAL_DEVIATION ** 2;
  let slope = power;
  let slopeVariance = powerDeviation ** 2;
  for (let round = 0; round < ROUNDS; round++) {
    slopeVariance = 1 / (squares / variance + 1 / powerDeviation ** 2);
    slope = slopeVariance * (products / variance + power / powerDeviation ** 2);
    const missed = sum(x.map((value, at) => ((y[at] ?? 0) - meanY - slope * (value - meanX)) ** 2));
    variance = (missed + USUAL_WEIGHT * USUAL_DEVIATION ** 2) / (count - 1 + USUAL_WEIGHT);
  }
  const quantile = studentQuantile(count);
  return {
    at({ value, low, high }) {
      if (value === 0) return sides(isFromOne ? 1 : 0, isFromOne ? 1 : 0, isFromOne ? 1 : 0);
      if (!Number.isFinite(value)) return { reason: 'the relative error is not finite' };
      const from = Math.log(value) - meanX;
      const at = meanY + slope * from;
      const beside = quantile ** 2 * (variance * (1 + 1 / count) + slopeVariance * from ** 2);
      const above = Math.hypot(slope * Math.log(high / value), Math.sqrt(beside));
      const below = Math.hypot(slope * Math.log(value / low), Math.sqrt(beside));
      const found = sides(Math.exp(at - below), Math.exp(at), Math.exp(at + above));
      if (!isFromOne) return found;
      const least = metric.name === 'cosine' ? -1 : Number.NEGATIVE_INFINITY;
      const kept = (lost: number): number => Math.max(least, 1 - lost);
      return sides(kept(found.low), kept(found.value), kept(found.high));
    },
  };
}

/** The 95th percentile of Student's distribution with as many degrees of freedom, to two in a hundred from four on. */
function studentQuantile(freedom: number): number {
  return 1.645 + 1.7 / Math.max(1, freedom);
}

/** Beyond the largest error that was seen by more than this factor a curve that nothing tells says nothing. */
const FARTHEST = 1.5;
/** What a share that was never seen to miss may miss yet, nineteen times of twenty: three of those counted. */
const UNSEEN = 3;

/**
 * What is lost, as a function of the relative error that only grows: by pooling neighbours that do not (M. Ayer et al., "An
 * empirical distribution function for sampling with incomplete information", 1955), and straight in between.
 */
function monotoneFit(metric: MetricSpecification, points: readonly MetricPoint[]): MetricFit {
  const isShare = betterDirection(metric.name) === '>=';
  const lost = (value: number): number => (isShare ? 1 - value : value);
  const sorted = [...points].sort((a, b) => a.error - b.error);
  const errors = sorted.map(({ error }) => Math.log(error));
  const grown = neverFalling(sorted.map(({ value }) => lost(value)));
  const missed = sorted.map(({ value }, at) => lost(value) - (grown[at] ?? 0));
  const deviation = Math.sqrt(sum(missed.map((value) => value ** 2)) / Math.max(1, sorted.length - 1));
  const counted = Math.max(1, mean(sorted.map((one) => one.counted)));
  const least = errors[0] ?? 0;
  const most = errors.at(-1) ?? 0;
  /** Between what was lost at the errors next to it; below the least one in proportion to the error. */
  const at = (error: number): number => {
    const after = errors.findIndex((one) => one >= error);
    if (after < 0) return grown.at(-1) ?? 0;
    if (after === 0) return (grown[0] ?? 0) * Math.exp(error - least);
    const [from, to] = [errors[after - 1] ?? 0, errors[after] ?? 0];
    const part = to === from ? 1 : (error - from) / (to - from);
    return (grown[after - 1] ?? 0) * (1 - part) + (grown[after] ?? 0) * part;
  };
  return {
    at({ value, low, high }) {
      if (value === 0) return sides(isShare ? 1 : 0, isShare ? 1 : 0, isShare ? 1 : 0);
      if (!(Math.log(value) <= most + Math.log(FARTHEST))) {
        return { reason: 'no emulated plan errs as much as this one is predicted to' };
      }
      const found = at(Math.log(value));
      const chance = Math.sqrt((found * Math.max(0, 1 - found)) / counted);
      const beside = studentQuantile(sorted.length) * Math.hypot(deviation, chance);
      const lowest = Math.max(0, at(Math.log(low)) - beside);
      const highest = Math.max(at(Math.log(high)) + beside, UNSEEN / counted);
      return isShare ? sides(1 - lowest, 1 - found, Math.max(0, 1 - highest)) : sides(lowest, found, highest);
    },
  };
}

function neverFalling(values: readonly number[]): readonly number[] {
  const blocks: { total: number; count: number }[] = [];
  for (const value of values) {
    let block = { total: value, count: 1 };
    for (let last = blocks.at(-1); last !== undefined; last = blocks.at(-1)) {
      if (last.total / last.count <= block.total / block.count) break;
      blocks.pop();
      block = { total: block.total + last.total, count: block.count + last.count };
    }
    blocks.push(block);
  }
  return blocks.flatMap(({ total, count }) => new Array<number>(count).fill(total / count));
}

/** An interval whose ends may have changed places. */
function sides(one: number, value: number, other: number): Interval {
  return { value, low: Math.min(one, other), high: Math.max(one, other) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / Math.max(1, values.length);
}
