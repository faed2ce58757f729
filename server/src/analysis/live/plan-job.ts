/**
 * The work on one plan, from what an editor needs first to what takes longest: the verdict on its tolerances, local
 * errors, ranges, measured errors, latency. Each step is answered by the store where it can be and published as soon as it
 * is known; one that fails leaves the others to be done. Knows no queue and no editor.
 */
import { dirname } from 'node:path';
import {
  allowedFormats,
  drawsRandomNumbers,
  inferredShapes,
  type BoundPlan,
  type Layer,
} from '../../plan/index.js';
import { RuntimeFailure } from '../../runtime/index.js';
import { openEvaluation, type Evaluation, type WorkOptions } from '../evaluation.js';
import { knownLocalErrors, knownMeasuredErrors, storedMeasuredErrors } from '../known-errors.js';
import { knownRanges } from '../known-ranges.js';
import { decisionsText, knownVerdict, measurementRecipe } from '../known-verdict.js';
import { shapeElements } from '../ranges.js';
import { identify, withStore, type Identity, type Recipe, type Results } from '../remembered.js';
import { resolveSamples, type Sample } from '../samples/index.js';
import { watchFiles, type WatchedFiles } from '../watched-files.js';
import type { JobContext } from './job-context.js';
import { latencyNumbers } from './latency-numbers.js';
import { lowFormat } from './low-format.js';
import { ArrivingErrors, namedFigures, withShare } from './measuring.js';
import type { LayerRangeNumbers, LayerSensitivity, PlanNumbers } from './numbers.js';
import { hasErrors, modelNumber, planKeys } from './plan-keys.js';
import { localSensitivities, withMeasured } from './sensitivities.js';

/** Jitters for the noise floor of a verdict. */
const DRAWS = 2;

type LowFormat = PlanNumbers['format'];
export type Publish = (change: Partial<PlanNumbers>) => void;

/** The files of the model are no longer those that the plan was bound to. */
export class ModelChanged extends Error {
  constructor(path: string) {
    super(`${path} was changed while it was analysed`);
    this.name = 'ModelChanged';
  }
}

/**
 * Does all the work on `plan` that the store cannot answer. Gives what went wrong in steps without which the others
 * could be done.
 * @throws {ModelChanged} the plan has to be bound again; nothing that was measured since is kept
 */
export function runPlanJob(
  context: JobContext,
  plan: BoundPlan,
  publish: Publish,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return new PlanJob(context, plan, publish, signal).run();
}

class PlanJob {
  private readonly files: WatchedFiles;
  private readonly options: WorkOptions;
  private readonly problems: string[] = [];
  private readonly notes: string[] = [];
  /** The original model does not run: no step can be done. */
  private isBroken = false;

  constructor(
    private readonly context: JobContext,
    private readonly plan: BoundPlan,
    private readonly publish: Publish,
    private readonly signal: AbortSignal,
  ) {
    this.files = watchFiles(plan.model);
    const progress = (done: number, total: number, message: string): void => {
      publish({ state: 'working', message, progress: { done, total } });
    };
    this.options = { signal, progress };
  }

  async run(): Promise<readonly string[]> {
    const { context, plan, publish, signal } = this;
    publish({ state: 'working', message: 'samples', progress: undefined });
    const samples = await context.samplesOf(planKeys(plan).samples, () => usableSamples(plan, signal));
    const identity = await this.identity(samples);
    const subject = {
      ...{ runtime: context.runtime, samples },
      evaluation: () => this.evaluation(identity, samples),
    };
    const results = withStore(subject, context.store, identity, plan.model);
    const format = lowFormat(plan);
    const layers = plan.layers.filter((layer) => allowedFormats(plan.model, layer).includes(format));
    publish({ sampleNames: samples.map(({ name }) => name), format });

    await this.verdict(results, identity);
    const local = await this.localErrors(results, identity, layers, format);
    const measurable = layers.filter((layer) => !drawsRandomNumbers(layer.node));
    const isMeasured = await this.sensitivity(results, identity, measurable, format, local);
    await this.ranges(results, identity, layers, format);
    if (!isMeasured) await this.measuredErrors(results, identity, measurable, format, local);
    await this.latency(results, identity);
    publish({ notes: this.notes });
    return this.problems;
  }

