/** Ranges of layers and of weights, answered by the store where it knows them. */
import type { Layer } from '../plan/index.js';
import type { Model } from '../onnx/index.js';
import type { WorkOptions } from './evaluation.js';
import { layerRanges, type LayerRange } from './ranges.js';
import { NO_EFFORT, type Effort, type Results } from './remembered.js';
import { layersBeyondRange } from './tensor-range.js';

export interface KnownRanges extends Effort {
  readonly ranges: readonly LayerRange[];
}

/** How many elements each tensor has; asked for only where something is measured. */
export type ElementCounter = () => Promise<(tensor: string) => number | undefined>;

type StoredRange = Omit<LayerRange, 'layer'>;

/** `layerRanges` of all layers that can run in `format`: they are kept together, since one run finds them all. */
export async function knownRanges(
  results: Results,
  layers: readonly Layer[],
  format: 'fp16' | 'bf16',
  counter: ElementCounter,
  options: WorkOptions = {},
): Promise<KnownRanges> {
  const recipe = { format };
  const kept = await keptRanges(results, format);
  const missing = layers.filter((layer) => !kept.has(layer.nodeIndex));
  let effort: Effort = NO_EFFORT;
  if (missing.length > 0) {
    const evaluation = await results.evaluation();
    const measured = await layerRanges(evaluation, missing, format, await counter(), options);
    for (const { layer, ...range } of measured.ranges) kept.set(layer.nodeIndex, range);
    await results.keep(RANGES, recipe, kept);
    effort = measured;
  }
  return { ranges: rangesIn(kept, layers), sessions: effort.sessions, inferences: effort.inferences };
}

/** The ranges as far as the store has them. */
export async function storedRanges(
  results: Results,
  layers: readonly Layer[],
  format: 'fp16' | 'bf16',
): Promise<readonly LayerRange[]> {
  return rangesIn(await keptRanges(results, format), layers);
}

const RANGES = 'layer-ranges';

async function keptRanges(results: Results, format: 'fp16' | 'bf16'): Promise<Map<number, StoredRange>> {
  const found = await results.find(RANGES, { format });
  return found instanceof Map ? (found as Map<number, StoredRange>) : new Map<number, StoredRange>();
}

function rangesIn(kept: ReadonlyMap<number, StoredRange>, layers: readonly Layer[]): LayerRange[] {
  return layers.flatMap((layer) => {
    const own = kept.get(layer.nodeIndex);
    return own === undefined ? [] : [{ layer, ...own }];
  });
}

/** Which of `layers` have a weight beyond the range of `format`: what `layersBeyondRange` finds, kept. */
export async function knownBeyondRange(
  results: Results,
  model: Model,
  layers: readonly Layer[],
  format: 'fp16' | 'bf16',
  options: WorkOptions = {},
): Promise<ReadonlySet<Layer>> {
  const recipe = { format };
  const found = await results.find('weights-beyond', recipe);
  const kept = found instanceof Map ? (found as Map<number, boolean>) : new Map<number, boolean>();
  const missing = layers.filter((layer) => !kept.has(layer.nodeIndex));
  if (missing.length > 0) {
    const beyond = await layersBeyondRange(results.runtime, model, missing, format, options);
    for (const layer of missing) kept.set(layer.nodeIndex, beyond.has(layer));
    await results.keep('weights-beyond', recipe, kept);
  }
  return new Set(layers.filter((layer) => kept.get(layer.nodeIndex) === true));
}
