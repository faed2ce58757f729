/**
 * What metrics make of relative errors, learnt once for a model on its samples from a few emulated plans that have nothing to do
 * with the plan at hand, and kept plan by plan. Knows which plans are run and where figures are kept; not what is made of them.
 */
import type { LowFormatName } from '../../formats/index.js';
import type { Figure, MetricName } from '../../metrics/index.js';
import {
  layerInFormat,
  precisionGraphSteps,
  type BoundPlan,
  type Layer,
  type LayerDecision,
  type Tolerance,
} from '../../plan/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { decisionsText } from '../measurement/known-verdict.js';
import { measure, type ToleranceMeasurement } from '../measurement/measurement.js';
import { effortOf, NO_EFFORT, type Effort, type Recipe, type Results } from '../remembered.js';
import { fitKey, isLearnt, metricFit, type MetricFit, type MetricPoint } from './metric-fit.js';
import type { MetricFits } from './predictor.js';

/** Raised when a change of the code changes what is kept. */
const POINT_VERSION = 1;
const POINT = 'metric point';

/** The shares of all layers that are lowered in the plans that are learnt from: from a whole model to a few of its layers. */
const SHARES = [1, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05];

/** Whose plans are learnt from. */
export interface FitSubject {
  readonly plan: Pick<BoundPlan, 'model' | 'roles' | 'layers'>;
  readonly format: LowFormatName;
  /** The layers that may be lowered: those whose effect is finite and known. */
  readonly layers: readonly Layer[];
  /** Those of them with a metric that is learnt are asked for, the others left out. */
  readonly tolerances: readonly Tolerance[];
}

/** Runs what the store does not know. */
export async function knownFits(
  results: Results,
  subject: FitSubject,
  options: WorkOptions = {},
): Promise<Effort & { readonly fits: MetricFits }> {
  const wanted = learntOf(subject.tolerances);
  if (wanted.length === 0) return { fits: new Map(), ...NO_EFFORT };
  let effort: Effort = NO_EFFORT;
  const sets = decisionsToLearnFrom(subject);
  const points = new Map<string, MetricPoint[]>(wanted.map((one) => [fitKey(one), []]));
  for (const [index, decisions] of sets.entries()) {
    options.progress?.(index, sets.length, 'what metrics make of errors');
    const missing: Tolerance[] = [];
    for (const one of wanted) {
      const known = await storedPoint(results, decisions, one);
      if (known === undefined) missing.push(one);
      else points.get(fitKey(one))?.push(known);
    }
    if (missing.length === 0) continue;
    const graph = await inSlices(
      precisionGraphSteps(subject.plan.model, subject.plan.roles, subject.plan.layers, decisions),
    );
    const both = missing.flatMap((one) => [one, relativeOf(one)]);
    const { signal } = options;
    const { tolerances, inferences } = await measure(await results.evaluation(), graph, both, { signal });
    effort = effortOf(effort, { sessions: 1, inferences });
    const measured = new Map(tolerances.map((one) => [one.tolerance, one]));
    for (const [at, one] of missing.entries()) {
      const point = pointOf(measured.get(one), measured.get(both[2 * at + 1] ?? one));
      if (point === undefined) continue;
      points.get(fitKey(one))?.push(point);
      await results.keep(POINT, recipeOf(decisions, one), point);
    }
  }
  options.progress?.(sets.length, sets.length, 'what metrics make of errors');
  return { fits: fitted(wanted, points), ...effort };
}

function fitted(
  tolerances: readonly Tolerance[],
  points: ReadonlyMap<string, readonly MetricPoint[]>,
): MetricFits {
  return new Map(
    tolerances.map((one): [string, MetricFit] => [
      fitKey(one),
      metricFit(one.metric, points.get(fitKey(one)) ?? []),
    ]),
  );
}

/** One for each metric that is learnt, whatever its limit. */
function learntOf(tolerances: readonly Tolerance[]): readonly Tolerance[] {
  const learnt = tolerances.filter(({ metric }) => isLearnt(metric));
  return [...new Map(learnt.map((one) => [fitKey(one), one])).values()];
}

/** The relative error of the same output, put together in the same way. */
function relativeOf(tolerance: Tolerance): Tolerance {
  return { ...tolerance, metric: { name: 'relative_l2' }, operator: '<=', limit: Number.POSITIVE_INFINITY };
}

async function storedPoint(
  results: Results,
  decisions: readonly LayerDecision[],
  tolerance: Tolerance,
): Promise<MetricPoint | undefined> {
  const found = await results.find(POINT, recipeOf(decisions, tolerance));
  return typeof found === 'object' && found !== null && 'error' in found ? (found as MetricPoint) : undefined;
}

function recipeOf(decisions: readonly LayerDecision[], { output, metric, over }: Tolerance): Recipe {
  return { decisions: decisionsText(decisions), output, metric, over, version: POINT_VERSION };
}

/** Metrics whose sums are something counted and of how many. */
const SHARES_OF: ReadonlySet<MetricName> = new Set(['top1', 'top5', 'pck', 'iou']);

function pointOf(
  own: ToleranceMeasurement | undefined,
  relative: ToleranceMeasurement | undefined,
): MetricPoint | undefined {
  if (own === undefined || relative === undefined) return undefined;
  const { figures, tolerance } = own;
  const of = ({ sums }: Figure): number => (SHARES_OF.has(tolerance.metric.name) ? (sums[1] ?? 1) : 1);
  const counts = figures.map(of);
  const counted =
    tolerance.over === 'worst' ? Math.min(...counts) : counts.reduce((total, count) => total + count, 0);
  return { error: relative.measured, value: own.measured, counted };
}

/** The plans that are run: a share of the layers each, drawn at random but always the same. No two are alike. */
function decisionsToLearnFrom({ plan, format, layers }: FitSubject): readonly (readonly LayerDecision[])[] {
  const order = shuffled(layers.length);
  const sets = new Map<string, readonly LayerDecision[]>();
  let start = 0;
  for (const share of SHARES) {
    const size = Math.round(share * layers.length);
    if (size === 0) continue;
    // Each goes on where the one before has ended, so that small sets have little in common.
    const low = new Set(
      Array.from({ length: size }, (_, at) => layers[order[(start + at) % order.length] ?? 0]),
    );
    start += size;
    const decisions = plan.layers.map((layer) => layerInFormat(layer, low.has(layer) ? format : 'original'));
    sets.set(decisionsText(decisions), decisions);
  }
  return [...sets.values()];
}

/** A permutation that looks random, by a linear congruential generator. */
function shuffled(count: number): readonly number[] {
  const order = Array.from({ length: count }, (_, at) => at);
  let state = count;
  for (let last = count - 1; last > 0; last--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (last + 1));
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order;
}
