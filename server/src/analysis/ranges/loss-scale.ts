/**
 * Where dynamic loss scaling settles: the loss is multiplied by a power of two so that small gradients survive a low format;
 * the scale is halved, and the step left out, where a gradient becomes infinite or NaN, and doubled after so many steps
 * without one. Pure.
 */
import {
  lossOf,
  scaledHistogram,
  thresholdsOf,
  type FloatFormatName,
  type Histogram,
} from '../../formats/index.js';

export interface ScalingRule {
  /** The first scale: a power of two. */
  readonly initial: number;
  /** Clean steps after which the scale is doubled. */
  readonly cleanSteps: number;
}

/** What PyTorch's GradScaler begins with. */
export const USUAL_RULE: ScalingRule = { initial: 2 ** 16, cleanSteps: 2000 };

/** Shares of the non-zero gradients. */
export interface LostShares {
  /** Become subnormal or zero. */
  readonly underflow: number;
  readonly becomesZero: number;
}

export interface SettledScale {
  /** The largest scale at which no gradient overflows: where the rule is but for one step in `cleanSteps` and one. */
  readonly scale: number;
  /** Steps from the first scale to this one. */
  readonly steps: number;
  /** Of these, the steps that overflow and are left out of training. */
  readonly skipped: number;
  readonly unscaled: LostShares;
  readonly scaled: LostShares;
}

/** Scales of no use: gradients as small as this are none. */
const LARGEST_SCALE = 2 ** 120;

/** The gradients of a step: those of all tensors together. */
export interface GradientSpread {
  readonly maxAbs: number;
  readonly histogram: Histogram;
}

/**
 * Where the rule settles for gradients that are spread like this in every step. Undefined where there is nothing but zeros, or
 * something infinite or NaN before any rounding: then it never does. Shares at that scale are exact to the bins of the histogram.
 */
export function settledScale(
  { maxAbs, histogram }: GradientSpread,
  format: FloatFormatName,
  { initial, cleanSteps }: ScalingRule = USUAL_RULE,
): SettledScale | undefined {
  if (histogram.nonFinite > 0 || maxAbs === 0) return undefined;
  const { overflow } = thresholdsOf(format);
  const overflowsAt = (scale: number): boolean => maxAbs * scale >= overflow;
  let scale = initial;
  let skipped = 0;
  while (overflowsAt(scale)) {
    scale /= 2;
    skipped += 1;
  }
  let doublings = 0;
  while (skipped === 0 && scale < LARGEST_SCALE && !overflowsAt(2 * scale)) {
    scale *= 2;
    doublings += 1;
  }
  return {
    scale,
    steps: skipped + doublings * cleanSteps,
    skipped,
    unscaled: lostShares(histogram, format),
    scaled: lostShares(scaledHistogram(histogram, scale), format),
  };
}

function lostShares(gradients: Histogram, format: FloatFormatName): LostShares {
  const { nonZero, underflow, becomesZero } = lossOf(gradients, format);
  const share = (count: number): number => (nonZero === 0 ? 0 : count / nonZero);
  return { underflow: share(underflow), becomesZero: share(becomesZero) };
}
