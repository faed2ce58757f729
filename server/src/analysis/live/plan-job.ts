/**
 * The work on one plan, from what an editor needs first to what takes longest: the verdict on its tolerances, local
 * errors, ranges, measured errors, latency. Each step is answered by the store where it can be and published as soon as it
 * is known; one that fails leaves the others to be done. Knows no queue and no editor.
 */
import { errorsAmong } from '../../language/index.js';
import {
  drawsRandomNumbers,
  inferredShapes,
  integerRanges,
  rangesText,
  type BoundPlan,
  type Layer,
  type LayerDecision,
} from '../../plan/index.js';
import { floatingOutputs, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { knownLocalErrors, knownMeasuredErrors, storedMeasuredErrors } from '../errors/known-errors.js';
import { knownRanges } from '../ranges/known-ranges.js';
import { decisionsText, knownVerdict, measurementRecipe } from '../measurement/known-verdict.js';
import { USUAL_DRAWS } from '../measurement/noise.js';
import { ownMetricFaults } from '../findings/own-metric-faults.js';
import {
  knownFits,
  predictorFrom,
  storedPredictor,
  type MeasuredPlan,
  type Predictor,
} from '../prediction/index.js';
import { shapeElements } from '../ranges/ranges.js';
import { withRanges } from '../ranges/planned-ranges.js';
import { withStore, type Recipe, type Results } from '../remembered.js';
import { type Sample } from '../samples/index.js';
import { knownSketch, sketchedOutputs } from '../sketch/index.js';
import { knownSupport, namedTargets } from '../targets/index.js';
import { watchFiles } from '../watched-files.js';
import { plannedWeightsText, withPlannedWeights } from '../ranges/weights-as-planned.js';
import type { JobContext } from './job-context.js';
import { JobSteps } from './job-steps.js';
import { latencyNumbers } from './latency-numbers.js';
import { identityOf, usableSamples } from './job-subject.js';
import { layersAllowingSteps } from './layers-allowing.js';
import { lowFormat } from './low-format.js';
import { ArrivingErrors, namedFigures, withShare } from './measuring.js';
import type { LayerRangeNumbers, LayerSensitivity, PlanNumbers } from './numbers.js';
import { flippedOptionsSteps, learnOptions } from './options-of-layers.js';
import { modelNumber, planKeys } from './plan-keys.js';
import { localSensitivities, withMeasured } from './sensitivities.js';

type LowFormat = PlanNumbers['format'];
type Sensitivities = ReadonlyMap<string, LayerSensitivity>;
export type Publish = (change: Partial<PlanNumbers>) => void;
/** Told of what predicts the plan from now on, whatever becomes of it. */
export type Learnt = (predictor: Predictor) => void;

export interface JobListener {
  readonly publish: Publish;
  readonly learnt: Learnt;
  /** What is shown of the plan by now. */
  readonly shown: () => Pick<PlanNumbers, 'verdict' | 'verdictOf'>;
}

/**
 * Does all the work on `plan` that the store cannot answer. Gives what went wrong in steps without which the others
 * could be done.
 * @throws {ModelChanged} the plan has to be bound again; nothing that was measured since is kept
 */
export async function runPlanJob(
  context: JobContext,
  plan: BoundPlan,
  { publish, learnt, shown }: JobListener,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const files = watchFiles(plan.model);
  publish({ state: 'working', message: 'samples', progress: undefined });
  const { verdict, verdictOf } = shown();
  let samples: readonly Sample[];
  try {
    samples = await context.samplesOf(planKeys(plan).samples, () => usableSamples(plan, signal));
  } catch (error) {
    // What was measured is of samples that are there no more.
    if (verdict !== undefined && !signal.aborted) publish({ verdictIsStale: true });
    throw error;
  }
  const identity = await identityOf(context, plan, samples, files, signal);
  if (verdict !== undefined && verdictOf !== identity.evaluation) publish({ verdictIsStale: true });
  const faults = await ownMetricFaults(context.runtime, plan, signal);
  publish({ faults });
  const [fault] = faults;
  if (fault !== undefined) throw new Error(fault.message);
  const progress = (done: number, total: number, message: string): void => {
    publish({ state: 'working', message, progress: { done, total } });
  };
  const options = { signal, progress };
  const format = lowFormat(plan);
  const ranges = integerRanges(plan.decisions, format);
  const steps = new JobSteps({
    ...{ context, model: plan.model, identity, ranges: rangesText(ranges) },
    ...{ samples, files, options },
  });
  const subject = { runtime: context.runtime, samples, evaluation: () => steps.evaluation() };
  const results = withStore(subject, context.store, identity, plan.model);
  const layers = await inSlices(layersAllowingSteps(plan, format));
  publish({ sampleNames: samples.map(({ name }) => name), format });
  await new PlanJob({
    context,
    identity: identity.evaluation,
    plan,
    publish,
    learnt,
    steps,
    results,
    layerResults: withRanges(results, ranges),
    options,
    format,
    layers,
  }).run();
  return steps.problems;
}

/** The predictor in which measurements stand where a sketch says too little. */
const CORRECTED = 'correcting the sketch';
/** What metrics make of errors. */
const FITS = 'learning what metrics make of errors';

interface PlanJobParts {
  readonly context: JobContext;
  readonly plan: BoundPlan;
  readonly publish: Publish;
  readonly learnt: Learnt;
  readonly steps: JobSteps;
  readonly results: Results;
  /** Those of layers in `format`, with its ranges as the plan has them. */
  readonly layerResults: Results;
  /** Of the model and the samples. */
  readonly identity: string;
  readonly options: WorkOptions;
  readonly format: LowFormat;
  /** The layers that can run in `format`. */
  readonly layers: readonly Layer[];
}

class PlanJob {
  /** What predicts the plan by now. */
  private current: Predictor | undefined;
  /** What was measured of the plan: those that it becomes next are predicted by it. */
  private measured: MeasuredPlan | undefined;
  /** Layers whose effect on the outputs can be told from chance. */
  private readonly measurable: readonly Layer[];

  constructor(private readonly parts: PlanJobParts) {
    this.measurable = parts.layers.filter((layer) => !drawsRandomNumbers(layer.node));
  }

  async run(): Promise<void> {
    await this.targets();
    await this.verdict();
    const local = await this.localErrors();
    const isMeasured = await this.sensitivity(local);
    await this.ranges();
    await this.predictor();
    await this.options();
    if (!isMeasured) await this.measuredErrors(local);
    await this.correctedPredictor();
    await this.metricFits();
    const { plan, layers, format } = this.parts;
    await this.options(await inSlices(flippedOptionsSteps(plan, layers, format)));
    await this.support();
    await this.latency();
  }

  /** Whether the targets that the plan names are there, and how they add up, on which the verdict depends. */
  private async targets(): Promise<void> {
    const { context, plan, steps, options } = this.parts;
    const named = namedTargets(plan);
    if (named.length === 0) return;
    const isNew = await steps.step('looking at targets', { named }, () =>
      context.targets.learn(named, options.signal),
    );
    if (isNew === true) context.targetsFound();
  }

  /** How the targets that the plan names run the layers that it lowers. */
  private async support(): Promise<void> {
    const { context, plan, publish, steps, results, options } = this.parts;
    const targets = namedTargets(plan).filter((target) => context.targets.find(target)?.usable === true);
    const recipe = { decisions: decisionsText(plan.decisions), targets };
    const found = await steps.step('trying operators', recipe, () =>
      knownSupport(plan, targets, results, { ...options, store: context.store }),
    );
    if (found !== undefined) publish({ support: found });
  }

  private async verdict(): Promise<void> {
    const { plan, publish, steps, results, options, identity } = this.parts;
    const recipe = measurementRecipe(plan, plan.decisions);
    const known = await steps.step('measuring the plan', recipe, () =>
      knownVerdict(results, plan, plan.decisions, USUAL_DRAWS, options),
    );
    if (known === undefined) return;
    const { verdicts, measurement } = known;
    this.measured = { decisions: plan.decisions, tolerances: measurement.tolerances };
    publish({
      verdict: { verdicts, outputs: measurement.outputs, samples: results.samples.length },
      verdictKey: planKeys(plan).verdict,
      verdictOf: identity,
      verdictIsStale: false,
    });
  }

  private async localErrors(): Promise<Sensitivities> {
    const { context, steps, layerResults: results, options, format, layers } = this.parts;
    const found = await steps.step('measuring layers by themselves', { format }, async (key) => {
      const known = context.local.get(key);
      if (known !== undefined) return { key, local: known };
      const { errors } = await knownLocalErrors(results, layers, format, options);
      const named = errors.map(({ layer: { name }, value, low, high }) => ({ name, value, low, high }));
      return { key, local: localSensitivities(named) };
    });
    if (found === undefined) return new Map();
    context.local.set(found.key, found.local);
    return found.local;
  }

  /** Shows what is known of sensitivities; tells whether that is all there is to know. */
  private async sensitivity(local: Sensitivities): Promise<boolean> {
    const { plan, context, steps, layerResults: results, format } = this.parts;
    const { tolerances } = plan;
    const key = steps.keyOf('measured', this.measuredRecipe());
    let errors = context.measured.get(key);
    const isComplete = errors !== undefined;
    if (errors === undefined) {
      const stored = await storedMeasuredErrors(results, this.measurable, format, tolerances);
      errors = stored.errors.map(namedFigures);
      if (stored.complete) {
        context.measured.set(key, errors);
        return this.sensitivity(local);
      }
    }
    const shared = errors.map((one) => withShare(one, tolerances));
    this.parts.publish({ sensitivity: withMeasured(local, shared, isComplete) });
    return isComplete;
  }

  private async measuredErrors(local: Sensitivities): Promise<void> {
    const { plan, context, publish, steps, layerResults: results, options, format } = this.parts;
    const { measurable } = this;
    const { tolerances } = plan;
    const recipe = this.measuredRecipe();
    const found = await steps.step('measuring the effect of each layer', recipe, async () => {
      const stored = await storedMeasuredErrors(results, measurable, format, tolerances);
      const known = stored.errors.map(namedFigures);
      const arriving = new ArrivingErrors(known, measurable.length, local, tolerances, publish);
      try {
        const finished = arriving.add.bind(arriving);
        return await knownMeasuredErrors(results, measurable, format, tolerances, { ...options, finished });
      } finally {
        arriving.end();
      }
    });
    if (found === undefined) return;
    context.measured.set(steps.keyOf('measured', recipe), found.errors.map(namedFigures));
    await this.sensitivity(local);
  }

  /** What was asked of the outputs; limits are compared with the answers. */
  private measuredRecipe(): Recipe {
    const { plan, format } = this.parts;
    return {
      format,
      tolerances: plan.tolerances.map(({ output, metric, over }) => ({ output, metric, over })),
    };
  }

  private async ranges(): Promise<void> {
    const { plan, context, publish, steps, results, options, format, layers } = this.parts;
    const shapes = inferredShapes(plan);
    const elements = (tensor: string): number | undefined => shapeElements(shapes.get(tensor));
    const asked = plannedWeightsText(plan.decisions, format);
    const found = await steps.step('looking at ranges', { format, asked }, async (key) => {
      const known = context.ranges.get(key);
      if (known !== undefined) return { key, ranges: known };
      const whole = await knownRanges(results, layers, format, () => Promise.resolve(elements), options);
      const ranges = await inSlices(withPlannedWeights(plan.model, whole.ranges, format, plan.decisions));
      const named = ranges.map(({ layer, ...range }): [string, LayerRangeNumbers] => [layer.name, range]);
      return { key, ranges: new Map(named) };
    });
    if (found === undefined) return;
    context.ranges.set(found.key, found.ranges);
    publish({ ranges: found.ranges });
  }

  /** Sketches the model, so that plans of it are predicted before they are measured. */
  private async predictor(): Promise<void> {
    const { plan, context, steps, layerResults: results, options, format } = this.parts;
    const { model, layers } = plan;
    const recipe = this.predictorRecipe();
    const corrected = context.predictors.get(steps.keyOf(CORRECTED, recipe));
    const found =
      corrected ??
      (await steps.step('sketching the model', recipe, async (key) => {
        const known = context.predictors.get(key);
        if (known !== undefined) return known;
        const sketch = await knownSketch(results, model, layers, format, recipe.outputs, options);
        const made = predictorFrom([{ sketch, errors: [] }]);
        context.predictors.set(key, made);
        return made;
      }));
    if (found !== undefined) this.learn(found);
  }

  /** What a sketch could not say is measured by now. Made once for a model, not at every change of its plan. */
  private async correctedPredictor(): Promise<void> {
    const { plan, context, steps, layerResults: results, format } = this.parts;
    const { model, layers, tolerances } = plan;
    const key = steps.keyOf(CORRECTED, this.predictorRecipe());
    if (context.predictors.get(key) !== undefined) return;
    const outputs = floatingOutputs(model);
    const predictor = await storedPredictor(results, model, layers, [format], outputs, tolerances);
    if (predictor === undefined) return;
    // While something is not measured yet, the next job may know more.
    const isComplete = context.measured.get(steps.keyOf('measured', this.measuredRecipe())) !== undefined;
    if (isComplete) context.predictors.set(key, predictor);
    this.current = predictor;
    // As they are known by now: a prediction that is shown stays.
    await this.options();
  }

  /** What options do in the plan as it is, and in the `flipped` decisions of single layers. */
  private async options(flipped: readonly LayerDecision[] = []): Promise<void> {
    const { current: predictor } = this;
    if (predictor === undefined) return;
    await learnOptions(predictor, [...this.parts.plan.decisions, ...flipped], this.parts);
    this.learn(predictor);
  }

  /** Learns what the plan's metrics make of errors, from a few plans of the same model. */
  private async metricFits(): Promise<void> {
    const { plan, context, steps, results, options, format } = this.parts;
    const { current: predictor } = this;
    if (predictor === undefined) return;
    const subject = {
      ...{ plan, format, tolerances: plan.tolerances },
      layers: plan.layers.filter((layer) => predictor.isKnown(layer, format)),
    };
    const found = await steps.step(FITS, this.fitsRecipe(), (key) => {
      const known = context.fits.get(key);
      return known === undefined ? knownFits(results, subject, options) : Promise.resolve({ fits: known });
    });
    if (found === undefined) return;
    context.fits.set(steps.keyOf(FITS, this.fitsRecipe()), found.fits);
    this.learn(predictor);
  }

  /** From now on it is this one that predicts the plan, with what is known of metrics. */
  private learn(predictor: Predictor): void {
    const { context, steps, learnt } = this.parts;
    this.current = predictor;
    const fits = context.fits.get(steps.keyOf(FITS, this.fitsRecipe()));
    if (fits !== undefined) predictor.learn(fits);
    if (this.measured !== undefined) predictor.learnPlan(this.measured);
    learnt(predictor);
  }

  private fitsRecipe(): Recipe {
    return { ...this.measuredRecipe(), model: modelNumber(this.parts.plan.model) };
  }

  private predictorRecipe(): Recipe & { readonly outputs: readonly string[] } {
    const { plan, format } = this.parts;
    const { model, tolerances } = plan;
    const outputs = sketchedOutputs(floatingOutputs(model), tolerances);
    return { format, outputs, model: modelNumber(model) };
  }

  /** What cannot be timed is worth a note: nothing else depends on it. */
  private async latency(): Promise<void> {
    const { plan, context, publish, steps, results, options } = this.parts;
    if (errorsAmong(plan.diagnostics).length > 0) {
      publish({ notes: ['Layers are timed once the plan has no errors.'] });
      return;
    }
    const recipe = { latency: planKeys(plan).latency };
    const work = (): ReturnType<typeof latencyNumbers> =>
      latencyNumbers(results, context.runtime, plan, options);
    const complaints: string[] = [];
    const found = await steps.step('timing layers', recipe, work, complaints);
    const isTimed = found !== undefined && !('problem' in found);
    // A model that cannot be run here is a fact of this machine: the plan's errors are known all the same.
    const reasons = complaints.map((reason) => `Layers cannot be timed: ${reason}`);
    if (found !== undefined && 'problem' in found) reasons.push(`Layers cannot be timed: ${found.problem}.`);
    publish({ latency: isTimed ? found : undefined, latencyIsStale: false, notes: reasons });
  }
}
