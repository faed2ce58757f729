/** Rules for Softmax and LogSoftmax, over one axis and, before opset 13, over all axes from one on. Hardmax has no derivative. */
import { intAttribute } from '../../onnx/index.js';
import { range } from '../emitter.js';
import { inputShape, type Contribution, type VjpContext, type VjpRules } from '../rule.js';
import { fromTheFront } from './layout.js';

export const softmaxRules: VjpRules = { LogSoftmax: logSoftmax, Softmax: softmax };

/** Before it the axes from `axis` on were one, and 1 was the default. */
const SINCE_ONE_AXIS = 13;

/** y (g - sum of g y) */
function softmax(context: VjpContext): readonly Contribution[] {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node } = context;
  const y = node.outputs[0] ?? '';
  const mean = emit.reduceSum(emit.mul(gradient, y), axesOf(context), true);
  return [emit.mul(y, emit.sub(gradient, mean))];
}

/** g - e^y times the sum of g */
function logSoftmax(context: VjpContext): readonly Contribution[] {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node } = context;
  const sum = emit.reduceSum(gradient, axesOf(context), true);
  return [emit.sub(gradient, emit.mul(emit.op('Exp', [node.outputs[0] ?? '']), sum))];
}

/** Of the gradient, behind the probes. */
function axesOf(context: VjpContext): readonly number[] {
  const rank = inputShape(context, 0).length;
  const hasOneAxis = context.opset >= SINCE_ONE_AXIS;
  const axis = fromTheFront(intAttribute(context.node, 'axis', hasOneAxis ? -1 : 1), rank);
  return hasOneAxis ? [axis + 1] : range(rank - axis, axis + 1);
}
