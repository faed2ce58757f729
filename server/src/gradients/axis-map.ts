/**
 * Linear maps along one axis of a gradient, backwards: by the index from which each element was copied, or by a matrix. What
 * operator such a map comes from is not known here.
 */
import type { Emitter } from './emitter.js';
import { range, sizeOf } from './emitter.js';

/** With more copies of one element than this a product with a matrix is less work than a Gather for each. */
const MOST_GATHERS = 4;

/** An element that was copied from nowhere. */
export const FROM_NOWHERE = -1;

/**
 * The gradient of an axis of `size` elements, of which element `from[i]` was copied to position i of the same axis of the
 * result: the sum over all its copies.
 *
 * @param shape of the gradient, probes included.
 * @param axis of the gradient, probes included.
 */
export function ungather(
  emit: Emitter,
  gradient: string,
  shape: readonly number[],
  axis: number,
  from: readonly number[],
  size: number,
): string {
  const copies = Array.from({ length: size }, (): number[] => []);
  from.forEach((source, at) => copies[source]?.push(at));
  const most = copies.reduce((longest, of) => Math.max(longest, of.length), 0);
  if (most === 0) return emit.filled(0, shape.with(axis, size));
  if (most > MOST_GATHERS) {
    const matrix = Array.from({ length: size * from.length }, () => 0);
    from.forEach((source, at) => {
      if (source !== FROM_NOWHERE) matrix[source * from.length + at] = 1;
    });
    return contract(emit, emit.constant(matrix, [size, from.length]), gradient, shape, axis, size);
  }
  // One element more, which is zero, for what has fewer copies.
  const hasGaps = copies.some((of) => of.length < most);
  const pads = [...shape.map(() => 0), ...shape.map((_, at) => (at === axis ? 1 : 0))];
  const source = hasGaps ? emit.pad(gradient, pads) : gradient;
  const parts = range(most).map((copy) => {
    const indices = copies.map((of) => of[copy] ?? from.length);
    return emit.op('Gather', [source, emit.integers(indices)], { axis });
  });
  return emit.sum(parts) ?? gradient;
}

/**
 * The product of a matrix [rows, n] with an axis of n elements, which becomes one of `rows`.
 *
 * @param shape of x.
 */
export function contract(
  emit: Emitter,
  matrix: string,
  x: string,
  shape: readonly number[],
  axis: number,
  rows: number,
): string {
  const length = shape[axis] ?? 1;
  const before = sizeOf(shape.slice(0, axis));
  const behind = sizeOf(shape.slice(axis + 1));
  const product =
    behind === 1
      ? emit.matMul(emit.reshape(x, [before, length]), emit.op('Transpose', [matrix], { perm: [1, 0] }))
      : emit.matMul(matrix, emit.reshape(x, [before, length, behind]));
  return emit.reshape(product, shape.with(axis, rows));
}

const SINCE_EYE_LIKE = 9;

/** The identity matrix, made in the run where the opset can. */
export function identity(emit: Emitter, size: number): string {
  if (emit.opset >= SINCE_EYE_LIKE) return emit.op('EyeLike', [emit.filled(0, [size, size])]);
  const elements = range(size).flatMap((row) => range(size).map((column) => (row === column ? 1 : 0)));
  return emit.constant(elements, [size, size]);
}
