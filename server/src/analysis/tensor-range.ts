/**
 * The range of one tensor: its largest value with its place, and what a format makes of its values. Weights are
 * read by the compute process, from the file they lie in.
 */
import { tensorBytes, tensorLocation, weightsFolder, type Model, type Tensor } from '../onnx/index.js';
import type { Layer } from '../plan/index.js';
import type { RangeFigures, Runtime, TensorContent } from '../runtime/index.js';

export interface TensorRange {
  readonly tensor: string;
  readonly kind: 'output' | 'weight';
  readonly elements: number;
  readonly maxAbs: number;
  /** Where the largest value is: the sample (absent for a weight) and the flat index. */
  readonly sample: number | undefined;
  readonly index: number;
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
  signal?: AbortSignal,
): Promise<ReadonlyMap<Tensor, TensorRange>> {
  const ranges = new Map<Tensor, TensorRange>();
  for (const weight of new Set(layers.flatMap((layer) => layer.weights))) {
    const content = weightContent(model, weight);
    if (content === undefined) continue;
    const handle = await runtime.put(weight.dataType, weight.dims, content, signal);
    const [figures] = await runtime.ranges(handle, [format], signal);
    await runtime.release([handle]);
    if (figures !== undefined) ranges.set(weight, tensorRange(weight.name, 'weight', figures, undefined));
  }
  return ranges;
}

/** The layers with a weight beyond the range of `format`, each with its worst weight. */
export async function layersBeyondRange(
  runtime: Runtime,
  model: Model,
  layers: readonly Layer[],
  format: 'fp16' | 'bf16',
  signal?: AbortSignal,
): Promise<ReadonlyMap<Layer, TensorRange>> {
  const ranges = await weightRanges(runtime, model, layers, format, signal);
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
