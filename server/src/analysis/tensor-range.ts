/**
 * The range of one tensor: its largest value with its place, and what a format makes of its values. Weights are
 * read by the compute process, from the file they lie in.
 */
import { tensorBytes, tensorLocation, weightsFolder, type Model, type Tensor } from '../onnx/index.js';
import type { Layer } from '../plan/index.js';
import type { RangeFigures, Runtime, TensorContent } from '../runtime/index.js';
import type { WorkOptions } from './evaluation.js';

export interface TensorRange {
  readonly tensor: string;
  readonly kind: 'output' | 'weight';
  readonly elements: number;
  readonly maxAbs: number;
  /** Where the largest value is: the position of the sample (undefined for a weight) and the flat index in it. */
  readonly sample: number | undefined;
  readonly index: number;
  /** Elements that are infinite or NaN before any rounding. */
  readonly nonFinite: number;
  readonly overflow: number;
  readonly underflow: number;
  readonly becomesZero: number;
  readonly nonZero: number;
}

/** Range figures with the place that they are from. */
export function tensorRange(
  tensor: string,
  kind: 'output' | 'weight',
  figures: RangeFigures,
  sample: number | undefined,
): TensorRange {
  const { maxIndex, ...counts } = figures;
  return { tensor, kind, sample, index: maxIndex, ...counts };
}

/** What `format` makes of the weights of `layers`; weights that cannot be read are left out. */
export async function weightRanges(
  runtime: Runtime,
  model: Model,
  layers: readonly Layer[],
  format: 'fp16' | 'bf16',
  { signal, progress }: WorkOptions = {},
): Promise<ReadonlyMap<Tensor, TensorRange>> {
  const ranges = new Map<Tensor, TensorRange>();
  const weights = new Set(layers.flatMap((layer) => layer.weights));
  for (const [index, weight] of [...weights].entries()) {
    progress?.(index, weights.size, 'weights');
    const content = weightContent(model, weight);
    if (content === undefined) continue;
    const handle = await runtime.put(weight.dataType, weight.dims, content, signal);
    try {
      const [figures] = await runtime.ranges(handle, [format], signal);
      if (figures !== undefined) ranges.set(weight, tensorRange(weight.name, 'weight', figures, undefined));
    } finally {
      await runtime.release([handle]);
    }
  }
  progress?.(weights.size, weights.size, 'weights');
  return ranges;
}

/** The layers with a weight beyond the range of `format`, each with its worst weight. */
export async function layersBeyondRange(
  runtime: Runtime,
  model: Model,
  layers: readonly Layer[],
  format: 'fp16' | 'bf16',
  options: WorkOptions = {},
): Promise<ReadonlyMap<Layer, TensorRange>> {
  const ranges = await weightRanges(runtime, model, layers, format, options);
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

function weightContent(model: Model, weight: Tensor): TensorContent | undefined {
  const located = tensorLocation(weight, model);
  if ('location' in located && located.location !== undefined) {
    const { path, offset, length } = located.location;
    return { kind: 'file', path, offset, length };
  }
  const read = tensorBytes(weight, weightsFolder(model));
  return 'bytes' in read ? { kind: 'bytes', bytes: read.bytes } : undefined;
}
