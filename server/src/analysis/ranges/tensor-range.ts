/**
 * The range of one tensor: its largest value with its place, how its values are spread, and what a format makes of them.
 * Weights are read by the compute process, from the file they lie in.
 */
import {
  integerLossOf,
  isFloatFormat,
  lossOf,
  mergeHistograms,
  recommendedScale,
  scaledHistogram,
  thresholdsOf,
  type FloatFormatName,
  type FormatLoss,
  type FormatName,
  type Histogram,
} from '../../formats/index.js';
import { tensorBytes, tensorLocation, weightsFolder, type Model, type Tensor } from '../../onnx/index.js';
import type { Layer } from '../../plan/index.js';
import type { RangeFigures, Runtime, SquareGroups, TensorContent } from '../../runtime/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';

/** What was found of a tensor, whatever the format. */
export interface MeasuredRange {
  readonly tensor: string;
  /** `input`: what a layer reads of what was written elsewhere, or is given to the model. */
  readonly kind: 'output' | 'weight' | 'input';
  readonly elements: number;
  readonly maxAbs: number;
  /** Where the largest value is: the position of the sample (undefined for a weight) and the flat index in it. */
  readonly sample: number | undefined;
  readonly index: number;
  /** Sum of the squares of the finite elements. */
  readonly squares: number;
  readonly histogram: Histogram;
  /** Of what a layer reads: a scale that the plan gives the layer is not one of this. */
  readonly isUnscaled?: true;
  /** Where the original itself has NaN: how many, and the position of the first sample that has any. */
  readonly nan?: { readonly count: number; readonly sample: number | undefined };
}

/** The same with what a format makes of the values. */
export interface TensorRange extends MeasuredRange, FormatLoss {
  /** Elements that are infinite or NaN before any rounding. */
  readonly nonFinite: number;
  /** The power of two that would suit the values best (`recommendedScale`). */
  readonly scale: number;
}

/** Figures of the compute process with the place that they are from. */
export function measuredRange(
  tensor: string,
  kind: MeasuredRange['kind'],
  { elements, maxAbs, maxIndex, squares, nan, histogram }: RangeFigures,
  sample: number | undefined,
): MeasuredRange {
  const range = { tensor, kind, elements, maxAbs, sample, index: maxIndex, squares, histogram };
  return nan === 0 ? range : { ...range, nan: { count: nan, sample } };
}

/** The range of a tensor over the samples of both. */
export function mergeRanges(a: MeasuredRange | undefined, b: MeasuredRange): MeasuredRange {
  if (a === undefined) return b;
  const { nan: _, ...larger } = b.maxAbs > a.maxAbs || a.index < 0 ? b : a;
  const first = a.nan ?? b.nan;
  const count = (a.nan?.count ?? 0) + (b.nan?.count ?? 0);
  return {
    ...larger,
    ...(first === undefined ? {} : { nan: { count, sample: first.sample } }),
    elements: a.elements + b.elements,
    squares: a.squares + b.squares,
    histogram: mergeHistograms(a.histogram, b.histogram),
  };
}

/** What `format` makes of the values. */
export function rangeIn(range: MeasuredRange, format: FormatName): TensorRange {
  const { histogram, maxAbs } = range;
  const isFloat = isFloatFormat(format);
  return {
    ...range,
    ...(isFloat ? lossOf(histogram, format) : integerLossOf(histogram, maxAbs, format)),
    nonFinite: histogram.nonFinite,
    // An integer format has a scale of its own, which suits the values as it is.
    scale: isFloat ? recommendedScale(histogram, maxAbs, format) : 1,
  };
}

/**
 * The same where the values are multiplied by a power of two before they are rounded. Counts are exact to the bins of the
 * histogram, and whether anything overflows is exact.
 */
export function scaledRangeIn(range: MeasuredRange, scale: number, format: FloatFormatName): TensorRange {
  const own = rangeIn(range, format);
  const loss = lossOf(scaledHistogram(range.histogram, scale), format);
  const overflows = range.maxAbs * scale >= thresholdsOf(format).overflow;
  return { ...own, ...loss, overflow: overflows ? Math.max(loss.overflow, 1) : 0 };
}

/** Square root of the mean square of the finite elements; 0 where there are none. */
export function rootMeanSquare({ squares, elements, histogram }: MeasuredRange): number {
  const finite = elements - histogram.nonFinite;
  return finite === 0 ? 0 : Math.sqrt(squares / finite);
}

/** What was found of a constant. */
export interface ConstantRange {
  readonly range: MeasuredRange;
  /** The largest sum of squares over each kind of group that was asked for. */
  readonly largestSquares: readonly number[];
}

/** The range of a constant's values; undefined where they cannot be read. */
export async function constantRange(
  runtime: Runtime,
  model: Model,
  constant: Tensor,
  groups: readonly SquareGroups[],
  signal: AbortSignal | undefined,
): Promise<ConstantRange | undefined> {
  const content = constantContent(model, constant);
  if (content === undefined) return undefined;
  const handle = await runtime.put(constant.dataType, constant.dims, content, signal);
  try {
    const figures = await runtime.ranges(handle, groups, signal);
    const range = measuredRange(constant.name, 'weight', figures, undefined);
    return { range, largestSquares: figures.largestSquares };
  } finally {
    await runtime.release([handle]);
  }
}

/** The layers with a weight beyond the range of `format`, each with its worst weight. Weights that cannot be read are left out. */
export async function layersBeyondRange(
  runtime: Runtime,
  model: Model,
  layers: readonly Layer[],
  format: FloatFormatName,
  { signal, progress }: WorkOptions = {},
): Promise<ReadonlyMap<Layer, TensorRange>> {
  const ranges = new Map<Tensor, TensorRange>();
  const weights = new Set(layers.flatMap((layer) => layer.weights));
  for (const [index, weight] of [...weights].entries()) {
    progress?.(index, weights.size, 'weights');
    const found = await constantRange(runtime, model, weight, [], signal);
    if (found !== undefined) ranges.set(weight, rangeIn(found.range, format));
  }
  progress?.(weights.size, weights.size, 'weights');
  const beyond = new Map<Layer, TensorRange>();
  for (const layer of layers) {
    for (const weight of layer.weights) {
      const range = ranges.get(weight);
      const worst = beyond.get(layer);
      if (range === undefined || range.overflow === 0) continue;
      if (worst === undefined || range.maxAbs > worst.maxAbs) beyond.set(layer, range);
    }
  }
  return beyond;
}

function constantContent(model: Model, constant: Tensor): TensorContent | undefined {
  const located = tensorLocation(constant, model);
  if ('location' in located && located.location !== undefined) {
    const { path, offset, length } = located.location;
    return { kind: 'file', path, offset, length };
  }
  const read = tensorBytes(constant, weightsFolder(model));
  return 'bytes' in read ? { kind: 'bytes', bytes: read.bytes } : undefined;
}
