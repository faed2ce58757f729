/** Ranges and errors of every layer, by the methods that were asked for. */
import { dirname } from 'node:path';
import {
  effortOf,
  floatingOutputs,
  inSlices,
  knownLocalErrors,
  knownMeasuredErrors,
  knownRanges,
  knownSensitivities,
  LabelMismatch,
  NO_EFFORT,
  quietLayers,
  readLabels,
  reasonsWithoutEffect,
  SATURATED,
  rangeFindings,
  rankCorrelation,
  sketchedOutputs,
  sketchedOwnErrors,
  storedSupport,
  withPlannedWeights,
  withRanges,
  type Effort,
  type Label,
  type LayerRange,
  type LocalError,
  type LocalErrors,
  type MeasuredErrors,
  type OwnError,
  type Reason,
  type Results,
  type Sensitivity,
  type SensitivityOptions,
  type Sketch,
  type SketchFlag,
  type WorkOptions,
} from '../analysis/index.js';
import { isFloatFormat, type LowFormatName } from '../formats/index.js';
import type { Diagnostic } from '../language/index.js';
import { allowsFormat, integerRanges, type BoundPlan, type Layer, type PlanLabels } from '../plan/index.js';
import { gradientReport, type GradientReport } from './gradient-report.js';
import { layerLatencies, type Timing } from './layer-latencies.js';
import { layerReports, type LayerReport } from './layer-reports.js';
import type { Work } from './open-work.js';
import { layerScores, type SpectrumWish } from './layer-scores.js';
import { optionReasons } from './option-reasons.js';
import { supportReasons } from './support-reasons.js';
import { nothingToCompare } from './nothing-to-compare.js';
import { guarded, refused, refusedBy, type Refused } from './problem.js';

export const ANALYSIS_METHODS = [
  'auto',
  'sketch',
  'measured',
  'hessian',
  'first-order',
  'local',
  'all',
] as const;
export type AnalysisMethod = (typeof ANALYSIS_METHODS)[number];

export interface AnalyzedPlan extends Effort {
  /** Worst error first. */
  readonly reports: readonly LayerReport[];
  readonly local: LocalErrors | undefined;
  readonly measured: MeasuredErrors | undefined;
  readonly sensitivities: readonly Sensitivity[] | undefined;
  readonly ranges: readonly LayerRange[];
  /** Where they were asked for. */
  readonly gradients: GradientReport | undefined;
  /** Spearman's, of each method with the measured errors, by name; none where nothing was measured for all layers. */
  readonly rankCorrelations: ReadonlyMap<string, number | undefined>;
  /** `overflow` and `underflow` of what the plan puts into the format. */
  readonly findings: readonly Diagnostic[];
  /** Where the latencies of layers are from, or why there are none. */
  readonly timing: Timing;
  readonly seconds: number;
  /** The most memory that the compute process has held, in bytes: activations are those of one sample at a time. */
  readonly peakMemory: number;
}

export interface AnalysisWishes {
  readonly method: AnalysisMethod;
  readonly format: LowFormatName;
  /** Whether the ranges of gradients are asked for, too. */
  readonly gradients?: boolean;
  /** Whether layers are timed on the plan's target where nobody knows how long they take. */
  readonly latency?: boolean;
  /** Of the layers whose names match, the spectrum of the Hessian, too. */
  readonly spectrum?: SpectrumWish | undefined;
  /** Of a sketch. */
  readonly probes?: number | undefined;
  readonly seed?: number | undefined;
}

/** The layers of a plan that can run in `format`, which are those that an analysis speaks of. */
export function layersFor(plan: BoundPlan, format: LowFormatName): readonly Layer[] {
  return plan.layers.filter((layer) => allowsFormat(plan.model, layer, format));
}

