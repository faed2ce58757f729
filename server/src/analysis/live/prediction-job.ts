/**
 * What predicts a plan, made ready in the background: sketches of the formats that it uses, what options of its layers do, what metrics make
 * of errors. A format that few layers have is measured layer by layer where that costs less than a sketch. Knows no numbers of
 * layers but those that stand in for a sketch.
 */
import { LOW_FORMAT_NAMES, type LowFormatName } from '../../formats/index.js';
import type { BoundPlan, Layer, LayerDecision } from '../../plan/index.js';
import {
  knownFits,
  predictorFrom,
  learnMeasuredPlans,
  storedPredictor,
  type Predictor,
} from '../prediction/index.js';
import type { MeasuredPlan } from '../measurement/measured-plans.js';
import type { Recipe, Results } from '../remembered.js';
import { floatingOutputs, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { knownSketch, sketchedOutputs, sketchIfCheaper, storedSketch, type Sketch } from '../sketch/index.js';
import { LINE_FORMATS } from './flipped-layers.js';
import type { FormatJob } from './format-job.js';
import type { JobContext } from './job-context.js';
import type { JobSteps } from './job-steps.js';
import { learnOptions, learnStoredOptions } from './options-of-layers.js';
import type { OptionedError } from './numbers.js';
import { optionedErrorSteps } from './optioned-errors.js';
import { modelNumber } from './plan-keys.js';

/** Told of what predicts the plan from now on, whatever becomes of it. */
export type Learnt = (predictor: Predictor) => void;

export interface PredictionJobParts {
  readonly context: JobContext;
  readonly plan: BoundPlan;
  readonly steps: JobSteps;
  /** Of the model on the samples. */
  readonly results: Results;
  readonly options: WorkOptions;
  /** Of the format that most low layers have. */
  readonly main: FormatJob;
  /** Of the others that the plan uses. */
  readonly others: readonly FormatJob[];
  readonly learnt: Learnt;
}

/** What a sketch of a format depends on. */
type SketchedFormat = Pick<FormatJob, 'format' | 'results' | 'rangesKey'>;

/** A predictor from sketches alone. */
const SKETCHED = 'predicting from sketches';
/** One in which measurements stand where a sketch says too little. */
const CORRECTED = 'correcting the sketch';
/** What metrics make of errors. */
const FITS = 'learning what metrics make of errors';

export class PredictionJob {
  /** What predicts the plan by now. */
  private current: Predictor | undefined;
  /** What was measured of the plan: those that it becomes next are predicted by it. */
  private measured: MeasuredPlan | undefined;
  /** Of the formats that are sketched, those that this job made. */
  private readonly sketches = new Map<LowFormatName, Sketch>();
  /** Formats that are sketched, by now. */
  private formats: readonly SketchedFormat[];
  /** Formats that flips may bring along. */
  private readonly ofFlips: readonly SketchedFormat[];

  constructor(private readonly parts: PredictionJobParts) {
    const { context, results, main, others } = parts;
    this.ofFlips = LINE_FORMATS.filter(
      (format) => !this.formatsOfPlan.some((one) => one.format === format),
    ).map((format) => ({ format, results, rangesKey: '' }));
    const isSketched = (one: SketchedFormat): boolean => context.sketched.get(this.sketchKey(one)) === true;
    this.formats = [main, ...[...others, ...this.ofFlips].filter(isSketched)];
  }

  /** Sketches the model, so that plans of it are predicted before they are measured. */
  async sketch(measured: MeasuredPlan | undefined): Promise<void> {
    this.measured = measured;
    await this.rebuild();
    for (const one of this.parts.others) await this.knowOther(one);
  }

  /** What a sketch could not say is measured by now. Made once for a model, not at every change of its plan. */
  async correct(): Promise<void> {
    const { plan, context, steps, main, others } = this.parts;
    const { model, layers, tolerances, decisions } = plan;
    const key = steps.keyOf(CORRECTED, this.predictorRecipe());
    // Of other formats than the first only the plan's own layers are measured, which may be more by now.
    const isKnown = context.predictors.get(key)?.predict(decisions).missing.length === 0;
    if (context.predictors.get(key) !== undefined && (isKnown || others.length === 0)) return;
    const predictor = await storedPredictor(this.formats, model, layers, floatingOutputs(model), tolerances);
    if (predictor === undefined) return;
    // While something is not measured yet, the next job may know more.
    if ([main, ...others].every(({ isMeasured }) => isMeasured)) context.predictors.set(key, predictor);
    this.current = predictor;
    await this.learnKnown(predictor);
    // As they are known by now: a prediction that is shown stays.
    await this.options();
  }

  /** What options do in the plan as it is, and in the `flipped` decisions of single layers. */
  async options(flipped: readonly LayerDecision[] = []): Promise<void> {
    const { current } = this;
    if (current === undefined) return;
    const asked = [...this.parts.plan.decisions, ...flipped];
    await learnOptions(current, asked, { ...this.parts, formats: this.formatsOfPlan });
    this.learn(current);
  }

  /**
   * What flips would do, of which each decides one layer. A format that only they bring along is sketched, too, where that costs less than
   * to measure each layer that may have it.
   */
  async flips(flipped: readonly LayerDecision[]): Promise<void> {
    for (const one of this.ofFlips) {
      const asked = this.current
        ?.unknownOptions(flipped)
        .filter(({ decision: { format } }) => format === one.format);
      if (asked === undefined || asked.length === 0) continue;
      const layers = [...new Set(asked.map(({ layer }) => layer))];
      const sketch = await this.sketchUnlessDear(one, layers);
      if (sketch === undefined) continue;
      await this.useSketch(one, sketch);
      // What was measured in place of the other sketches still is.
      await this.correct();
    }
    await this.options(flipped);
  }

  /** What layers with options do by themselves, as far as that is known by now. */
  async optioned(): Promise<ReadonlyMap<string, OptionedError>> {
    const { current } = this;
    return current === undefined ? new Map() : await inSlices(optionedErrorSteps(this.parts.plan, current));
  }

  /** Learns what the plan's metrics make of errors, from a few plans of the same model. */
  async metricFits(): Promise<void> {
    const { plan, context, steps, results, options, main } = this.parts;
    const { current } = this;
    if (current === undefined) return;
    const { format } = main;
    const subject = {
      ...{ plan, format, tolerances: plan.tolerances },
      layers: plan.layers.filter((layer) => current.isKnown(layer, format)),
    };
    const found = await steps.step(FITS, this.fitsRecipe(), (key) => {
      const known = context.fits.get(key);
      return known === undefined ? knownFits(results, subject, options) : Promise.resolve({ fits: known });
    });
    if (found === undefined) return;
    context.fits.set(steps.keyOf(FITS, this.fitsRecipe()), found.fits);
    this.learn(current);
  }

  /** A format that the plan uses beside the first: sketched where that costs less than to measure the layers that have it. */
  private async knowOther(one: FormatJob): Promise<void> {
    const { current } = this;
    if (current === undefined || this.formats.includes(one)) return;
    const { plan } = this.parts;
    const { model, layers } = plan;
    const stored = await storedSketch(one.results, model, layers, one.format, this.outputs);
    if (stored !== undefined) {
      await this.useSketch(one, stored);
      return;
    }
    const isOwn = ({ format, numerics }: LayerDecision): boolean =>
      format === one.format || numerics?.weights === one.format;
    // What is measured already need not be sketched.
    if (!current.unknownOptions(plan.decisions).some(({ decision }) => isOwn(decision))) return;
    await this.findOther(
      one,
      plan.decisions.filter(isOwn).map(({ layer }) => layer),
    );
  }

  /** By whichever is less work: a sketch, or `layers` one by one. */
  private async findOther(one: FormatJob, layers: readonly Layer[]): Promise<void> {
    const sketch = await this.sketchUnlessDear(one, layers);
    if (sketch !== undefined) {
      await this.useSketch(one, sketch);
      return;
    }
    await one.measuredErrors();
    await this.options();
  }

  /** The sketch of a format where it is known, or costs less than to measure `layers`. */
  private async sketchUnlessDear(one: SketchedFormat, layers: readonly Layer[]): Promise<Sketch | undefined> {
    const { steps, options, plan } = this.parts;
    const { model, layers: all, tolerances } = plan;
    const { format, results } = one;
    const subject = { model, all, layers, format, tolerances, floatOutputs: floatingOutputs(model) };
    return await steps.step('sketching the model', this.sketchRecipe(one, layers), () =>
      sketchIfCheaper(results, subject, options),
    );
  }

  private async useSketch(one: SketchedFormat, sketch: Sketch): Promise<void> {
    this.sketches.set(one.format, sketch);
    this.formats = [...this.formats, one];
    await this.rebuild();
  }

  /** What predicts from the formats that are sketched. */
  private async rebuild(): Promise<void> {
    const { plan, context, steps, options } = this.parts;
    const recipe = this.predictorRecipe();
    const key = steps.keyOf(SKETCHED, recipe);
    let found = context.predictors.get(steps.keyOf(CORRECTED, recipe)) ?? context.predictors.get(key);
    const isNew = found === undefined;
    if (found === undefined) {
      const known: { readonly sketch: Sketch; readonly errors: [] }[] = [];
      for (const one of this.formats) {
        const { format, results } = one;
        const sketch =
          this.sketches.get(format) ??
          (await steps.step('sketching the model', this.sketchRecipe(one), () =>
            knownSketch(results, plan.model, plan.layers, format, this.outputs, options),
          ));
        if (sketch === undefined) return;
        this.sketches.set(format, sketch);
        known.push({ sketch, errors: [] });
      }
      found = predictorFrom(known);
      context.predictors.set(key, found);
      for (const one of this.formats) context.sketched.set(this.sketchKey(one), true);
    }
    this.current = found;
    await (isNew ? this.learnKnown(found) : this.learnStored(found));
    this.learn(found);
  }

  /** What the store knows of the plan's options, and of plans that were measured. */
  private async learnKnown(predictor: Predictor): Promise<void> {
    await this.learnStored(predictor);
    await learnMeasuredPlans(predictor, this.parts.results, this.parts.plan);
  }

  private async learnStored(predictor: Predictor): Promise<void> {
    const work = { ...this.parts, formats: this.formatsOfPlan };
    await learnStoredOptions(predictor, this.parts.plan.decisions, work);
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
    const { main, plan } = this.parts;
    return { ...main.measuredRecipe, model: modelNumber(plan.model) };
  }

  private get outputs(): readonly string[] {
    const { model, tolerances } = this.parts.plan;
    return sketchedOutputs(floatingOutputs(model), tolerances);
  }

  private get formatsOfPlan(): readonly FormatJob[] {
    return [this.parts.main, ...this.parts.others];
  }

  /** Whatever the formats are called for, the same ones make the same predictor. */
  private predictorRecipe(): Recipe {
    const sketched = this.formats.map((one) => this.sketchRecipe(one));
    const order = sketched.toSorted(
      (one, other) => LOW_FORMAT_NAMES.indexOf(one.format) - LOW_FORMAT_NAMES.indexOf(other.format),
    );
    return { sketched: order, outputs: this.outputs, model: modelNumber(this.parts.plan.model) };
  }

  /** @param layers that decide whether it is worthwhile; left out where it is made in any case. */
  private sketchRecipe(
    { format, rangesKey }: SketchedFormat,
    layers?: readonly Layer[],
  ): Recipe & { readonly format: LowFormatName } {
    const which = layers === undefined ? {} : { layers: layers.map(({ nodeIndex }) => nodeIndex).join(' ') };
    return { format, ranges: rangesKey, ...which };
  }

  private sketchKey(one: SketchedFormat): string {
    const { steps, plan } = this.parts;
    const model = modelNumber(plan.model);
    return steps.keyOf('sketched', { ...this.sketchRecipe(one), outputs: this.outputs, model });
  }
}
