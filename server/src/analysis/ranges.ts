/**
 * The range of every layer: largest value with its sample and index, and what a format makes of the values of
 * its output and its weights: how many overflow, how many become subnormal or zero.
 */
import { exposed } from '../emulate/index.js';
import type { Layer } from '../plan/index.js';
import { tensorRange, weightRanges, type TensorRange } from './tensor-range.js';
import { EMULATION_SETTINGS, type Evaluation, type WorkOptions } from './evaluation.js';

/** Over this share of non-zero values lost, a layer is flagged `underflow`. */
export const UNDERFLOW_SHARE = 0.01;

export interface LayerRange {
  readonly layer: Layer;
  readonly tensors: readonly TensorRange[];
  readonly maxAbs: number;
  /** Elements beyond the format's range, over all samples and weights. */
  readonly overflow: number;
  /** Share of the non-zero elements that become subnormal or zero: the worst tensor of the layer. */
  readonly underflow: number;
}

/** Elements whose outputs are kept at a time; more layers than fit are measured in further sessions. */
const ELEMENTS_AT_A_TIME = 64 * 1024 * 1024;

/** Measures the ranges of `layers` for `format`. `elements` tells how many elements an output has, if known. */
export async function layerRanges(
  evaluation: Evaluation,
  layers: readonly Layer[],
  format: 'fp16' | 'bf16',
  elements: (tensor: string) => number | undefined,
  { signal, progress }: WorkOptions = {},
): Promise<{
  readonly ranges: readonly LayerRange[];
  readonly sessions: number;
  readonly inferences: number;
}> {
  const outputs = layers.map((layer) => layer.node.outputs.find((name) => name !== '') ?? '');
  const found = new Map<string, TensorRange>();
  const groups = groupBySize(outputs, elements);
  const total = groups.length * evaluation.feeds.length;
  let inferences = 0;
  for (const group of groups) {
    const session = await evaluation.runtime.open(
      {
        model: { bytes: exposed(evaluation.model, group).bytes, weightsFolder: evaluation.folder },
        ...EMULATION_SETTINGS,
      },
      signal,
    );
    try {
      for (const [sample, feed] of evaluation.feeds.entries()) {
        progress?.(inferences, total, 'ranges');
        const results = await evaluation.runtime.run(session, feed, group, signal);
        inferences += 1;
        for (const [tensor, handle] of Object.entries(results)) {
          const [figures] = await evaluation.runtime.ranges(handle, [format], signal);
          if (figures !== undefined)
            found.set(tensor, merge(found.get(tensor), tensorRange(tensor, 'output', figures, sample)));
        }
        await evaluation.runtime.release(Object.values(results));
      }
    } finally {
      await evaluation.runtime.close(session);
    }
  }
  const weights = await weightRanges(evaluation.runtime, evaluation.model, layers, format, signal);
  progress?.(total, total, 'ranges');
  const ranges = layers.map((layer, index) => {
    const own = [found.get(outputs[index] ?? ''), ...layer.weights.map((weight) => weights.get(weight))];
    return summarize(
      layer,
      own.filter((one) => one !== undefined),
    );
  });
  return { ranges, sessions: groups.length, inferences };
}

function groupBySize(
  tensors: readonly string[],
  elements: (tensor: string) => number | undefined,
): string[][] {
  const groups: string[][] = [];
  let current: string[] = [];
  let size = 0;
  for (const tensor of new Set(tensors)) {
    if (tensor === '') continue;
    const own = elements(tensor) ?? 0;
    if (current.length > 0 && size + own > ELEMENTS_AT_A_TIME) {
      groups.push(current);
      current = [];
      size = 0;
    }
    current.push(tensor);
    size += own;
  }
  if (current.length > 0) groups.push(current);
  return groups;
}

function merge(a: TensorRange | undefined, b: TensorRange): TensorRange {
  if (a === undefined) return b;
  const larger = b.maxAbs > a.maxAbs ? b : a;
  return {
    ...larger,
    elements: a.elements + b.elements,
    nonFinite: a.nonFinite + b.nonFinite,
    overflow: a.overflow + b.overflow,
    underflow: a.underflow + b.underflow,
    becomesZero: a.becomesZero + b.becomesZero,
    nonZero: a.nonZero + b.nonZero,
  };
}

function summarize(layer: Layer, tensors: readonly TensorRange[]): LayerRange {
  const share = (one: TensorRange): number => (one.nonZero === 0 ? 0 : one.underflow / one.nonZero);
  return {
    layer,
    tensors,
    maxAbs: tensors.reduce((largest, one) => Math.max(largest, one.maxAbs), 0),
    overflow: tensors.reduce((sum, one) => sum + one.overflow, 0),
    underflow: tensors.reduce((worst, one) => Math.max(worst, share(one)), 0),
  };
}
