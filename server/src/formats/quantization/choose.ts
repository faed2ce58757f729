/** The quantization of a tensor: a way of choosing the range, applied to the tensor or to each of its channels. */
import type { IntegerFormatName } from '../format.js';
import { leastErrorRange, minmaxRange, percentileRange, sawbRange } from './choose-range.js';
import { learnedRange } from './learned-range.js';
import { channelLayout, type Quantization } from './quantization.js';
import { scaleOf, type ScaleTarget, type ValueRange } from './value-range.js';

/** How a range is chosen from the values alone. */
export type RangeChoice =
  | { readonly name: 'minmax' | 'mse' | 'sawb' | 'learned' }
  | { readonly name: 'percentile'; readonly percent: number };

export interface QuantizationWish {
  readonly format: IntegerFormatName;
  readonly choice: RangeChoice;
  /** The code of zero is 0. SAWB is symmetric whatever stands here: its formula knows no sign. */
  readonly symmetric: boolean;
  /** A scale for each index along this axis; left out, one for the tensor. */
  readonly axis?: number;
}

/**
 * Scales for tensors of one shape: weights, of which there is one, or what a tensor of activations was in each sample.
 * Samples count together.
 */
export function chooseQuantization(
  wish: QuantizationWish,
  samples: readonly Float32Array[],
  shape: readonly number[],
): Quantization {
  const { format, choice, axis } = wish;
  const symmetric = wish.symmetric || choice.name === 'sawb';
  // SAWB's levels are as many below zero as above it, and its clip is the outermost of them.
  const narrow = choice.name === 'sawb';
  const target: ScaleTarget = { format, symmetric, narrow };
  const { channels } = channelLayout(samples[0]?.length ?? 0, shape, axis);
  const scales = Array.from({ length: channels }, (_, channel) =>
    scaleOf(
      target,
      rangeOf(
        choice,
        target,
        samples.map((sample) => channelOf(sample, shape, axis, channel)),
      ),
    ),
  );
  return { format, scales, narrow, ...(axis === undefined ? {} : { axis }) };
}

function rangeOf(choice: RangeChoice, target: ScaleTarget, samples: readonly Float32Array[]): ValueRange {
  switch (choice.name) {
    case 'minmax':
      return minmaxRange(joined(samples));
    case 'percentile':
      return percentileRange(joined(samples), choice.percent, target.symmetric);
    case 'mse':
      return leastErrorRange(joined(samples), target);
    case 'sawb':
      return sawbRange(joined(samples), target.format);
    case 'learned':
      return learnedRange(samples, target);
  }
}

function joined(samples: readonly Float32Array[]): Float32Array {
  const [first] = samples;
  if (first !== undefined && samples.length === 1) return first;
  const all = new Float32Array(samples.reduce((total, { length }) => total + length, 0));
  let offset = 0;
  for (const sample of samples) {
    all.set(sample, offset);
    offset += sample.length;
  }
  return all;
}

/** The elements with one index along an axis. */
function channelOf(
  values: Float32Array,
  shape: readonly number[],
  axis: number | undefined,
  channel: number,
): Float32Array {
  if (axis === undefined) return values;
  const { outer, channels, inner } = channelLayout(values.length, shape, axis);
  const elements = new Float32Array(outer * inner);
  for (let i = 0; i < outer; i++) {
    const start = (i * channels + channel) * inner;
    elements.set(values.subarray(start, start + inner), i * inner);
  }
  return elements;
}
