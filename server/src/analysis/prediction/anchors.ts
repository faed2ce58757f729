/**
 * Predictions of plans that differ little from one that was emulated: how the roundings of that one came out is known, and most
 * of them are the same ones. Pure; knows squared effects of events and figures of metrics, neither plans nor who measured them.
 */
import type { MetricName, MetricSpecification } from '../../metrics/index.js';
import type { Interval } from './spread.js';

/** What is known of a plan that was emulated, for one metric of one output. */
export interface Anchor {
  readonly predicted: Interval;
  readonly measured: number;
  /** How much of what it was off by another plan is off by, too, as `commonDeviation`. */
  readonly weight: number;
}

/** The squared effects of two sets of roundings on one output, by expectation. */
export interface SharedEffect {
  readonly one: number;
  readonly other: number;
  readonly both: number;
}

/** The effects of two sets of anything that has one. */
export function sharedEffect<T>(
  one: ReadonlySet<T>,
  other: ReadonlySet<T>,
  effectOf: (item: T) => number,
): SharedEffect {
  const shared = { one: 0, other: 0, both: 0 };
  for (const item of one) shared.one += effectOf(item);
  for (const item of other) {
    shared.other += effectOf(item);
    if (one.has(item)) shared.both += effectOf(item);
  }
  return shared;
}

/** Effects of parts, together. */
export function addedEffects(parts: readonly SharedEffect[]): SharedEffect {
  const sum = (of: (part: SharedEffect) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  return { one: sum(({ one }) => one), other: sum(({ other }) => other), both: sum(({ both }) => both) };
}

/**
 * On six real and generated models with nine sets of samples, and one to 32 layers flipped: what a prediction is off by, as a logarithm, goes with that of
 * the emulated plan by a factor of 1.0 where they share more than 99 % of the effect, .9 from 95 %, .5 from 90 %, .4 from 80 %,
 * .2 from 50 % and none below. A rounding that is gone changes all that come behind it.
 */
const POWER = 4;
/** Whatever changes makes other numbers of some. */
const MOST = 0.95;

/** How much of what the prediction of one plan is off by that of another is off by, too: 0 to 1. */
export function commonDeviation({ one, other, both }: SharedEffect, isSame: boolean): number {
  if (isSame) return 1;
  const most = Math.max(one, other);
  return most > 0 ? Math.min(MOST, (both / most) ** POWER) : 0;
}

/**
 * The prediction as it is after one that was measured: moved by what that was off by, and as much surer as they have in common (the
 * normal distribution of one of two numbers whose correlation is the weight, the other one being known). Unchanged where nothing
 * can be told from it.
 */
export function anchored(metric: MetricSpecification, own: Interval, anchor: Anchor): Interval {
  const { predicted, measured, weight } = anchor;
  if (weight === 1 && Number.isFinite(measured)) return { value: measured, low: measured, high: measured };
  const scale = scaleOf(metric.name);
  const [value, low, high] = [scale.of(own.value), scale.of(own.low), scale.of(own.high)];
  const moved = value + weight * (scale.of(measured) - scale.of(predicted.value));
  if (!Number.isFinite(moved)) return own;
  const rest = Math.sqrt(1 - weight * weight);
  const end = (at: number): number => scale.back(moved + rest * (at - value));
  const ends = [end(low), scale.back(moved), end(high)] as const;
  if (!ends.every(Number.isFinite)) return own;
  return { value: ends[1], low: Math.min(ends[0], ends[2]), high: Math.max(ends[0], ends[2]) };
}

interface Scale {
  readonly of: (value: number) => number;
  readonly back: (value: number) => number;
}

const FACTORS: Scale = { of: Math.log, back: Math.exp };
/** Of what is missing to 1, which is 2 at most. */
const FACTORS_BELOW_ONE: Scale = {
  of: (value) => Math.log(1 - value),
  back: (value) => Math.max(-1, 1 - Math.exp(value)),
};
const DIFFERENCES: Scale = { of: (value) => value, back: (value) => value };
const SHARES: Scale = { of: (value) => value, back: (value) => Math.min(1, Math.max(0, value)) };

function scaleOf(name: MetricName): Scale {
  switch (name) {
    case 'sqnr':
    case 'psnr':
    case 'own_score':
      return DIFFERENCES;
    case 'cosine':
      return FACTORS_BELOW_ONE;
    case 'relative_l2':
    case 'mean_abs':
    case 'max_abs':
    case 'ulp_fp16':
    case 'nme':
    case 'kl':
    case 'own_error':
      return FACTORS;
    case 'top1':
    case 'top5':
    case 'pck':
    case 'iou':
      return SHARES;
  }
}
