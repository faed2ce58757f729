/**
 * The shape that every metric fills in: sums over the elements of one sample, and the value that sums give. What is
 * common to all (non-finite elements, aggregation over samples) is in `measure.ts`.
 */
import type { Aggregation, MetricSpecification } from './metric.js';

export interface MetricDefinition {
  /** The operator of a tolerance on this metric. */
  readonly better: '<=' | '>=';
  /** How samples are put together where the plan does not say. */
  readonly over: Aggregation;
  /** The value of an output that equals its reference. */
  readonly best: number;
  /** The value of an output that cannot be compared with its reference. */
  readonly worst: number;
  /**
   * Whether `sums` gives a meaning to elements that are the same infinity or NaN in both tensors. Otherwise it sees
   * zeros in their place: equal, and without weight in any norm.
   */
  readonly seesNonFinite: boolean;
  /** Why the metric cannot be taken of a tensor of these dims; undefined where it can. */
  readonly problem?: (specification: MetricSpecification, dims: readonly number[]) => string | undefined;
  /** Sums over one sample. The tensors are of the same length, and `problem` has found nothing. */
  readonly sums: (
    specification: MetricSpecification,
    reference: Float32Array,
    actual: Float32Array,
    dims: readonly number[],
  ) => readonly number[];
  /** The value that sums give; never NaN. */
  readonly value: (sums: readonly number[]) => number;
  /** The sums of two samples taken together; element by element, they are added where nothing is said. */
  readonly together?: (a: readonly number[], b: readonly number[]) => readonly number[];
}

/** Sum `index`; what a metric's own `sums` has made is always there. */
export function at(sums: readonly number[], index: number): number {
  return sums[index] ?? 0;
}

/** A quotient of sums over something counted: what no element contributes to has the value `empty`. */
export function share(sum: number, count: number, empty: number): number {
  return count === 0 ? empty : sum / count;
}
