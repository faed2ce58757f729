/** What decisions do to the outputs and how sure that is, answered by the store where it knows them. */
import { exceeds, type Figure } from '../../metrics/index.js';
import {
  numericsText,
  precisionGraphSteps,
  type BoundPlan,
  type LayerDecision,
  type Tolerance,
} from '../../plan/index.js';
import { measure, type MeasureOptions, type Measurement, type OutputMeasurement } from './measurement.js';
import { inSlices } from '../sessions/in-slices.js';
import { noteMeasuredPlan } from './measured-plans.js';
import { judge, USUAL_DRAWS, withNoiseFloor, type ToleranceVerdict } from './noise.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { NO_EFFORT, effortOf, remembered, type Effort, type Recipe, type Results } from '../remembered.js';

/** A measurement over all samples, and what it took: nothing where it was known. */
export interface KnownMeasurement extends Effort {
  readonly measurement: Measurement;
}

export interface KnownVerdict extends Effort {
  readonly measurement: Measurement;
  readonly verdicts: readonly ToleranceVerdict[];
}

interface StoredMeasurement {
  readonly outputs: readonly OutputMeasurement[];
  readonly tolerances: readonly { readonly measured: number; readonly figures: readonly Figure[] }[];
  readonly at?: string;
}

const MEASUREMENT = 'measurement';
const NOISE = 'noise';

/** The measurement of `decisions`, emulated, over all samples. Of the plan itself note is taken, for predictions of others. */
export async function knownMeasurement(
  results: Results,
  plan: BoundPlan,
  decisions: readonly LayerDecision[],
  options: Pick<MeasureOptions, 'signal' | 'progress' | 'phase' | 'order'> = {},
): Promise<KnownMeasurement> {
  const known = await findMeasurement(results, plan, decisions);
  if (known !== undefined) {
    await noteMeasurement(results, plan, decisions, known);
    return { measurement: known, ...NO_EFFORT };
  }
  const graph = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, decisions));
  const found = await measure(await results.evaluation(), graph, plan.tolerances, options);
  const measurement = { ...found, at: new Date().toISOString() };
  await keepMeasurement(results, plan, decisions, measurement);
  await noteMeasurement(results, plan, decisions, measurement);
  return { measurement, sessions: 1, inferences: measurement.inferences };
}

async function noteMeasurement(
  results: Results,
  plan: BoundPlan,
  decisions: readonly LayerDecision[],
  { tolerances, at }: Measurement,
): Promise<void> {
  if (decisions !== plan.decisions || tolerances.length === 0) return;
  const figures = tolerances.map(({ tolerance: { output, metric, over }, measured }) => ({
    ...{ tolerance: { output, metric, over }, measured },
  }));
  await noteMeasuredPlan(results, { decisions, tolerances: figures, path: plan.path, at });
}

/** The measurement of `decisions`, if it is known. Limits may have changed since: whether tolerances hold is judged anew. */
export async function findMeasurement(
  results: Results,
  plan: BoundPlan,
  decisions: readonly LayerDecision[],
): Promise<Measurement | undefined> {
  const found = await results.find(MEASUREMENT, measurementRecipe(plan, decisions));
  return found === undefined ? undefined : relinked(plan.tolerances, found as StoredMeasurement);
}

/** Keeps a complete measurement of `decisions`. */
export async function keepMeasurement(
  results: Results,
  plan: BoundPlan,
  decisions: readonly LayerDecision[],
  { outputs, tolerances, at = new Date().toISOString() }: Measurement,
): Promise<void> {
  const stored: StoredMeasurement = {
    ...{ outputs, at },
    tolerances: tolerances.map(({ measured, figures }) => ({ measured, figures })),
  };
  await results.keep(MEASUREMENT, measurementRecipe(plan, decisions), stored);
}

/** The same with the noise floor of `draws` jitters and a verdict for each tolerance. */
export async function knownVerdict(
  results: Results,
  plan: BoundPlan,
  decisions: readonly LayerDecision[],
  draws: number,
  options: WorkOptions = {},
): Promise<KnownVerdict> {
  const { measurement, ...measured } = await knownMeasurement(results, plan, decisions, options);
  const { verdicts, ...noise } = await knownNoise(results, plan, decisions, measurement, draws, options);
  return { measurement, verdicts, ...effortOf(measured, noise) };
}

/** A verdict for each tolerance of a complete `measurement` of `decisions`. */
export async function knownNoise(
  results: Results,
  plan: BoundPlan,
  decisions: readonly LayerDecision[],
  measurement: Measurement,
  draws: number,
  options: WorkOptions = {},
): Promise<Effort & { readonly verdicts: readonly ToleranceVerdict[] }> {
  let effort: Effort = NO_EFFORT;
  const recipe = { ...measurementRecipe(plan, decisions), draws };
  const noises = await remembered<readonly number[]>(results, NOISE, recipe, async (evaluation) => {
    const graph = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, decisions));
    const { verdicts, ...took } = await withNoiseFloor(evaluation, graph, measurement, draws, options);
    effort = took;
    return verdicts.map((one) => one.noise);
  });
  return { verdicts: judged(measurement, noises), ...effort };
}

/** The verdict as far as the store has it, with the usual noise floor; undefined without one. */
export async function storedVerdict(results: Results, plan: BoundPlan): Promise<KnownVerdict | undefined> {
  const measurement = await findMeasurement(results, plan, plan.decisions);
  if (measurement === undefined) return undefined;
  const recipe = { ...measurementRecipe(plan, plan.decisions), draws: USUAL_DRAWS };
  const noises = await results.find(NOISE, recipe);
  if (noises === undefined) return undefined;
  return { measurement, verdicts: judged(measurement, noises as readonly number[]), ...NO_EFFORT };
}

function judged({ tolerances }: Measurement, noises: readonly number[]): ToleranceVerdict[] {
  return tolerances.map((one, index) => judge(one, noises[index] ?? 0));
}

/** What a measurement depends on beside model and samples. Limits are no part of it: they are compared with it. */
export function measurementRecipe(plan: BoundPlan, decisions: readonly LayerDecision[]): Recipe {
  const tolerances = plan.tolerances.map(({ output, metric, over }) => ({ output, metric, over }));
  return { decisions: decisionsText(decisions), tolerances };
}

const texts = new WeakMap<readonly LayerDecision[], string>();

/** All that decisions say of how a model is run, in graph order. Part of many keys, and put together once. */
export function decisionsText(decisions: readonly LayerDecision[]): string {
  const known = texts.get(decisions);
  if (known !== undefined) return known;
  const text = decisions
    .map(
      ({ format, overflow, numerics }) =>
        `${format}${overflow === 'error' ? '' : overflow}${numericsText(numerics)}`,
    )
    .join(' ');
  texts.set(decisions, text);
  return text;
}

function relinked(tolerances: readonly Tolerance[], stored: StoredMeasurement): Measurement {
  const measured = tolerances.flatMap((tolerance, index) => {
    const own = stored.tolerances[index];
    if (own === undefined) return [];
    return [{ tolerance, ...own, holds: !exceeds(own.measured, tolerance.operator, tolerance.limit) }];
  });
  return {
    tolerances: measured,
    outputs: stored.outputs,
    holds: measured.every((one) => one.holds),
    complete: true,
    inferences: 0,
    at: stored.at,
  };
}
