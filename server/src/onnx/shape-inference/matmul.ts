/** Shapes of matrix products. */
import { intAttribute } from '../attributes.js';
import type { Dimension, Shape } from '../model.js';
import { broadcast } from './dimension.js';
import type { ShapeRule } from './rule.js';
import { forAll } from './rule.js';

/** Numpy's matmul of two shapes: batch axes broadcast, vectors lose the axis that they were given. */
export function matmulShape(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (a === undefined || b === undefined || a.length === 0 || b.length === 0) return undefined;
  const batch = broadcast([a.slice(0, -2), b.slice(0, -2)]);
  if (batch === undefined) return undefined;
  const rows: Shape = a.length === 1 ? [] : [a.at(-2)];
  const columns: Shape = b.length === 1 ? [] : [b.at(-1)];
  return [...batch, ...rows, ...columns];
}

function matmul(first: number, second: number): ShapeRule {
  return (context) => [matmulShape(context.shape(first), context.shape(second))];
}

const fusedMatMul: ShapeRule = ({ node, shape }) => {
  if (intAttribute(node, 'transBatchA', 0) !== 0 || intAttribute(node, 'transBatchB', 0) !== 0) return [];
  return [
    matmulShape(
      transposeLast(shape(0), intAttribute(node, 'transA', 0) !== 0),
      transposeLast(shape(1), intAttribute(node, 'transB', 0) !== 0),
    ),
  ];
};

/** [M, N] from A of [M, K] or its transpose and B of [K, N] or its transpose. */
const gemm: ShapeRule = ({ node, shape }) => {
  const rows: Dimension = intAttribute(node, 'transA', 0) === 0 ? shape(0)?.[0] : shape(0)?.[1];
  const columns: Dimension = intAttribute(node, 'transB', 0) === 0 ? shape(1)?.[1] : shape(1)?.[0];
  return [[rows, columns]];
};

/** A of [..., K] and a packed weight of N columns. */
const matMulNBits: ShapeRule = ({ node, shape }) => {
  const a = shape(0);
  return [a === undefined ? undefined : [...a.slice(0, -1), intAttribute(node, 'N')]];
};

const determinant: ShapeRule = ({ shape }) => [shape(0)?.slice(0, -2)];

export const matmulRules = [
  ...forAll(['MatMul', 'MatMulInteger'], matmul(0, 1)),
  ...forAll(['QLinearMatMul'], matmul(0, 3)),
  ...forAll(['Gemm'], gemm),
  ...forAll(['Det'], determinant),
];

/** Of com.microsoft. */
export const contribMatmulRules = [
  ...forAll(['DynamicQuantizeMatMul', 'MatMulIntegerToFloat'], matmul(0, 1)),
  ...forAll(['FusedMatMul', 'TransposeMatMul'], fusedMatMul),
  ...forAll(['FusedGemm'], gemm),
  ...forAll(['MatMulNBits', 'MatMulBnb4'], matMulNBits),
];

/** The shape with its last two axes exchanged; a vector stays what it is. */
export function transposeLast(shape: Shape | undefined, transposed: boolean): Shape | undefined {
  if (!transposed || shape === undefined || shape.length < 2) return shape;
  return [...shape.slice(0, -2), shape.at(-1), shape.at(-2)];
}
