/**
 * Sums rows of a gradient at positions that are only known in the run: the backwards of every operator that picks. From opset 16 on
 * by ScatterND and ScatterElements that add, before by a product with a matrix of zeros and ones.
 */
import { DataType } from '../onnx/index.js';
import { range, sizeOf, type Emitter } from './emitter.js';

const SINCE_ADDING_SCATTER = 16;
/** Larger matrices of zeros and ones are not made (256 MB). */
const MOST_MARKS = 2 ** 26;

/**
 * [before, count, behind] -> [before, size, behind]: the sum of the elements whose position it is. Undefined where the model's
 * opset has no way that takes a bearable amount of memory.
 *
 * @param positions any shape with `count` integers, counted from the front or, below 0, from the back.
 */
export function scatterRows(
  emit: Emitter,
  gradient: string,
  positions: string,
  { before, count, behind, size }: Record<'before' | 'count' | 'behind' | 'size', number>,
): string | undefined {
  if (emit.opset >= SINCE_ADDING_SCATTER) {
    const rows = emit.transpose(emit.reshape(gradient, [before, count, behind]), [1, 0, 2]);
    const index = emit.cast(emit.reshape(positions, [count, 1]), DataType.INT64);
    const zeros = emit.filled(0, [size, before, behind]);
    return emit.transpose(emit.op('ScatterND', [zeros, index, rows], { reduction: 'add' }), [1, 0, 2]);
  }
  if (count * size > MOST_MARKS) return undefined;
  const marks = markPositions(emit, emit.reshape(positions, [1, count]), [size, 1], size);
  return emit.matMul(marks, emit.reshape(gradient, [before, count, behind]));
}

/**
 * Backwards through picking along one axis by indices of the same rank: [K, ...picked] -> [K, ...shape]. Undefined as above.
 *
 * @param picked the shape of the indices.
 * @param axis of `shape`.
 */
export function scatterAlong(
  emit: Emitter,
  gradient: string,
  indices: string,
  picked: readonly number[],
  shape: readonly number[],
  axis: number,
): string | undefined {
  const { probes } = emit;
  if (emit.opset >= SINCE_ADDING_SCATTER) {
    const zeros = emit.filled(0, [probes, ...shape]);
    const index = emit.forEachProbe(indices, picked);
    return emit.op('ScatterElements', [zeros, index, gradient], { axis: axis + 1, reduction: 'add' });
  }
  const size = shape[axis] ?? 1;
  const count = picked[axis] ?? 1;
  const rest = range(picked.length).filter((other) => other !== axis);
  const others = rest.map((other) => picked[other] ?? 1);
  const lines = sizeOf(others);
  if (lines * count * size > MOST_MARKS) return undefined;
  // [lines, size, count] times [lines, count, K]
  const index = emit.reshape(emit.transpose(indices, [...rest, axis]), [lines, 1, count]);
  const marks = markPositions(emit, index, [size, 1], size);
  const last = emit.transpose(gradient, [...rest.map((other) => other + 1), axis + 1, 0]);
  const sums = emit.matMul(marks, emit.reshape(last, [lines, count, probes]));
  const apart = emit.reshape(sums, [...others, size, probes]);
  const back = [
    picked.length,
    ...range(picked.length).map((other) => (other === axis ? rest.length : rest.indexOf(other))),
  ];
  const placed = emit.transpose(apart, back);
  const behind = shape.map((whole, other) => (other === axis ? 0 : whole - (picked[other] ?? whole)));
  return emit.pad(placed, [...range(shape.length + 1).map(() => 0), 0, ...behind]);
}

/** 1 where an integer, which broadcasts, is the position, or that counted from the back; 0 elsewhere. */
export function markPositions(
  emit: Emitter,
  indices: string,
  positionShape: readonly number[],
  size: number,
): string {
  const index = emit.cast(indices, DataType.INT64);
  const fromFront = emit.constant(range(size), positionShape, DataType.INT64);
  const fromBack = emit.constant(range(size, -size), positionShape, DataType.INT64);
  return emit.mask(
    emit.op('Or', [emit.op('Equal', [index, fromFront]), emit.op('Equal', [index, fromBack])]),
  );
}
