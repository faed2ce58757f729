/**
 * Kinds of sums that a target may add up each in its own way: an operator, and what of its shape decides which of a provider's kernels
 * runs it. Knows nodes and shapes; not what a target does.
 */
import { intAttribute, intsAttribute, type Model } from '../../onnx/index.js';
import { modelScopes } from '../model/scopes.js';
import { tensorShape } from '../model/tensor-shapes.js';
import type { Layer } from '../types.js';

/**
 * From so many elements on a mean over a window is added up in parallel by ONNX Runtime's WebGPU kernels (1.30, seen in experiments);
 * below it one by one.
 */
export const LONG_WINDOW = 128;

/** What the second operand of most exported Gemms is: turned, for which there are kernels of their own. */
export const TURNED_GEMM = 'Gemm with transB';

/** A mean over fewer elements than `LONG_WINDOW`, as it is called where kinds of sums are listed. */
export function shortWindow(opType: 'AveragePool' | 'GlobalAveragePool'): string {
  return `${opType} below ${LONG_WINDOW}`;
}

/** The kind of sum of a layer of the ONNX domain. What is not known of its kind may be known of its operator. */
export function sumKind(model: Model, { node, nodeIndex }: Pick<Layer, 'node' | 'nodeIndex'>): string {
  const { opType } = node;
  if (opType === 'Gemm') return intAttribute(node, 'transB', 0) === 0 ? opType : TURNED_GEMM;
  if (opType !== 'AveragePool' && opType !== 'GlobalAveragePool') return opType;
  const window =
    opType === 'AveragePool' ? intsAttribute(node, 'kernel_shape') : spatialShape(model, nodeIndex);
  const size = window?.reduce((total, length) => total * length, 1);
  return size !== undefined && size < LONG_WINDOW ? shortWindow(opType) : opType;
}

/** Undefined where not all of it is known. */
function spatialShape(model: Model, at: number): readonly number[] | undefined {
  const scopes = modelScopes(model);
  const shape = tensorShape(scopes, scopes.nodes[at]?.inputs[0] ?? '');
  if (shape === undefined) return undefined;
  const lengths = shape.slice(2);
  const known = lengths.filter((length) => typeof length === 'number');
  return known.length === lengths.length ? known : undefined;
}
