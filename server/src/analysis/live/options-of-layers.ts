/**
 * What options of layers do, for predictions in an editor: of the plan as it is, and of what a flip makes of each layer, which has
 * to be known before anyone flips. Knows what is asked; how it is measured is `prediction`'s.
 */
import type { LowFormatName } from '../../formats/index.js';
import { isStep, type Steps } from '../../onnx/index.js';
import {
  layerInFormat,
  numericsOf,
  usualAccumulation,
  type BoundPlan,
  type Layer,
  type LayerDecision,
} from '../../plan/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { knownOptionEffects, storedOptionEffects, type Predictor } from '../prediction/index.js';
import type { Results } from '../remembered.js';
import type { JobSteps } from './job-steps.js';

/** Told to the predictor as far as the store knows it, and then measured. Nothing is run or read where it knows all of it. */
export async function learnOptions(
  predictor: Predictor,
  decisions: readonly LayerDecision[],
  { results, steps, options }: OptionWork,
): Promise<void> {
  const unknown = predictor.unknownOptions(decisions);
  if (unknown.length === 0) return;
  predictor.learnOptions(await storedOptionEffects(results, unknown));
  const missing = predictor.unknownOptions(decisions);
  if (missing.length === 0) return;
  const recipe = { missing: missing.map(({ key, layer }) => [key, layer.nodeIndex]) };
  const what = 'measuring what options of layers do';
  const found = await steps.step(what, recipe, () => knownOptionEffects(results, missing, options));
  if (found !== undefined) predictor.learnOptions(found.squares);
}

export interface OptionWork {
  readonly results: Results;
  readonly steps: JobSteps;
  readonly options: WorkOptions;
}

/** Each of `layers` as a flip into `format` decides it, where that is more than the format; a few at a time. */
export function* flippedOptionsSteps(
  plan: BoundPlan,
  layers: readonly Layer[],
  format: LowFormatName,
): Steps<readonly LayerDecision[]> {
  const flipped: LayerDecision[] = [];
  for (const [index, layer] of layers.entries()) {
    if (isStep(index)) yield;
    const usual = usualAccumulation(plan, layer, format);
    const numerics = numericsOf(plan.model, layer, format, undefined, usual);
    if (numerics !== undefined) flipped.push({ ...layerInFormat(layer, format), numerics });
  }
  return flipped;
}
