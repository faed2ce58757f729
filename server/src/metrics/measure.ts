/**
 * Every metric by name: the figure of one sample, figures put together over samples, and which way is better. The only
 * file that knows all metrics.
 */
import { cosine } from './cosine.js';
import { at, type MetricDefinition } from './definition.js';
import { iou } from './iou.js';
import { kl } from './kl.js';
import { maxAbs } from './max-abs.js';
import { meanAbs } from './mean-abs.js';
import type { Aggregation, Figure, MetricName, MetricSpecification } from './metric.js';
import { nme } from './nme.js';
import { agreement, withoutNonFinite } from './non-finite.js';
import { ownError, ownScore } from './own.js';
import { pck } from './pck.js';
import { psnr } from './psnr.js';
import { relativeL2 } from './relative-l2.js';
import { sqnr } from './sqnr.js';
import { top1, top5 } from './top.js';
import { ulpFp16 } from './ulp-fp16.js';

const METRICS: Readonly<Record<MetricName, MetricDefinition>> = {
  max_abs: maxAbs,
  mean_abs: meanAbs,
  relative_l2: relativeL2,
  cosine,
  sqnr,
  psnr,
  ulp_fp16: ulpFp16,
  top1,
  top5,
  kl,
  nme,
  pck,
  iou,
  own_error: ownError,
  own_score: ownScore,
};

/** The operator that a tolerance on the metric must have. */
export function betterDirection(name: MetricName): '<=' | '>=' {
  return METRICS[name].better;
}

/** How samples are put together where the plan does not say. */
export function defaultAggregation(name: MetricName): Aggregation {
  return METRICS[name].over;
}

/** The value of an output that equals its reference. */
export function bestValue(name: MetricName): number {
  return METRICS[name].best;
}

/**
 * The value of an output that cannot be compared: infinite for errors, minus infinity for ratios in dB, -1 for
 * `cosine`, 0 for shares of what is right. Never NaN.
 */
export function worstValue(name: MetricName): number {
  return METRICS[name].worst;
}

/** Why the metric cannot be taken of an output of these dims; undefined where it can. */
export function metricProblem(
  specification: MetricSpecification,
  dims: readonly number[],
): string | undefined {
  const definition = METRICS[specification.name];
  return definition.problem?.(specification, dims);
}

/**
 * Compares an output with its reference, both C-ordered with shape `dims`. Elements that are the same infinity or the
 * same NaN in both are equal. An infinity or NaN that only one of them has, a different number of elements, or an
 * output that the metric does not fit (`metricProblem`) gives the worst value and no sums: such a figure makes
 * everything that it is put together with the worst, too.
 */
export function measure(
  specification: MetricSpecification,
  reference: Float32Array,
  actual: Float32Array,
  dims: readonly number[],
): Figure {
  const definition = METRICS[specification.name];
  const broken: Figure = { value: definition.worst, sums: [] };
  if (reference.length !== actual.length || metricProblem(specification, dims) !== undefined) return broken;
  const state = agreement(reference, actual);
  if (state === 'new-non-finite') return broken;
  const replace = state === 'same-non-finite' && !definition.seesNonFinite;
  const sums = replace
    ? definition.sums(specification, withoutNonFinite(reference), withoutNonFinite(actual), dims)
    : definition.sums(specification, reference, actual, dims);
  return { value: definition.value(sums), sums };
}

function added(a: readonly number[], b: readonly number[]): readonly number[] {
  return a.map((sum, index) => sum + at(b, index));
}

/**
 * One number for all samples: the worst of their values, the mean of their values, or the value of their sums taken
 * together (`pooled`). Samples that cannot be compared, and no samples at all, give the worst value: a tolerance that
 * nothing speaks for does not hold.
 */
export function combine(
  specification: MetricSpecification,
  figures: readonly Figure[],
  over: Aggregation,
): number {
  const definition = METRICS[specification.name];
  if (figures.length === 0 || figures.some(({ sums }) => sums.length === 0)) return definition.worst;
  const values = figures.map(({ value }) => value);
  switch (over) {
    case 'worst':
      return definition.better === '<='
        ? values.reduce((worst, value) => Math.max(worst, value))
        : values.reduce((worst, value) => Math.min(worst, value));
    case 'mean': {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      // Plus and minus infinity (dB) have no mean.
      return Number.isNaN(mean) ? definition.worst : mean;
    }
    case 'pooled':
      return definition.value(figures.map(({ sums }) => sums).reduce(definition.together ?? added));
  }
}

/** Whether a value is on the wrong side of a tolerance's limit. NaN always is. */
export function exceeds(value: number, operator: '<=' | '>=', limit: number): boolean {
  return operator === '<=' ? !(value <= limit) : !(value >= limit);
}
