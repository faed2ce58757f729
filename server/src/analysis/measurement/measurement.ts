/**
 * What a plan does to the outputs: the emulated model run on every sample and compared with the original.
 * The truth that tolerances, the tuner and `verify` rest on.
 */
import {
  combine,
  exceeds,
  type Aggregation,
  type Figure,
  type MetricSpecification,
} from '../../metrics/index.js';
import type { PrecisionGraph, Tolerance } from '../../plan/index.js';
import { emulatedSteps } from '../../emulate/index.js';
import type { Session } from '../../runtime/index.js';
import { calibrated } from './calibration.js';
import {
  EMULATION_SETTINGS,
  type Evaluation,
  type Feeds,
  type Outputs,
  type WorkOptions,
} from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { metricOf } from '../sessions/sample-metric.js';
import { fedWithStates, isSequence, withStates } from '../sessions/sequence.js';

/** The errors that are reported for every floating-point output, tolerance or not. */
const STANDARD_METRICS = ['max_abs', 'mean_abs', 'relative_l2', 'cosine', 'sqnr'] as const;

export interface ToleranceMeasurement {
  readonly tolerance: Tolerance;
  /** Put together over the samples as the tolerance says. */
  readonly measured: number;
  /** One figure per sample, in the order of the samples. */
  readonly figures: readonly Figure[];
  readonly holds: boolean;
}

export interface OutputMeasurement {
  readonly name: string;
  /** By metric of `STANDARD_METRICS`: the worst sample. */
  readonly worst: Readonly<Record<(typeof STANDARD_METRICS)[number], number>>;
  /** By metric of `STANDARD_METRICS`: over all samples together. */
  readonly pooled: Readonly<Record<(typeof STANDARD_METRICS)[number], number>>;
}

export interface Measurement {
  readonly tolerances: readonly ToleranceMeasurement[];
  readonly outputs: readonly OutputMeasurement[];
  /** Whether every tolerance holds; false as soon as one is exceeded when `stopEarly` was asked for. */
  readonly holds: boolean;
  /** False where `stopEarly` left samples out: then only `holds` (false) is meant to be read. */
  readonly complete: boolean;
  readonly inferences: number;
  /** When that was, ISO 8601, of one that was kept; left out where nobody knows. */
  readonly at?: string | undefined;
}

export interface MeasureOptions extends WorkOptions {
  /** What progress calls the work; `plan, emulated` if left out. */
  readonly phase?: string;
  /**
   * Give up as soon as a tolerance is exceeded even if the samples that are left were perfect. What perfect is comes
   * from `perfectFigures`.
   */
  readonly stopEarly?: PerfectFigures;
  /** The order in which samples are tried, so that the one most likely to fail comes first. A sequence keeps its own. */
  readonly order?: readonly number[];
}

/** Measures the plan behind `graph`, emulated, over all samples of `evaluation`. */
export async function measure(
  evaluation: Evaluation,
  graph: PrecisionGraph,
  tolerances: readonly Tolerance[],
  options: MeasureOptions = {},
): Promise<Measurement> {
  const { runtime, folder } = evaluation;
  const whole = await calibrated(graph, () => Promise.resolve(evaluation), options);
  const session = await runtime.open(
    {
      model: { bytes: (await inSlices(emulatedSteps(whole))).bytes, weightsFolder: folder },
      ...EMULATION_SETTINGS,
    },
    options.signal,
  );
  try {
    return await measureSession(
      evaluation,
      session,
      evaluation.feeds,
      evaluation.references,
      tolerances,
      options,
    );
  } finally {
    await runtime.close(session);
  }
}

/** The same for a session that is open already, on feeds and references of the caller's choice. */
export async function measureSession(
  evaluation: Evaluation,
  session: Session,
  feeds: readonly Feeds[],
  references: readonly Outputs[],
  tolerances: readonly Tolerance[],
  { signal, progress, stopEarly, order, phase = 'plan, emulated' }: MeasureOptions = {},
): Promise<Measurement> {
  const comparisons = evaluation.floatOutputs.map((name) => outputComparison(name, tolerances));
  const figures = comparisons.map((comparison) =>
    comparison.metrics.map(() => new Array<Figure>(feeds.length)),
  );
  const { runtime, samples, floatOutputs } = evaluation;
  const wanted = withStates(floatOutputs, samples);
  const carries = isSequence(samples);
  let inferences = 0;
  /** What the sample before gave, while it may be the state of this one. */
  let previous: Outputs | undefined;
  for (const sample of carries ? feeds.keys() : (order ?? feeds.keys())) {
    progress?.(inferences, feeds.length, phase);
    const feed = feeds[sample];
    const reference = references[sample];
    if (feed === undefined || reference === undefined) continue;
    let outputs: Outputs;
    try {
      outputs = await runtime.run(session, fedWithStates(feed, samples[sample], previous), wanted, signal);
    } finally {
      await runtime.release(Object.values(previous ?? {}));
      previous = undefined;
    }
    inferences += 1;
    if (carries) previous = outputs;
    try {
      for (const [index, comparison] of comparisons.entries()) {
        const expected = reference[comparison.output];
        const actual = outputs[comparison.output];
        if (expected === undefined || actual === undefined) continue;
        const metrics = comparison.metrics.map((metric) => metricOf(metric, samples[sample]));
        const compared = await runtime.compare(expected, actual, metrics, signal);
        for (const [metric, figure] of compared.entries()) {
          const perSample = figures[index]?.[metric];
          if (perSample !== undefined) perSample[sample] = figure;
        }
      }
    } catch (error) {
      await runtime.release(Object.values(outputs));
      throw error;
    }
    if (!carries) await runtime.release(Object.values(outputs));
    const left = inferences < feeds.length;
    if (stopEarly !== undefined && left && hopeless(comparisons, figures, stopEarly)) {
      await runtime.release(Object.values(previous ?? {}));
      return { tolerances: [], outputs: [], holds: false, complete: false, inferences };
    }
  }
  await runtime.release(Object.values(previous ?? {}));
  progress?.(feeds.length, feeds.length, phase);
  return { ...summarize(comparisons, figures, tolerances), complete: true, inferences };
}

