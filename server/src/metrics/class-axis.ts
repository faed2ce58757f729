/** The rows along the axis of the classes, for `top1`, `top5` and `kl`. */
import type { MetricSpecification } from './metric.js';

/** Row `(o, i)` has its class `c` at `o * classes * inner + c * inner + i`. */
export interface ClassAxis {
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
}

function axisOf(specification: MetricSpecification, rank: number): number {
  const axis = specification.axis ?? -1;
  return axis < 0 ? axis + rank : axis;
}

function product(dims: readonly number[]): number {
  return dims.reduce((elements, dim) => elements * dim, 1);
}

/** A scalar is one row of one class. */
export function classAxis(specification: MetricSpecification, dims: readonly number[]): ClassAxis {
  if (dims.length === 0) return { outer: 1, classes: 1, inner: 1 };
  const axis = axisOf(specification, dims.length);
  return {
    outer: product(dims.slice(0, axis)),
    classes: dims[axis] ?? 1,
    inner: product(dims.slice(axis + 1)),
  };
}

/** Why there is no such axis. */
export function classAxisProblem(
  specification: MetricSpecification,
  dims: readonly number[],
): string | undefined {
  if (specification.axis === undefined) return undefined;
  const rank = Math.max(1, dims.length);
  const axis = axisOf(specification, rank);
  if (Number.isInteger(axis) && axis >= 0 && axis < rank) return undefined;
  return `axis ${specification.axis} does not exist: the output has ${rank === 1 ? 'one axis' : `${rank} axes`}`;
}

/** Calls `visit` with the offset of the first class of every row. */
export function forEachRow({ outer, classes, inner }: ClassAxis, visit: (start: number) => void): void {
  if (classes === 0) return;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) visit(o * classes * inner + i);
  }
}