/** Analyses every layer of the plan that can run in `format`. */
export async function analyzePlan(
  work: Work,
  { method, format, gradients = false, latency = false, spectrum, probes, seed }: AnalysisWishes,
): Promise<AnalyzedPlan | Refused> {
  return await guarded(work, async () => {
    const { plan } = work;
    const nothing = method === 'local' ? undefined : nothingToCompare(plan);
    if (nothing !== undefined) return nothing;
    const layers = layersFor(plan, format);
    const start = performance.now();
    const usual = await work.results();
    const results = withRanges(usual, integerRanges(plan.decisions, format));
    const isAll = method === 'all';
    const options: SensitivityOptions = {
      ...{ signal: work.signal, progress: work.progress },
      ...(probes === undefined ? {} : { probes }),
      ...(seed === undefined ? {} : { seed }),
    };
    const local =
      isAll || method === 'local' ? await knownLocalErrors(results, layers, format, work) : undefined;
    const measured =
      isAll || method === 'measured'
        ? await knownMeasuredErrors(results, layers, format, plan.tolerances, work)
        : undefined;
    const isSketched = method !== 'local' && method !== 'measured';
    const subject = {
      ...{ model: plan.model, all: plan.layers, layers, format, tolerances: plan.tolerances },
      floatOutputs: floatingOutputs(plan.model),
    };
    const sensitivities = isSketched
      ? await knownSensitivities(results, subject, {
          ...options,
          way: method === 'auto' ? 'auto' : 'sketch',
        })
      : undefined;
    const own = await ownErrors(results, layers, format, { local, sketch: sensitivities?.sketch }, options);
    const isOfLoss =
      plan.labels !== undefined && (isAll || method === 'first-order' || spectrum !== undefined);
    const labels = isOfLoss ? await labelsOf(plan, plan.labels, work.samples.length) : undefined;
    if (labels !== undefined && 'problem' in labels) return labels;
    const scored = {
      ...{ hessian: isAll || method === 'hessian', firstOrder: isAll || method === 'first-order' },
      spectrum,
    };
    const scores = await layerScores(results, subject, scored, { ...options, labels }).catch(
      (error: unknown) => {
        if (!(error instanceof LabelMismatch) || plan.labels === undefined) throw error;
        return refusedLabels(plan, plan.labels, 'input-shape', error.message);
      },
    );
    if (scores !== undefined && 'problem' in scores) return scores;
    const { ranges: whole, ...ranged } = await knownRanges(usual, layers, format, work.elementCounter, work);
    const ranges = await inSlices(withPlannedWeights(plan.model, whole, format, plan.decisions));
    const { report, ...differentiated } =
      gradients && isFloatFormat(format)
        ? await gradientReport(results, plan, format, work)
        : { report: undefined, ...NO_EFFORT };
    const silent = await reasonsWithoutEffect(
      plan.model,
      measuredAsNothing(measured, sensitivities?.errors),
      sketchedOutputs(subject.floatOutputs, plan.tolerances),
      () => usual.evaluation(),
      work.signal,
    );
    const latencies = await layerLatencies(work, usual, format, latency);
    // As far as it is kept: an analysis of numbers does not wait for experiments with targets.
    const support = work.store === undefined ? [] : await storedSupport(plan, work.runtime, work.store);
    return {
      reports: layerReports(plan, {
        ...{ format, ranges, local, measured, own: own.errors, samples: work.samples },
        sensitivities: sensitivities?.errors,
        scores: scores?.byLayer,
        orderedBy: method === 'hessian' || method === 'first-order' ? method : undefined,
        latencyOf: latencies.of,
        quiet: quietLayers(plan, format),
        found: joined(
          flagReasons(sensitivities?.errors ?? []),
          silent,
          supportReasons(plan, support),
          optionReasons(plan, format),
        ),
      }),
      ...{ local, measured, ranges, sensitivities: sensitivities?.errors, gradients: report },
      rankCorrelations: rankCorrelations(measured, local, sensitivities?.errors, scores?.byLayer),
      timing: latencies.timing,
      findings: rangeFindings(plan, ranges, format, work.samples),
      seconds: (performance.now() - start) / 1000,
      peakMemory: await work.runtime.peakMemory(work.signal),
      ...effortOf(local, measured, own, sensitivities, scores, ranged, differentiated, work.effort),
    };
  });
}

/** The layers that were measured, and changed nothing. */
function measuredAsNothing(
  measured: MeasuredErrors | undefined,
  sensitivities: readonly Sensitivity[] = [],
): readonly Layer[] {
  const all = measured?.errors ?? sensitivities.filter(({ method }) => method === 'measured');
  return all.filter(({ value }) => value === 0).map(({ layer }) => layer);
}

/**
 * What layers err by where they round, beside which it is told what becomes of that: of the sketch where there is one. Otherwise every
 * layer was measured, beside which it costs next to nothing to run them all by themselves.
 */
