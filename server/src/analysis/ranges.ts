/**
 * The range of every layer: largest value with its sample and index, and what a format makes of the values of
 * its outputs and its weights: how many overflow, how many become subnormal or zero.
 */
import { exposedSteps } from '../emulate/index.js';
import type { Shape } from '../onnx/index.js';
import { isFloating, isInMainGraph, modelFacts, type Layer } from '../plan/index.js';
import { tensorRange, weightRanges, type TensorRange } from './tensor-range.js';
import { EMULATION_SETTINGS, type Evaluation, type WorkOptions } from './evaluation.js';
import { inSlices } from './in-slices.js';

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

/** Elements whose outputs are kept at a time (256 MB); more than fit are measured in further sessions. */
const ELEMENTS_AT_A_TIME = 64 * 1024 * 1024;
/** What an output whose size is not known is taken for. */
const UNKNOWN_ELEMENTS = ELEMENTS_AT_A_TIME / 32;

/**
 * Measures the ranges of `layers` for `format`: of all their floating-point outputs and of their weights. `elements`
 * tells how many elements an output has, if known.
 */
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
  const { runtime, model, feeds } = evaluation;
  const facts = modelFacts(model);
  // What is written inside a sub-graph or function cannot be seen from outside: there only weights are looked at.
  const outputs = layers.map(({ node, nodeIndex }) =>
    isInMainGraph(model, nodeIndex) ? node.outputs.filter((name) => isFloating(facts.elementType(name))) : [],
  );
  const groups = groupBySize(new Set(outputs.flat()), elements);
  const total = groups.length * feeds.length;
  const found = new Map<string, TensorRange>();
  let inferences = 0;
  for (const group of groups) {
    const { bytes } = await inSlices(exposedSteps(model, group));
    const request = { model: { bytes, weightsFolder: evaluation.folder }, ...EMULATION_SETTINGS };
    const session = await runtime.open(request, signal);
    try {
      for (const [sample, feed] of feeds.entries()) {
        progress?.(inferences, total, 'ranges');
        const results = await runtime.run(session, feed, group, signal);
        inferences += 1;
        try {
          for (const [tensor, handle] of Object.entries(results)) {
            const [figures] = await runtime.ranges(handle, [format], signal);
            if (figures === undefined) continue;
            found.set(tensor, merge(found.get(tensor), tensorRange(tensor, 'output', figures, sample)));
          }
        } finally {
          await runtime.release(Object.values(results));
        }
      }
    } finally {
      await runtime.close(session);
    }
  }
  progress?.(total, total, 'ranges');
  const weights = await weightRanges(runtime, model, layers, format, { signal, progress });
  const ranges = layers.map((layer, index) => {
    const written = (outputs[index] ?? []).map((name) => found.get(name));
    const own = [...written, ...layer.weights.map((weight) => weights.get(weight))];
    return summarize(
      layer,
      own.filter((one) => one !== undefined),
    );
  });
  return { ranges, sessions: groups.length, inferences };
}

function groupBySize(
  tensors: ReadonlySet<string>,
  elements: (tensor: string) => number | undefined,
): string[][] {
  const groups: string[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const tensor of tensors) {
    const own = elements(tensor) ?? UNKNOWN_ELEMENTS;
    if (size + own > ELEMENTS_AT_A_TIME) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)?.push(tensor);
    size += own;
  }
  return groups;
}

function merge(a: TensorRange | undefined, b: TensorRange): TensorRange {
  if (a === undefined) return b;
  const larger = b.maxAbs > a.maxAbs || a.index < 0 ? b : a;
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

/** How many elements a tensor of this shape has; undefined while a size is not known. */
export function shapeElements(shape: Shape | undefined): number | undefined {
  return shape?.reduce<number | undefined>(
    (product, size) => (product === undefined || typeof size !== 'number' ? undefined : product * size),
    1,
  );
}
