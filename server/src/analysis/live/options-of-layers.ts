/**
 * What options of layers do, and layers in formats that are not sketched, for predictions in an editor: of the plan as it is, and of what a
 * flip makes of each layer, which has to be known before anyone flips. Knows what is asked; how it is measured is `prediction`'s.
 */
import type { BoundPlan, LayerDecision } from '../../plan/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import {
  knownOptionEffects,
  measuredAlone,
  storedOptionEffects,
  type FormatResults,
  type Predictor,
} from '../prediction/index.js';
import type { Results } from '../remembered.js';
import type { JobSteps } from './job-steps.js';

export interface OptionWork {
  readonly plan: BoundPlan;
  /** Of the model on the samples. */
  readonly results: Results;
  /** Of the formats that the plan uses. */
  readonly formats: readonly FormatResults[];
  readonly steps: JobSteps;
  readonly options: WorkOptions;
}

/** Told to the predictor as far as the store knows it, and then measured. Nothing is run or read where it knows all of it. */
export async function learnOptions(
  predictor: Predictor,
  decisions: readonly LayerDecision[],
  work: OptionWork,
): Promise<void> {
  await learnStoredOptions(predictor, decisions, work);
  const missing = predictor.unknownOptions(decisions);
  if (missing.length === 0) return;
  const recipe = { missing: missing.map(({ key, layer }) => [key, layer.nodeIndex]) };
  const what = 'measuring what options of layers do';
  const { steps, results, options } = work;
  const found = await steps.step(what, recipe, () => knownOptionEffects(results, missing, options));
  if (found !== undefined) predictor.learnOptions(found.squares);
}

/** As far as the store knows it. */
export async function learnStoredOptions(
  predictor: Predictor,
  decisions: readonly LayerDecision[],
  { plan, results, formats }: Pick<OptionWork, 'plan' | 'results' | 'formats'>,
): Promise<void> {
  const unknown = predictor.unknownOptions(decisions);
  if (unknown.length === 0) return;
  predictor.learnOptions(await measuredAlone(formats, unknown, plan.tolerances));
  predictor.learnOptions(await storedOptionEffects(results, predictor.unknownOptions(decisions)));
}
