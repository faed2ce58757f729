/**
 * The range of every layer: how the values of its outputs and weights are spread, the largest one with its sample and index,
 * what the layer adds up inside, and how much of its inputs cancels out. Measured whatever the format; what a format makes of
 * it is told by `layerRangeIn`.
 */
import { isFloatFormat, type FormatName } from '../../formats/index.js';
import type { Shape } from '../../onnx/index.js';
import type { Layer } from '../../plan/index.js';
import type { Evaluation, WorkOptions } from '../sessions/evaluation.js';
import type { InsideSum } from './inside-sums.js';
import { joinRange, surroundings, type MeasuredLayerRange } from './layer-surroundings.js';
import { rangeIn, scaledRangeIn, type MeasuredRange, type TensorRange } from './tensor-range.js';
import { constantRanges, writtenRanges } from './written-ranges.js';

/** Over this share of non-zero values lost, a layer is flagged `underflow`. */
export const UNDERFLOW_SHARE = 0.01;

/** The range of a layer in a format. */
export interface LayerRangeFigures extends Omit<MeasuredLayerRange, 'tensors' | 'reads'> {
  readonly tensors: readonly TensorRange[];
  readonly reads?: readonly TensorRange[];
  /** Of what it writes and holds; 0 where nothing of that was looked at. */
  readonly maxAbs: number;
  /** Elements that it writes or holds beyond the format's range, over all samples and weights. */
  readonly overflow: number;
  /** Share of the non-zero elements that become subnormal or zero: the worst tensor of the layer. */
  readonly underflow: number;
}

export interface LayerRange extends LayerRangeFigures {
  readonly layer: Layer;
}

export interface MeasuredLayerRanges {
  readonly ranges: ReadonlyMap<Layer, MeasuredLayerRange>;
  readonly sessions: number;
  readonly inferences: number;
}

/**
 * Measures the ranges of `layers`: of all their floating-point outputs and of their weights. `elements` tells how many
 * elements a tensor has, if known.
 */
export async function measureRanges(
  evaluation: Evaluation,
  layers: readonly Layer[],
  elements: (tensor: string) => number | undefined,
  options: WorkOptions = {},
): Promise<MeasuredLayerRanges> {
  const { model } = evaluation;
  const around = layers.map((layer) => surroundings(model, layer));
  const { tensors, sessions, inferences } = await writtenRanges(evaluation, around, elements, options);
  const constants = await constantRanges(evaluation, around, options);
  const ranges = new Map(
    around.map((one): [Layer, MeasuredLayerRange] => [one.layer, joinRange(model, one, tensors, constants)]),
  );
  return { ranges, sessions, inferences };
}

/** What `format` makes of a layer's values; `scale` is what the plan multiplies its inputs by before they are rounded. */
export function layerRangeIn(
  { tensors, reads, ...rest }: MeasuredLayerRange,
  format: FormatName,
  scale = 1,
): LayerRangeFigures {
  const inFormat = (one: MeasuredRange): TensorRange =>
    scale === 1 || one.kind === 'weight' || one.isUnscaled === true || !isFloatFormat(format)
      ? rangeIn(one, format)
      : scaledRangeIn(one, scale, format);
  const own = tensors.map(inFormat);
  return {
    ...rest,
    tensors: own,
    ...(reads === undefined ? {} : { reads: reads.map(inFormat) }),
    maxAbs: own.reduce((largest, one) => Math.max(largest, one.maxAbs), 0),
    overflow: own.reduce((sum, one) => sum + one.overflow, 0),
    underflow: own.reduce((worst, one) => Math.max(worst, lostShare(one)), 0),
  };
}

/** Whether something is beyond the largest number of a format inside a layer, though what it writes may not be. */
export function insideBeyond(
  { inside }: Pick<LayerRangeFigures, 'inside'>,
  largest: number,
): InsideSum | undefined {
  return inside !== undefined && inside.value > largest ? inside : undefined;
}

/** What the layer reads beyond the format's range, the largest first: rounding it as it is read makes it infinite. */
export function readBeyond({ reads = [] }: Pick<LayerRangeFigures, 'reads'>): readonly TensorRange[] {
  return reads.filter(({ overflow }) => overflow > 0).toSorted((a, b) => b.maxAbs - a.maxAbs);
}

/** Of what the layer reads, what loses so much by being rounded as it is read that this is worth a word, the worst first. */
export function readUnderflowing({ reads = [] }: Pick<LayerRangeFigures, 'reads'>): readonly TensorRange[] {
  return reads
    .filter((one) => lostShare(one) > UNDERFLOW_SHARE)
    .toSorted((a, b) => lostShare(b) - lostShare(a));
}

/** What of all that the layer reads is worth a word, each tensor once: what is beyond the format, then what underflows in it. */
export function readLosses(range: Pick<LayerRangeFigures, 'reads'>): readonly TensorRange[] {
  return [...new Set([...readBeyond(range), ...readUnderflowing(range)])];
}

/** The share of the non-zero values that become subnormal or zero. */
export function lostShare({ nonZero, underflow }: Pick<TensorRange, 'nonZero' | 'underflow'>): number {
  return nonZero === 0 ? 0 : underflow / nonZero;
}

/** How many elements a tensor of this shape has; undefined while a size is not known. */
export function shapeElements(shape: Shape | undefined): number | undefined {
  return shape?.reduce<number | undefined>(
    (product, size) => (product === undefined || typeof size !== 'number' ? undefined : product * size),
    1,
  );
}
