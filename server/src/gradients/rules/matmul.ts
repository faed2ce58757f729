/**
 * Gradients of matrix products. For Y = A B with G the gradient of Y: that of A is G B', that of B is A' G, each summed over the
 * batches in which the operand was repeated.
 */
import { floatAttribute, intAttribute } from '../../onnx/index.js';
import { alignedShape, range, sizeOf, type Emitter } from '../emitter.js';
import {
  inputOf,
  inputShape,
  outputShape,
  type Contribution,
  type VjpContext,
  type VjpRule,
  type VjpRules,
} from '../rule.js';

/** C is optional from this opset on. */
const FIRST_GEMM_WITHOUT_C = 11;

/** alpha A B of matrices, either of them transposed first. */
function gemm(emit: Emitter, a: string, b: string, transA: number, transB: number, alpha: number): string {
  const inputs = emit.opset < FIRST_GEMM_WITHOUT_C ? [a, b, emit.scalar(0)] : [a, b];
  return emit.op('Gemm', inputs, { transA, transB, alpha: { float: alpha } });
}

/** The last two axes exchanged. */
function swapped(emit: Emitter, x: string, rank: number): string {
  return emit.transpose(x, [...range(rank - 2), rank - 1, rank - 2]);
}

interface Product {
  readonly alpha: number;
  /** Whether the operand's last two axes are exchanged before it is multiplied. */
  readonly transA: boolean;
  readonly transB: boolean;
}

/** A product of stacks of matrices, as MatMul multiplies them. Vectors are a row on the left and a column on the right. */
function productRule(productOf: (context: VjpContext) => Product | undefined): VjpRule {
  return (context) => {
    const product = productOf(context);
    if (product === undefined) return undefined;
    const { emit, probes } = context;
    const [a, b] = [inputOf(context, 0), inputOf(context, 1)];
    const [shapeA, shapeB] = [inputShape(context, 0), inputShape(context, 1)];
    const [transA, transB] = [product.transA && shapeA.length > 1, product.transB && shapeB.length > 1];
    const matrixA = shapeA.length === 1 ? [1, ...shapeA] : shapeA;
    const matrixB = shapeB.length === 1 ? [...shapeB, 1] : shapeB;
    // As they are multiplied: [..., rows, inner] and [..., inner, columns].
    const [rows, inner] = matrixOf(matrixA, transA);
    const [, columns] = matrixOf(matrixB, transB);
    const batch = broadcastBatch(matrixA.slice(0, -2), matrixB.slice(0, -2));
    const given = context.gradient(0) ?? '';
    const isMatrix = shapeA.length > 1 && shapeB.length > 1;
    const whole = isMatrix ? given : emit.reshape(given, [probes, ...batch, rows, columns]);
    const gradient = emit.scale(whole, product.alpha);
    const toMatrix = (x: string, from: readonly number[], to: readonly number[]): string =>
      from.length === to.length ? x : emit.reshape(x, to);

    const gradientOfA = (): string => {
      const result = [...batch, rows, inner];
      let product: string;
      if (matrixB.length === 2) {
        const flat = emit.reshape(gradient, [probes * sizeOf(batch) * rows, columns]);
        const right = toMatrix(b, shapeB, matrixB);
        product = emit.reshape(gemm(emit, flat, right, 0, transB ? 0 : 1, 1), [probes, ...result]);
      } else {
        product = emit.matMul(gradient, transB ? b : swapped(emit, b, shapeB.length));
      }
      const turned = transA ? swapped(emit, product, result.length + 1) : product;
      const from = transA ? [...batch, inner, rows] : result;
      return toMatrix(emit.unbroadcast(turned, from, matrixA), [0, ...matrixA], [probes, ...shapeA]);
    };

    const gradientOfB = (): string => {
      let product: string;
      let from: readonly number[];
      if (matrixB.length === 2 && !transA) {
        // One matrix for all batches: their rows are summed by the product itself.
        const height = sizeOf(batch) * rows;
        const left = emit.transpose(emit.reshape(a, [height, inner]), [1, 0]);
        product = emit.matMul(left, emit.reshape(gradient, [probes, height, columns]));
        from = [inner, columns];
      } else {
        const left = toMatrix(a, shapeA, matrixA);
        product = emit.matMul(transA ? left : swapped(emit, left, matrixA.length), gradient);
        from = [...batch, inner, columns];
      }
      const turned = transB ? swapped(emit, product, from.length + 1) : product;
      const turnedFrom = transB ? [...from.slice(0, -2), columns, inner] : from;
      return toMatrix(emit.unbroadcast(turned, turnedFrom, matrixB), [0, ...matrixB], [probes, ...shapeB]);
    };

    return [
      context.needsGradient(0) ? gradientOfA() : undefined,
      context.needsGradient(1) ? gradientOfB() : undefined,
    ];
  };
}

function matrixOf(shape: readonly number[], isTransposed: boolean): readonly [number, number] {
  const [rows = 1, columns = 1] = shape.slice(-2);
  return isTransposed ? [columns, rows] : [rows, columns];
}

function broadcastBatch(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  const [left, right] = [alignedShape(a, rank), alignedShape(b, rank)];
  return left.map((size, axis) => (size === 1 ? (right[axis] ?? 1) : size));
}

/** alpha A B + beta C of matrices. */
const gemmRule: VjpRule = (context) => {
  const { emit, node, probes } = context;
  const [a, b] = [inputOf(context, 0), inputOf(context, 1)];
  const [rows = 1, columns = 1] = outputShape(context);
  const transA = intAttribute(node, 'transA', 0) !== 0;
  const transB = intAttribute(node, 'transB', 0) !== 0;
  const alpha = floatAttribute(node, 'alpha') ?? 1;
  const beta = floatAttribute(node, 'beta') ?? 1;
  const [, inner] = matrixOf(inputShape(context, 0), transA);
  const gradient = context.gradient(0) ?? '';
  const toA = (): string => {
    const flat = emit.reshape(gradient, [probes * rows, columns]);
    const product = gemm(emit, flat, b, 0, transB ? 0 : 1, alpha);
    return transA
      ? swapped(emit, emit.reshape(product, [probes, rows, inner]), 3)
      : emit.reshape(product, [probes, rows, inner]);
  };
  const toB = (): string => {
    const left = transA ? a : emit.transpose(a, [1, 0]);
    const product = emit.scale(emit.matMul(left, gradient), alpha);
    return transB ? swapped(emit, product, 3) : product;
  };
  const toC = (): Contribution =>
    emit.unbroadcast(emit.scale(gradient, beta), [rows, columns], inputShape(context, 2));
  return [
    context.needsGradient(0) ? toA() : undefined,
    context.needsGradient(1) ? toB() : undefined,
    context.needsGradient(2) ? toC() : undefined,
  ];
};

export const matmulRules: VjpRules = {
  Gemm: gemmRule,
  MatMul: productRule(() => ({ alpha: 1, transA: false, transB: false })),
  'com.microsoft.FusedMatMul': productRule(({ node }) => {
    const isBatchMoved = ['transBatchA', 'transBatchB'].some((name) => intAttribute(node, name, 0) !== 0);
    if (isBatchMoved) return undefined;
    return {
      alpha: floatAttribute(node, 'alpha') ?? 1,
      transA: intAttribute(node, 'transA', 0) !== 0,
      transB: intAttribute(node, 'transB', 0) !== 0,
    };
  }),
};
