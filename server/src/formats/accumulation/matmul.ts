/** ONNX's MatMul and Gemm with the accumulation and the rounding of each addition that are asked for. */
import { dotProducts, type Summation } from './accumulation.js';

/** An array with its shape, in row-major order. */
export interface ShapedValues {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total * length, 1);
}

/** Rows as columns of a matrix that begins at an offset. */
function transposed(values: Float32Array, offset: number, rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[j * rows + i] = values[offset + i * columns + j] ?? 0;
  }
  return out;
}

/** The shape that two shapes are broadcast to; undefined where they do not agree. */
function broadcast(left: readonly number[], right: readonly number[]): number[] | undefined {
  const rank = Math.max(left.length, right.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const a = left[axis - rank + left.length] ?? 1;
    const b = right[axis - rank + right.length] ?? 1;
    if (a !== b && a !== 1 && b !== 1) return undefined;
    shape.push(a === 1 ? b : a);
  }
  return shape;
}

/** Which matrix of a stack of shape `own` stands at place `index` of the stack that it is broadcast to. */
function placeIn(own: readonly number[], stack: readonly number[], index: number): number {
  let rest = index;
  let place = 0;
  let step = 1;
  for (let axis = stack.length - 1; axis >= 0; axis--) {
    const length = stack[axis] ?? 1;
    const at = rest % length;
    rest = (rest - at) / length;
    const ownLength = own[axis - stack.length + own.length] ?? 1;
    if (ownLength > 1) place += at * step;
    step *= ownLength;
  }
  return place;
}

/**
 * ONNX's MatMul, as numpy.matmul: a vector is a row on the left and a column on the right, axes before the last two are
 * broadcast. Undefined where the shapes do not multiply.
 */
export function matMul(
  left: ShapedValues,
  right: ShapedValues,
  summation: Summation,
): ShapedValues | undefined {
  const leftShape = left.shape.length === 1 ? [1, ...left.shape] : left.shape;
  const rightShape = right.shape.length === 1 ? [...right.shape, 1] : right.shape;
  const [rows, inner] = leftShape.slice(-2);
  const [rightInner, columns] = rightShape.slice(-2);
  if (rows === undefined || inner === undefined || columns === undefined || inner !== rightInner) {
    return undefined;
  }
  const leftStack = leftShape.slice(0, -2);
  const rightStack = rightShape.slice(0, -2);
  const stack = broadcast(leftStack, rightStack);
  if (stack === undefined) return undefined;

  const multiply = dotProducts(summation);
  const matrices = product(stack);
  const values = new Float32Array(matrices * rows * columns);
  const rightColumns = new Map<number, Float32Array>();
  for (let i = 0; i < matrices; i++) {
    const place = placeIn(rightStack, stack, i);
    let columnsFirst = rightColumns.get(place);
    if (columnsFirst === undefined) {
      columnsFirst = transposed(right.values, place * inner * columns, inner, columns);
      // Kept only where it is read again: a stack of its own on the right is read once.
      if (product(rightStack) < matrices) rightColumns.set(place, columnsFirst);
    }
    const leftOffset = placeIn(leftStack, stack, i) * rows * inner;
    multiply(rows, columns, inner, left.values, leftOffset, columnsFirst, 0, values, i * rows * columns);
  }
  const outRows = left.shape.length === 1 ? [] : [rows];
  const outColumns = right.shape.length === 1 ? [] : [columns];
  return { values, shape: [...stack, ...outRows, ...outColumns] };
}

/** Gemm's attributes, and the addend. */
export interface GemmOptions {
  readonly alpha?: number;
  readonly beta?: number;
  readonly transposeLeft?: boolean;
  readonly transposeRight?: boolean;
  readonly addend?: ShapedValues;
}

/**
 * ONNX's Gemm: alpha x A x B + beta x C, of which only the product is summed as asked; factors and addend are applied to
 * the finished sum in FP32. Undefined where the shapes do not fit.
 */
export function gemm(
  left: ShapedValues,
  right: ShapedValues,
  summation: Summation,
  options: GemmOptions = {},
): ShapedValues | undefined {
  const { alpha = 1, beta = 1, addend } = options;
  const [leftRows, leftColumns] = left.shape;
  const [rightRows, rightColumns] = right.shape;
  if (left.shape.length !== 2 || right.shape.length !== 2) return undefined;
  const across = options.transposeLeft === true;
  const down = options.transposeRight === true;
  const rows = (across ? leftColumns : leftRows) ?? 0;
  const inner = (across ? leftRows : leftColumns) ?? 0;
  const columns = (down ? rightRows : rightColumns) ?? 0;
  if (((down ? rightColumns : rightRows) ?? 0) !== inner) return undefined;
  const leftRowsFirst = across ? transposed(left.values, 0, inner, rows) : left.values;
  const columnsFirst = down ? right.values : transposed(right.values, 0, inner, columns);
  const values = new Float32Array(rows * columns);
  dotProducts(summation)(rows, columns, inner, leftRowsFirst, 0, columnsFirst, 0, values, 0);

  if (addend !== undefined) {
    const shape = broadcast(addend.shape, [rows, columns]);
    if (shape?.length !== 2 || shape[0] !== rows || shape[1] !== columns) return undefined;
  }
  const factor = Math.fround(alpha);
  const addendFactor = Math.fround(beta);
  for (let i = 0; i < values.length; i++) {
    const scaled = Math.fround((values[i] ?? 0) * factor);
    const added = addend?.values[placeIn(addend.shape, [rows, columns], i)];
    values[i] = added === undefined ? scaled : scaled + Math.fround(added * addendFactor);
  }
  return { values, shape: [rows, columns] };
}
