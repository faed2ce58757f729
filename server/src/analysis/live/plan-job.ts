/**
 * The work on one plan, from what an editor needs first to what takes longest: the verdict on its tolerances, local
 * errors, ranges, measured errors, latency. Each step is answered by the store where it can be and published as soon as it
 * is known; one that fails leaves the others to be done. Knows no queue and no editor.
 */
import { errorsAmong } from '../../language/index.js';
import { integerRanges, rangesText, type TracedPlan } from '../../plan/index.js';
import { ownMetricFaults } from '../findings/own-metric-faults.js';
import { decisionsText, knownVerdict, measurementRecipe } from '../measurement/known-verdict.js';
import { USUAL_DRAWS } from '../measurement/noise.js';
import type { MeasuredPlan } from '../measurement/measured-plans.js';
import { withStore, type Results } from '../remembered.js';
import { type Sample } from '../samples/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { knownSupport, namedTargets } from '../targets/index.js';
import { watchFiles } from '../watched-files.js';
import { flippedLayersSteps } from './flipped-layers.js';
import { FormatJob } from './format-job.js';
import type { JobContext } from './job-context.js';
import { JobSteps } from './job-steps.js';
import { identityOf, usableSamples } from './job-subject.js';
import { latencyNumbers } from './latency-numbers.js';
import { layersAllowingSteps } from './layers-allowing.js';
import { lowFormats } from './low-format.js';
import { NOTHING_IN_FORMAT, numbersIn, type FormatNumbers, type PlanNumbers } from './numbers.js';
import { planKeys } from './plan-keys.js';
import { PredictionJob, type Learnt } from './prediction-job.js';

type LowFormat = PlanNumbers['format'];
export type Publish = (change: Partial<PlanNumbers>) => void;

export interface JobListener {
  readonly publish: Publish;
  readonly learnt: Learnt;
  /** What is shown of the plan by now. */
  readonly shown: () => PlanNumbers;
}

/**
 * Does all the work on `plan` that the store cannot answer. Gives what went wrong in steps without which the others
 * could be done.
 * @throws {ModelChanged} the plan has to be bound again; nothing that was measured since is kept
 */
export async function runPlanJob(
  context: JobContext,
  plan: TracedPlan,
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
  const [format = 'fp16', ...others] = lowFormats(plan);
  const ranges = integerRanges(plan.decisions, format);
  const steps = new JobSteps({
    ...{ context, model: plan.model, identity, ranges: rangesText(ranges) },
    ...{ samples, files, options },
  });
  const subject = { runtime: context.runtime, samples, evaluation: () => steps.evaluation() };
  const results = withStore(subject, context.store, identity, plan.model);
  publish({ sampleNames: samples.map(({ name }) => name), ...inFormats(shown(), format, others) });
  const shared = { context, plan, steps, results, options };
  const main = new FormatJob({
    ...{ ...shared, format, isPart: false, show: publish },
    layers: await inSlices(layersAllowingSteps(plan, format)),
  });
  const beside = others.map((other) => {
    const show = ({ measured: _, ...change }: Parameters<typeof publish>[0]): void => {
      const known = shown().others;
      const own = { ...NOTHING_IN_FORMAT, ...known.get(other), ...change };
      publish({ others: new Map(known).set(other, own) });
    };
    const layers = plan.decisions.flatMap((one) => (one.format === other ? [one.layer] : []));
    return new FormatJob({ ...shared, format: other, layers, isPart: true, show });
  });
  const prediction = new PredictionJob({ ...shared, main, others: beside, learnt });
  const parts = { ...shared, publish, identity: identity.evaluation };
  await new PlanJob({ ...parts, main, others: beside, prediction }).run();
  return steps.problems;
}

/** What is shown, as the numbers of a plan that has these formats now. */
function inFormats(
  shown: PlanNumbers,
  format: LowFormat,
  others: readonly LowFormat[],
): Pick<PlanNumbers, 'format' | 'sensitivity' | 'ranges' | 'others'> {
  const { sensitivity, ranges } = numbersIn(shown, format);
  const known = others.map((other): [LowFormat, FormatNumbers] => {
    const own = numbersIn(shown, other);
    return [other, { sensitivity: own.sensitivity, ranges: own.ranges }];
  });
  return { format, sensitivity, ranges, others: new Map(known) };
}

interface PlanJobParts {
  readonly context: JobContext;
  readonly plan: TracedPlan;
  readonly publish: Publish;
  readonly steps: JobSteps;
  readonly results: Results;
  /** Of the model and the samples. */
  readonly identity: string;
  readonly options: WorkOptions;
  /** Of the format that most low layers have: of all layers that can have it. */
  readonly main: FormatJob;
  /** Of the layers in other formats. */
  readonly others: readonly FormatJob[];
  readonly prediction: PredictionJob;
}

class PlanJob {
  constructor(private readonly parts: PlanJobParts) {}

  async run(): Promise<void> {
    const { plan, main, others, prediction } = this.parts;
    await this.targets();
    const measured = await this.verdict();
    const isMeasured = await main.errors();
    await main.ranges();
    for (const other of others) {
      await other.errors();
      await other.ranges();
    }
    await prediction.sketch(measured);
    await prediction.options();
    await this.optioned();
    if (!isMeasured) await main.measuredErrors();
    for (const other of others) if (!other.isMeasured) await other.measuredErrors();
    await prediction.correct();
    await prediction.metricFits();
    await this.optioned();
    await this.support();
    await this.latency();
    await prediction.flips(await inSlices(flippedLayersSteps(plan, main.format)));
  }

  /** What layers do with their options, as far as that is known by now. */
  private async optioned(): Promise<void> {
    const { prediction, publish } = this.parts;
    publish({ optioned: await prediction.optioned() });
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

  private async verdict(): Promise<MeasuredPlan | undefined> {
    const { plan, publish, steps, results, options, identity } = this.parts;
    const recipe = measurementRecipe(plan, plan.decisions);
    const known = await steps.step('measuring the plan', recipe, () =>
      knownVerdict(results, plan, plan.decisions, USUAL_DRAWS, options),
    );
    if (known === undefined) return undefined;
    const { verdicts, measurement } = known;
    publish({
      verdict: { verdicts, outputs: measurement.outputs, samples: results.samples.length },
      verdictKey: planKeys(plan).verdict,
      verdictOf: identity,
      verdictIsStale: false,
    });
    const { tolerances, at } = measurement;
    return { decisions: plan.decisions, tolerances, path: plan.path, at };
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
