/** Ranges of layers and of weights, answered by the store where it knows them. They are kept whatever the format. */
import type { FloatFormatName, FormatName } from '../../formats/index.js';
import type { Layer } from '../../plan/index.js';
import type { Model } from '../../onnx/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import type { MeasuredLayerRange } from './layer-surroundings.js';
import { layerRangeIn, measureRanges, type LayerRange } from './ranges.js';
import { NO_EFFORT, type Effort, type Results } from '../remembered.js';
import { layersBeyondRange } from './tensor-range.js';

export interface KnownRanges extends Effort {
  readonly ranges: readonly LayerRange[];
}

/** How many elements each tensor has; asked for only where something is measured. */
export type ElementCounter = () => Promise<(tensor: string) => number | undefined>;

/** The ranges of `layers` in `format`. They are kept together, since one run finds them all. */
export async function knownRanges(
  results: Results,
  layers: readonly Layer[],
  format: FormatName,
  counter: ElementCounter,
  options: WorkOptions = {},
): Promise<KnownRanges> {
  const kept = await keptRanges(results);
  const missing = layers.filter((layer) => !kept.has(layer.nodeIndex));
  let effort: Effort = NO_EFFORT;
  if (missing.length > 0) {
    const evaluation = await results.evaluation();
    const measured = await measureRanges(evaluation, missing, await counter(), options);
    for (const [layer, range] of measured.ranges) kept.set(layer.nodeIndex, range);
    await results.keep(RANGES, NO_RECIPE, kept);
    effort = measured;
  }
  const { sessions, inferences } = effort;
  return { ranges: rangesIn(kept, layers, format), sessions, inferences };
}

/** The ranges as far as the store has them. */
export async function storedRanges(
  results: Results,
  layers: readonly Layer[],
  format: FormatName,
): Promise<readonly LayerRange[]> {
  return rangesIn(await keptRanges(results), layers, format);
}

/** Whoever changes what is kept changes this name: what lies under an older one is then not found. */
const RANGES = 'layer-ranges-read-and-written';
const NO_RECIPE = {};

async function keptRanges(results: Results): Promise<Map<number, MeasuredLayerRange>> {
  const found = await results.find(RANGES, NO_RECIPE);
  return found instanceof Map
    ? (found as Map<number, MeasuredLayerRange>)
    : new Map<number, MeasuredLayerRange>();
}

/** What a format makes of ranges that are kept, by index of the layer's node. */
export function rangesIn(
  kept: ReadonlyMap<number, MeasuredLayerRange>,
  layers: readonly Layer[],
  format: FormatName,
): LayerRange[] {
  return layers.flatMap((layer) => {
    const own = kept.get(layer.nodeIndex);
    return own === undefined ? [] : [{ layer, ...layerRangeIn(own, format) }];
  });
}

/** Which of `layers` have a weight beyond the range of `format`: what `layersBeyondRange` finds, kept. */
export async function knownBeyondRange(
  results: Results,
  model: Model,
  layers: readonly Layer[],
  format: FloatFormatName,
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
