/**
 * Outputs that end in a Softmax or Sigmoid which hardly moves any more: errors are squeezed to nothing there, and what a
 * layer does is better judged by the logits. Knows one output at a time.
 */
import type { Model } from '../../onnx/index.js';
import { isMovement, modelFacts } from '../../plan/index.js';

/** So near to 0 or 1 that a change of the logit is hardly seen. */
const NEAR = 1e-3;
/** Of a sigmoid's elements, or the sum of squares of a softmax's probabilities. */
const SATURATED_SHARE = 0.98;

/** The operator that an output's values come from, seen through movement, if it saturates. */
export function saturatingOperator(model: Model, output: string): 'Softmax' | 'Sigmoid' | undefined {
  const { index } = modelFacts(model);
  for (let name = output; ;) {
    const node = model.graph.nodes[index.producers.get(name) ?? -1];
    if (node === undefined) return undefined;
    if (node.domain === '' && (node.opType === 'Softmax' || node.opType === 'Sigmoid')) return node.opType;
    if (!isMovement(node)) return undefined;
    name = node.inputs[0] ?? '';
  }
}

/** @param dims of the output; probabilities of a softmax are taken to add up over the last axis. */
export function isSaturated(
  operator: 'Softmax' | 'Sigmoid',
  values: Float32Array,
  dims: readonly number[],
): boolean {
  if (values.length === 0) return false;
  if (operator === 'Sigmoid') {
    const near = values.reduce((count, value) => count + (Math.min(value, 1 - value) < NEAR ? 1 : 0), 0);
    return near / values.length > SATURATED_SHARE;
  }
  const rows = values.length / Math.max(1, dims.at(-1) ?? 1);
  return values.reduce((sum, value) => sum + value * value, 0) / rows > SATURATED_SHARE;
}