  private async identity(samples: readonly Sample[]): Promise<Identity> {
    const { runtime, store } = this.context;
    const identity = await identify(this.plan.model, samples, runtime, store, this.signal);
    if (!('problem' in identity)) return identity;
    this.checkFiles();
    throw new Error(identity.problem.message);
  }

  private async verdict(results: Results, identity: Identity): Promise<void> {
    const { plan, publish } = this;
    const recipe = measurementRecipe(plan, plan.decisions);
    const known = await this.step('measuring the plan', identity, recipe, () =>
      knownVerdict(results, plan, plan.decisions, DRAWS, this.options),
    );
    if (known === undefined) return;
    const { verdicts, measurement } = known;
    publish({
      verdict: { verdicts, outputs: measurement.outputs, samples: results.samples.length },
      verdictKey: planKeys(plan).verdict,
      verdictIsStale: false,
    });
  }

  private async localErrors(
    results: Results,
    identity: Identity,
    layers: readonly Layer[],
    format: LowFormat,
  ): Promise<ReadonlyMap<string, LayerSensitivity>> {
    const known = this.context.local;
    const found = await this.step('measuring layers by themselves', identity, { format }, async (key) => {
      const local =
        known.get(key) ??
        localSensitivities(
          (await knownLocalErrors(results, layers, format, this.options)).errors.map(
            ({ layer: { name }, value, low, high }) => ({ name, value, low, high }),
          ),
        );
      return { key, local };
    });
    if (found === undefined) return new Map();
    known.set(found.key, found.local);
    return found.local;
  }

  /** Shows what is known of sensitivities; tells whether that is all there is to know. */
  private async sensitivity(
    results: Results,
    identity: Identity,
    layers: readonly Layer[],
    format: LowFormat,
    local: ReadonlyMap<string, LayerSensitivity>,
  ): Promise<boolean> {
    const { plan, context } = this;
    const key = this.keyOf('measured', identity, { format, ...figuresRecipe(plan) });
    let errors = context.measured.get(key);
    const isComplete = errors !== undefined;
    if (errors === undefined) {
      const stored = await storedMeasuredErrors(results, layers, format, plan.tolerances);
      errors = stored.errors.map(namedFigures);
      if (stored.complete) {
        context.measured.set(key, errors);
        return this.sensitivity(results, identity, layers, format, local);
      }
    }
    const shared = errors.map((one) => withShare(one, plan.tolerances));
    this.publish({ sensitivity: withMeasured(local, shared, isComplete) });
    return isComplete;
  }

  private async measuredErrors(
    results: Results,
    identity: Identity,
    layers: readonly Layer[],
    format: LowFormat,
    local: ReadonlyMap<string, LayerSensitivity>,
  ): Promise<void> {
    const { tolerances } = this.plan;
    const recipe = { format, ...figuresRecipe(this.plan) };
    const found = await this.step('measuring the effect of each layer', identity, recipe, async () => {
      const stored = await storedMeasuredErrors(results, layers, format, tolerances);
      const known = stored.errors.map(namedFigures);
      const arriving = new ArrivingErrors(known, layers.length, local, tolerances, this.publish);
      try {
        const finished = arriving.add.bind(arriving);
        return await knownMeasuredErrors(results, layers, format, tolerances, { ...this.options, finished });
      } finally {
        arriving.end();
      }
    });
    if (found === undefined) return;
    this.context.measured.set(this.keyOf('measured', identity, recipe), found.errors.map(namedFigures));
    await this.sensitivity(results, identity, layers, format, local);
  }

  private async ranges(
    results: Results,
    identity: Identity,
    layers: readonly Layer[],
    format: LowFormat,
  ): Promise<void> {
    const { ranges: known } = this.context;
    const shapes = inferredShapes(this.plan);
    const elements = (tensor: string): number | undefined => shapeElements(shapes.get(tensor));
    const found = await this.step('looking at ranges', identity, { format }, async (key) => {
      const ranges =
        known.get(key) ??
        new Map(
          (
            await knownRanges(results, layers, format, () => Promise.resolve(elements), this.options)
          ).ranges.map(({ layer, ...range }): [string, LayerRangeNumbers] => [layer.name, range]),
        );
      return { key, ranges };
    });
    if (found === undefined) return;
    known.set(found.key, found.ranges);
    this.publish({ ranges: found.ranges });
  }

