/**
 * What is found of layers in one low format: local errors, what each alone does to the outputs, and ranges. All of the model's layers in the
 * format that most of a plan's layers have, and of its other formats those that it puts into them. Knows one format; nothing of
 * predictions, and no other work on the plan.
 */
import type { LowFormatName } from '../../formats/index.js';
import {
  drawsRandomNumbers,
  inferredShapes,
  integerRanges,
  rangesText,
  type BoundPlan,
  type Layer,
} from '../../plan/index.js';
import { knownLocalErrors, knownMeasuredErrors, storedMeasuredErrors } from '../errors/known-errors.js';
import { knownRanges } from '../ranges/known-ranges.js';
import { withRanges } from '../ranges/planned-ranges.js';
import { shapeElements } from '../ranges/ranges.js';
import { plannedWeightsText, withPlannedWeights } from '../ranges/weights-as-planned.js';
import type { Recipe, Results } from '../remembered.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import type { JobContext } from './job-context.js';
import type { JobSteps } from './job-steps.js';
import { ArrivingErrors, namedFigures, withShare } from './measuring.js';
import type { FormatNumbers, LayerRangeNumbers, LayerSensitivity, PlanNumbers } from './numbers.js';
import { localSensitivities, withMeasured } from './sensitivities.js';

export interface FormatJobParts {
  readonly context: JobContext;
  readonly plan: BoundPlan;
  readonly steps: JobSteps;
  /** Of the model on the samples. */
  readonly results: Results;
  readonly options: WorkOptions;
  readonly format: LowFormatName;
  /** All that can run in the format, or some of them. */
  readonly layers: readonly Layer[];
  readonly isPart: boolean;
  /** Shows what is known by now, and how much of it is measured while that is under way. */
  readonly show: (change: Partial<FormatNumbers> & Partial<Pick<PlanNumbers, 'measured'>>) => void;
}

export class FormatJob {
  readonly format: LowFormatName;
  readonly layers: readonly Layer[];
  /** Those of layers in the format, with its ranges as the plan has them. */
  readonly results: Results;
  /** How its ranges are chosen, as `rangesText`. */
  readonly rangesKey: string;
  /** Layers whose effect on the outputs can be told from chance. */
  private readonly measurable: readonly Layer[];
  private local: ReadonlyMap<string, LayerSensitivity> = new Map();
  /** What all recipes here have in common. */
  private readonly recipe: Recipe;

  constructor(private readonly parts: FormatJobParts) {
    const { format, layers, isPart, plan, results } = parts;
    const ranges = integerRanges(plan.decisions, format);
    this.format = format;
    this.layers = layers;
    this.results = withRanges(results, ranges);
    this.rangesKey = rangesText(ranges);
    this.measurable = layers.filter((layer) => !drawsRandomNumbers(layer.node));
    const which = isPart ? { layers: layers.map(({ nodeIndex }) => nodeIndex).join(' ') } : {};
    this.recipe = { format, ranges: this.rangesKey, ...which };
  }

  /** Errors in the layers' own outputs, and with them what is known already of their effect; tells whether all of that is. */
  async errors(): Promise<boolean> {
    await this.localErrors();
    return await this.sensitivity();
  }

  /** Whether the effect of each layer is known. */
  get isMeasured(): boolean {
    const { context, steps } = this.parts;
    return context.measured.get(steps.keyOf('measured', this.measuredRecipe)) !== undefined;
  }

  /** What was asked of the outputs; limits are compared with the answers. */
  get measuredRecipe(): Recipe {
    const tolerances = this.parts.plan.tolerances.map(({ output, metric, over }) => ({
      output,
      metric,
      over,
    }));
    return { ...this.recipe, tolerances };
  }

  private async localErrors(): Promise<void> {
    const { context, steps, options, format, layers } = this.parts;
    const found = await steps.step('measuring layers by themselves', this.recipe, async (key) => {
      const known = context.local.get(key);
      if (known !== undefined) return { key, local: known };
      const { errors } = await knownLocalErrors(this.results, layers, format, options);
      const named = errors.map(({ layer: { name }, value, low, high }) => ({ name, value, low, high }));
      return { key, local: localSensitivities(named) };
    });
    if (found === undefined) return;
    context.local.set(found.key, found.local);
    this.local = found.local;
  }

  /** Shows what is known of sensitivities; tells whether that is all there is to know. */
  private async sensitivity(): Promise<boolean> {
    const { plan, context, steps, format, show } = this.parts;
    const { tolerances } = plan;
    const key = steps.keyOf('measured', this.measuredRecipe);
    let errors = context.measured.get(key);
    let isComplete = errors !== undefined;
    if (errors === undefined) {
      const stored = await storedMeasuredErrors(this.results, this.measurable, format, tolerances);
      errors = stored.errors.map(namedFigures);
      isComplete = stored.complete;
      if (isComplete) context.measured.set(key, errors);
    }
    const shared = errors.map((one) => withShare(one, tolerances));
    show({ sensitivity: withMeasured(this.local, shared, isComplete) });
    return isComplete;
  }

  /** What each layer alone does to the outputs. */
  async measuredErrors(): Promise<void> {
    const { plan, context, steps, options, format, show } = this.parts;
    const { measurable, results, local } = this;
    const { tolerances } = plan;
    const recipe = this.measuredRecipe;
    const found = await steps.step('measuring the effect of each layer', recipe, async () => {
      const stored = await storedMeasuredErrors(results, measurable, format, tolerances);
      const known = stored.errors.map(namedFigures);
      const arriving = new ArrivingErrors(known, measurable.length, local, tolerances, show);
      try {
        const finished = arriving.add.bind(arriving);
        return await knownMeasuredErrors(results, measurable, format, tolerances, { ...options, finished });
      } finally {
        arriving.end();
      }
    });
    if (found === undefined) return;
    context.measured.set(steps.keyOf('measured', recipe), found.errors.map(namedFigures));
    await this.sensitivity();
  }

  async ranges(): Promise<void> {
    const { plan, context, steps, options, format, layers, show } = this.parts;
    const shapes = inferredShapes(plan);
    const elements = (tensor: string): number | undefined => shapeElements(shapes.get(tensor));
    const recipe = { ...this.recipe, asked: plannedWeightsText(plan.decisions, format) };
    const found = await steps.step('looking at ranges', recipe, async (key) => {
      const known = context.ranges.get(key);
      if (known !== undefined) return { key, ranges: known };
      const counter = (): Promise<typeof elements> => Promise.resolve(elements);
      const whole = await knownRanges(this.parts.results, layers, format, counter, options);
      const ranges = await inSlices(withPlannedWeights(plan.model, whole.ranges, format, plan.decisions));
      const named = ranges.map(({ layer, ...range }): [string, LayerRangeNumbers] => [layer.name, range]);
      return { key, ranges: new Map(named) };
    });
    if (found === undefined) return;
    context.ranges.set(found.key, found.ranges);
    show({ ranges: found.ranges });
  }
}