/** By tolerance: the figure that each sample would give if the plan changed nothing. */
export type PerfectFigures = ReadonlyMap<Tolerance, readonly Figure[]>;

/** Compares every reference with itself. */
export async function perfectFigures(
  evaluation: Evaluation,
  tolerances: readonly Tolerance[],
  signal?: AbortSignal,
): Promise<PerfectFigures> {
  const perfect = new Map<Tolerance, Figure[]>(tolerances.map((tolerance) => [tolerance, []]));
  for (const [sample, reference] of evaluation.references.entries()) {
    for (const tolerance of tolerances) {
      const output = reference[tolerance.output];
      if (output === undefined) continue;
      const metric = metricOf(tolerance.metric, evaluation.samples[sample]);
      const [figure] = await evaluation.runtime.compare(output, output, [metric], signal);
      if (figure !== undefined) perfect.get(tolerance)?.push(figure);
    }
  }
  return perfect;
}

/** Whether a tolerance is exceeded already, however good the samples without a figure turn out. */
function hopeless(
  comparisons: readonly OutputComparison[],
  figures: readonly (readonly (readonly Figure[])[])[],
  perfect: PerfectFigures,
): boolean {
  return comparisons.some((comparison, index) =>
    comparison.tolerances.some((tolerance, metric) => {
      const known = figures[index]?.[metric] ?? [];
      const best = perfect.get(tolerance)?.map((figure, sample) => known[sample] ?? figure) ?? [];
      const { operator, limit, over } = tolerance;
      if (!perfectIsBest(tolerance)) return false;
      return exceeds(combine(tolerance.metric, best, over), operator, limit);
    }),
  );
}

/**
 * Whether samples that equal their references give the best value that can still be reached. The pooled cosine of outputs
 * that are all twice too large is 1, and one right output among them lowers it.
 */
function perfectIsBest({ metric, over }: Tolerance): boolean {
  return !(metric.name === 'cosine' && over === 'pooled');
}

/** What is compared for one output: the metrics of its tolerances first, then the standard ones. */
interface OutputComparison {
  readonly output: string;
  readonly metrics: readonly MetricSpecification[];
  /** Beside `metrics`; shorter by the standard ones. */
  readonly tolerances: readonly Tolerance[];
}

function outputComparison(output: string, tolerances: readonly Tolerance[]): OutputComparison {
  const own = tolerances.filter((tolerance) => tolerance.output === output);
  const standard = STANDARD_METRICS.map((name): MetricSpecification => ({ name }));
  return { output, metrics: [...own.map((tolerance) => tolerance.metric), ...standard], tolerances: own };
}

function summarize(
  comparisons: readonly OutputComparison[],
  figures: readonly (readonly (readonly Figure[])[])[],
  tolerances: readonly Tolerance[],
): Pick<Measurement, 'tolerances' | 'outputs' | 'holds'> {
  const measured = new Map<Tolerance, ToleranceMeasurement>();
  const outputs = comparisons.map((comparison, index): OutputMeasurement => {
    const own = figures[index] ?? [];
    for (const [metric, tolerance] of comparison.tolerances.entries()) {
      const samples = own[metric] ?? [];
      const value = combine(tolerance.metric, samples, tolerance.over);
      const holds = !exceeds(value, tolerance.operator, tolerance.limit);
      measured.set(tolerance, { tolerance, measured: value, figures: samples, holds });
    }
    const over = (aggregation: Aggregation): OutputMeasurement['worst'] => {
      const value = (name: (typeof STANDARD_METRICS)[number]): number => {
        const at = comparison.tolerances.length + STANDARD_METRICS.indexOf(name);
        return combine({ name }, own[at] ?? [], aggregation);
      };
      return {
        max_abs: value('max_abs'),
        mean_abs: value('mean_abs'),
        relative_l2: value('relative_l2'),
        cosine: value('cosine'),
        sqnr: value('sqnr'),
      };
    };
    return { name: comparison.output, worst: over('worst'), pooled: over('pooled') };
  });
  const inOrder = tolerances.flatMap((tolerance) => measured.get(tolerance) ?? []);
  return { tolerances: inOrder, outputs, holds: inOrder.every((one) => one.holds) };
}