async function ownErrors(
  results: Results,
  layers: readonly Layer[],
  format: LowFormatName,
  { local, sketch }: { readonly local: LocalErrors | undefined; readonly sketch: Sketch | undefined },
  options: WorkOptions,
): Promise<Effort & { readonly errors: ReadonlyMap<Layer, OwnError> | undefined }> {
  if (local !== undefined) return { errors: undefined, ...NO_EFFORT };
  if (sketch !== undefined) return { errors: sketchedOwnErrors(sketch), ...NO_EFFORT };
  const { errors, ...effort } = await knownLocalErrors(results, layers, format, options);
  const own = errors.map(({ layer, ...error }): [Layer, OwnError] => [layer, { ...error, of: 'output' }]);
  return { errors: new Map(own), ...effort };
}

/** The truth of each sample, or why there is none. */
async function labelsOf(
  plan: BoundPlan,
  labels: PlanLabels,
  samples: number,
): Promise<readonly Label[] | Refused> {
  const read = await readLabels(labels.glob, dirname(plan.path), samples);
  return read.ok ? read.value : refusedLabels(plan, labels, read.fault.code, read.fault.message);
}

/** What is wrong with labels, where the plan names them. */
function refusedLabels(plan: BoundPlan, { source }: PlanLabels, code: string, message: string): Refused {
  const { path, range } = source;
  const diagnostic = {
    code,
    severity: 'error',
    range,
    message,
    ...(path === plan.path ? {} : { path }),
  } as const;
  return refusedBy('input', plan, [diagnostic]) ?? refused('input', code, message, path);
}

/** How far each method that was asked for puts the layers in the order of their measured errors. */
function rankCorrelations(
  measured: MeasuredErrors | undefined,
  local: LocalErrors | undefined,
  sensitivities: readonly Sensitivity[] | undefined,
  scores: ReadonlyMap<Layer, Readonly<Record<string, number>>> | undefined,
): ReadonlyMap<string, number | undefined> {
  if (measured === undefined) return new Map();
  const values = (errors: readonly LocalError[] | undefined): ReadonlyMap<Layer, number> | undefined =>
    errors && new Map(errors.map(({ layer, value }) => [layer, value]));
  const scored = (name: string): ReadonlyMap<Layer, number> | undefined =>
    scores &&
    new Map([...scores].flatMap(([layer, { [name]: own }]) => (own === undefined ? [] : [[layer, own]])));
  const methods: readonly (readonly [string, ReadonlyMap<Layer, number> | undefined])[] = [
    ['sketch', values(sensitivities)],
    ['local', values(local?.errors)],
    ['hessian', scored('hessian')],
    ['hessian-weights', scored('hessian-weights')],
    ['first-order', scored('first-order')],
  ];
  return new Map(
    methods.flatMap(([name, found]): [string, number | undefined][] => {
      if (found === undefined) return [];
      const both = measured.errors.filter(({ layer }) => found.has(layer));
      return [
        [
          name,
          rankCorrelation(
            both.map(({ layer }) => found.get(layer) ?? 0),
            both.map(({ value }) => value),
          ),
        ],
      ];
    }),
  );
}

/** What the sketch says of a layer's own figure; what the ranges and the figure itself say is said elsewhere. */
const SENTENCES: Readonly<Partial<Record<SketchFlag, string>>> = {
  'zero-gradient': 'no gradient reaches an output from here, which is no evidence that nothing does',
  'no-gradient': 'the way to an output leads through an operator without a gradient',
  'saturated-output': SATURATED,
  'unresolved-output':
    'the output is so near to 0 that its operator cannot tell such numbers apart: the figure is chance, take other samples',
};

function joined(
  ...all: readonly ReadonlyMap<Layer, readonly Reason[]>[]
): ReadonlyMap<Layer, readonly Reason[]> {
  const found = new Map<Layer, readonly Reason[]>();
  for (const reasons of all) {
    for (const [layer, own] of reasons) found.set(layer, [...(found.get(layer) ?? []), ...own]);
  }
  return found;
}

function flagReasons(errors: readonly Sensitivity[]): ReadonlyMap<Layer, readonly Reason[]> {
  return new Map(
    errors.map(({ layer, flags }) => [
      layer,
      flags.flatMap((code): Reason[] => {
        const sentence = SENTENCES[code];
        return sentence === undefined ? [] : [{ code, sentence, flags: true }];
      }),
    ]),
  );
}
