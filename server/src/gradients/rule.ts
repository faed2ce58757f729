/**
 * What a rule for the gradient of an operator (a vector-Jacobian product) is given and what it returns. All gradients carry a
 * leading axis of K probes: that of a tensor of shape S has shape [K, ...S]. Knows no operator.
 */
import type { DataType, Node } from '../onnx/index.js';
import type { Emitter } from './emitter.js';
import { multipliedBy, type FactoredGradient } from './factored-gradient.js';

/** For an input that does have a derivative, which the rule cannot give: what lies behind it is blocked, and said to be. */
export const UNKNOWN: unique symbol = Symbol('unknown gradient');

/**
 * The name of a tensor of shape [K, ...shape of the input], or one of that shape times a factor; undefined where the derivative is
 * zero or not asked for.
 */
export type Contribution = string | FactoredGradient | undefined | typeof UNKNOWN;

export interface VjpContext {
  readonly node: Node;
  /** The version of the ONNX domain that the model imports. */
  readonly opset: number;
  /** K, at least 1. */
  readonly probes: number;
  /** The element type of the gradients of this node: FLOAT, or DOUBLE where the node computes in it. */
  readonly type: DataType;
  /** The shape of a tensor of the main graph as it is in the run. Known for every input; for outputs of no reader it may not be. */
  shape(name: string): readonly number[];
  elementType(name: string): DataType | undefined;
  /** The elements of a small tensor that does not depend on the inputs' values: axes, steps, exponents; booleans as 0 and 1. */
  constantValues(name: string): readonly number[] | undefined;
  /** The gradient of an output; undefined where nothing that has a probe depends on it. */
  gradient(output: number): string | undefined;
  /** The same as far as it is multiplied out. */
  factoredGradient(output: number): FactoredGradient | undefined;
  /** Whether nothing between the probes and the outputs makes finite gradients infinite. */
  readonly isFinite: boolean;
  /** Whether the input is floating and its gradient leads to something that is wanted. */
  needsGradient(input: number): boolean;
  readonly emit: Emitter;
}

/**
 * One contribution for each input of the node. Undefined as a whole: no rule for this form of the operator. The
 * gradient of at least one output is there. Contributions that are not needed may be left out or given.
 */
export type VjpRule = (context: VjpContext) => readonly Contribution[] | undefined;

/** By operator: `Name` of the ONNX domain, `domain.Name` of others. */
export type VjpRules = Readonly<Record<string, VjpRule>>;

/** The name of an input, empty where it is left out. */
export function inputOf({ node }: VjpContext, input: number): string {
  return node.inputs[input] ?? '';
}

/** Whether the node has that optional input. */
export function hasInput({ node }: VjpContext, input: number): boolean {
  return (node.inputs[input] ?? '') !== '';
}

/** The shape of an input; empty for one that is left out. */
export function inputShape(context: VjpContext, input: number): readonly number[] {
  const name = inputOf(context, input);
  return name === '' ? [] : context.shape(name);
}

/** The shape of the first output. */
export function outputShape(context: VjpContext): readonly number[] {
  return context.shape(context.node.outputs[0] ?? '');
}

/** The gradient of the first output as it is, for an input of the same shape. */
export function passed(context: VjpContext): Contribution {
  return context.factoredGradient(0);
}

/** The gradient of the first output times a factor that broadcasts to it, for an input of the same shape. */
export function times(context: VjpContext, factor: string): Contribution {
  const gradient = context.factoredGradient(0);
  return gradient && multipliedBy(context.emit, gradient, factor);
}

/** The same where a condition holds, and zero elsewhere, even if the gradient is infinite there. */
export function timesWhere(context: VjpContext, condition: string, factor?: string): Contribution {
  const { emit } = context;
  if (context.isFinite) {
    return times(context, factor === undefined ? emit.mask(condition) : emit.keepWhere(condition, factor));
  }
  const gradient = context.gradient(0);
  if (gradient === undefined) return undefined;
  return emit.keepWhere(condition, factor === undefined ? gradient : emit.mul(gradient, factor));
}