  /** What cannot be timed is worth a note: nothing else depends on it. */
  private async latency(results: Results, identity: Identity): Promise<void> {
    const { plan, context, notes } = this;
    if (hasErrors(plan)) {
      notes.push('Layers are timed once the plan has no errors.');
      return;
    }
    const recipe = { decisions: decisionsText(plan.decisions), targets: plan.targets };
    const work = (): ReturnType<typeof latencyNumbers> =>
      latencyNumbers(results, context.runtime, plan, this.options);
    const complaints: string[] = [];
    const found = await this.step('timing layers', identity, recipe, work, complaints);
    // A model that cannot be run here is a fact of this machine: the plan's errors are known all the same.
    notes.push(...complaints.map((reason) => `Layers cannot be timed: ${reason}`));
    if (found === undefined || 'problem' in found) {
      if (found !== undefined) notes.push(`Layers cannot be timed: ${found.problem}.`);
      this.publish({ latency: undefined, latencyIsStale: false });
    } else this.publish({ latency: found, latencyIsStale: false });
  }

  /**
   * One step: the result, or undefined where it has none, with the reason among `complaints`.
   * @throws what makes all other steps impossible, too
   */
  private async step<T>(
    what: string,
    identity: Identity,
    recipe: Recipe,
    work: (key: string) => Promise<T>,
    complaints = this.problems,
  ): Promise<T | undefined> {
    const { signal, context } = this;
    const key = this.keyOf(what, identity, recipe);
    try {
      return await context.attempts.perform({
        ...{ key, what, signal },
        work: async () => {
          const result = await work(key);
          this.checkFiles();
          return result;
        },
        lost: () => {
          context.forgetEvaluations();
        },
        excused: () => this.files.changed() !== undefined,
      });
    } catch (error) {
      if (signal.aborted) throw error;
      this.checkFiles();
      if (this.isBroken || isFatal(error)) throw error;
      complaints.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  private async evaluation(identity: Identity, samples: readonly Sample[]): Promise<Evaluation> {
    const { context, plan, signal } = this;
    // Weights are read through this very model: the same content opened again is an evaluation of its own.
    const key = `${modelNumber(plan.model)} ${identity.evaluation}`;
    try {
      this.isBroken = false;
      return await context.attempts.perform({
        ...{ key, signal, what: 'running the original model' },
        work: () =>
          context.evaluationOf(key, () => openEvaluation(context.runtime, plan.model, samples, this.options)),
        lost: () => {
          context.forgetEvaluations();
        },
        excused: () => this.files.changed() !== undefined,
      });
    } catch (error) {
      this.isBroken = true;
      throw error;
    }
  }

  private keyOf(what: string, identity: Identity, recipe: Recipe): string {
    return `${what} ${identity.evaluation} ${JSON.stringify(recipe)}`;
  }

  /** @throws {ModelChanged} */
  private checkFiles(): void {
    const changed = this.files.changed();
    if (changed !== undefined) throw new ModelChanged(changed);
  }
}

/** Nothing can be run, whatever it is. */
function isFatal(error: unknown): boolean {
  return error instanceof RuntimeFailure && (error.kind === 'unavailable' || error.kind === 'cancelled');
}

/** What was asked of the outputs; limits are compared with the answers. */
function figuresRecipe({ tolerances }: BoundPlan): Recipe {
  return { tolerances: tolerances.map(({ output, metric, over }) => ({ output, metric, over })) };
}

async function usableSamples(plan: BoundPlan, signal: AbortSignal): Promise<readonly Sample[]> {
  const { samples, problems } = await resolveSamples(plan.inputs, dirname(plan.path), signal);
  const wrong = problems.find((problem) => problem.severity === 'error');
  if (wrong !== undefined) throw new Error(wrong.message);
  return samples;
}
