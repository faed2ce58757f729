/** Gradients of activations, which act on each element, and of what passes values on in another type. */
import { DataType, floatAttribute, stringAttribute } from '../../onnx/index.js';
import {
  hasInput,
  inputOf,
  inputShape,
  outputShape,
  passed,
  times,
  timesWhere,
  type Contribution,
  type VjpContext,
  type VjpRule,
  type VjpRules,
} from '../rule.js';
import { timesDerivative, unary } from './elementwise.js';

function attribute({ node }: VjpContext, name: string, fallback: number): number {
  return floatAttribute(node, name) ?? fallback;
}

/** The gradient as it is where x is above zero, and times a derivative below. */
function bentAtZero(below: (context: VjpContext, x: string, y: string) => string): VjpRule {
  return timesDerivative((context, x, y) => {
    const { emit } = context;
    return emit.select(emit.greater(x, emit.scalar(0)), emit.scalar(1), below(context, x, y));
  });
}

function sigmoid({ emit }: VjpContext, x: string): string {
  return emit.op('Sigmoid', [x]);
}

/** 1 - t^2 */
function oneMinusSquare({ emit }: VjpContext, t: string): string {
  return emit.sub(emit.scalar(1), emit.square(t));
}

/** x s(a x) with the logistic s: s + a x s (1 - s). */
function swishDerivative(context: VjpContext, x: string, alpha: number): string {
  const { emit } = context;
  const s = sigmoid(context, emit.scale(x, alpha));
  const slope = emit.mul(emit.scale(x, alpha), emit.sub(emit.scalar(1), s));
  return emit.mul(s, emit.plus(slope, 1));
}

/** x Phi(x): Phi(x) + x phi(x), with the normal distribution. */
function geluDerivative({ emit }: VjpContext, x: string): string {
  const distribution = emit.scale(emit.plus(emit.op('Erf', [emit.scale(x, Math.SQRT1_2)]), 1), 0.5);
  const density = emit.scale(emit.op('Exp', [emit.scale(emit.square(x), -0.5)]), 1 / Math.sqrt(2 * Math.PI));
  return emit.add(distribution, emit.mul(x, density));
}

/** x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3). */
function tanhGeluDerivative(context: VjpContext, x: string): string {
  const { emit } = context;
  const root = Math.sqrt(2 / Math.PI);
  const square = emit.square(x);
  const u = emit.mul(emit.scale(x, root), emit.plus(emit.scale(square, 0.044715), 1));
  const t = emit.op('Tanh', [u]);
  const slope = emit.scale(emit.plus(emit.scale(square, 3 * 0.044715), 1), root);
  const bend = emit.mul(emit.mul(x, oneMinusSquare(context, t)), slope);
  return emit.scale(emit.add(emit.plus(t, 1), bend), 0.5);
}

/** A rule for an activation of x + bias, the bias being optional and broadcast. */
function withBias(derivative: (context: VjpContext, x: string) => string): VjpRule {
  return (context) => {
    const { emit } = context;
    const x = inputOf(context, 0);
    const sum = hasInput(context, 1) ? emit.add(x, inputOf(context, 1)) : x;
    const gradient = emit.mul(context.gradient(0) ?? '', derivative(context, sum));
    if (!context.needsGradient(1)) return [gradient];
    return [gradient, emit.unbroadcast(gradient, outputShape(context), inputShape(context, 1))];
  };
}

/** Erf exists from opset 9 on. */
function withErf(rule: VjpRule): VjpRule {
  return (context) => (context.opset < 9 ? undefined : rule(context));
}

const gelu: VjpRule = (context) => {
  const isTanh = stringAttribute(context.node, 'approximate', 'none') === 'tanh';
  return isTanh
    ? timesDerivative(tanhGeluDerivative)(context)
    : withErf(timesDerivative(geluDerivative))(context);
};

/** Zero at and beyond the bounds; a bound that is computed has the gradient of what it holds. */
const clip: VjpRule = (context) => {
  const { emit, node } = context;
  const x = inputOf(context, 0);
  const least = attribute(context, 'min', -Infinity);
  const most = attribute(context, 'max', Infinity);
  const low = hasInput(context, 1) ? inputOf(context, 1) : undefined;
  const high = hasInput(context, 2) ? inputOf(context, 2) : undefined;
  const conditions: string[] = [];
  if (low !== undefined) conditions.push(emit.greater(x, low));
  else if (context.opset < 11 && least > -Infinity) conditions.push(emit.greater(x, emit.scalar(least)));
  if (high !== undefined) conditions.push(emit.less(x, high));
  else if (context.opset < 11 && most < Infinity) conditions.push(emit.less(x, emit.scalar(most)));
  const condition = conditions.reduce((all, one) => (all === '' ? one : emit.op('And', [all, one])), '');
  const bound = (input: number, isHeld: (name: string) => string): Contribution => {
    const name = node.inputs[input];
    if (name === undefined || !context.needsGradient(input)) return undefined;
    const held = emit.keepWhere(isHeld(name), context.gradient(0) ?? '');
    return emit.unbroadcast(held, outputShape(context), []);
  };
  return [
    condition === '' ? passed(context) : timesWhere(context, condition),
    bound(1, (name) => emit.less(x, name)),
    bound(2, (name) => emit.greater(x, name)),
  ];
};

const parametricRelu: VjpRule = (context) => {
  const { emit } = context;
  if (context.opset < 7) return undefined;
  const [x, slope] = [inputOf(context, 0), inputOf(context, 1)];
  const zero = emit.scalar(0);
  const toX = times(context, emit.select(emit.greater(x, zero), emit.scalar(1), slope));
  if (!context.needsGradient(1)) return [toX];
  const toSlope = emit.keepWhere(emit.less(x, zero), emit.mul(context.gradient(0) ?? '', x));
  return [toX, emit.unbroadcast(toSlope, outputShape(context), inputShape(context, 1))];
};

/** Rounding to the other type is taken for what it approximates, the identity. */
const cast: VjpRule = (context) => {
  const isDouble = context.elementType(inputOf(context, 0)) === DataType.DOUBLE;
  const type = isDouble ? DataType.DOUBLE : DataType.FLOAT;
  return [type === context.type ? passed(context) : context.emit.cast(context.gradient(0) ?? '', type)];
};

/** Passes values on unless it is told to train. */
const dropout: VjpRule = (context) => {
  const isTraining =
    context.opset >= 12 &&
    hasInput(context, 2) &&
    context.constantValues(inputOf(context, 2))?.every((value) => value === 0) !== true;
  return isTraining || context.factoredGradient(0) === undefined ? undefined : [passed(context)];
};

export const activationRules: VjpRules = {
  Relu: unary((context, x) => {
    const { emit } = context;
    return timesWhere(context, emit.greater(x, emit.scalar(0)));
  }),
  LeakyRelu: bentAtZero((context) => context.emit.scalar(attribute(context, 'alpha', 0.01))),
  PRelu: parametricRelu,
  // alpha (e^x - 1), whose derivative is itself plus alpha.
  Elu: bentAtZero((context, _, y) => context.emit.plus(y, attribute(context, 'alpha', 1))),
  Celu: bentAtZero((context, _, y) => {
    const { emit } = context;
    return emit.plus(emit.scale(y, 1 / attribute(context, 'alpha', 1)), 1);
  }),
  Selu: timesDerivative((context, x, y) => {
    const { emit } = context;
    const alpha = attribute(context, 'alpha', 1.6732632423543772);
    const gamma = attribute(context, 'gamma', 1.0507009873554805);
    const isAbove = emit.greater(x, emit.scalar(0));
    return emit.select(isAbove, emit.scalar(gamma), emit.plus(y, alpha * gamma));
  }),
  ThresholdedRelu: unary((context, x) => {
    const { emit } = context;
    return timesWhere(context, emit.greater(x, emit.scalar(attribute(context, 'alpha', 1))));
  }),
  Shrink: unary((context, x) => {
    const { emit } = context;
    const threshold = emit.scalar(attribute(context, 'lambd', 0.5));
    return timesWhere(context, emit.greater(emit.op('Abs', [x]), threshold));
  }),
  Erf: timesDerivative(({ emit }, x) =>
    emit.scale(emit.op('Exp', [emit.neg(emit.square(x))]), 2 / Math.sqrt(Math.PI)),
  ),
  Tanh: timesDerivative((context, _, y) => oneMinusSquare(context, y)),
  Sigmoid: timesDerivative(({ emit }, _, y) => emit.mul(y, emit.sub(emit.scalar(1), y))),
  HardSigmoid: unary((context, _, y) => {
    const { emit } = context;
    const isInside = emit.op('And', [emit.greater(y, emit.scalar(0)), emit.less(y, emit.scalar(1))]);
    return timesWhere(context, isInside, emit.scalar(attribute(context, 'alpha', 0.2)));
  }),
  // x clip(x / 6 + 1 / 2, 0, 1)
  HardSwish: timesDerivative(({ emit }, x) => {
    const middle = emit.plus(emit.scale(x, 1 / 3), 0.5);
    const below = emit.select(emit.greater(x, emit.scalar(-3)), middle, emit.scalar(0));
    return emit.select(emit.less(x, emit.scalar(3)), below, emit.scalar(1));
  }),
  // x tanh(softplus x)
  Mish: timesDerivative((context, x) => {
    const { emit } = context;
    const t = emit.op('Tanh', [emit.op('Softplus', [x])]);
    const slope = emit.mul(oneMinusSquare(context, t), sigmoid(context, x));
    return emit.add(t, emit.mul(x, slope));
  }),
  Swish: timesDerivative((context, x) => swishDerivative(context, x, attribute(context, 'alpha', 1))),
  Softplus: timesDerivative((context, x) => sigmoid(context, x)),
  Softsign: timesDerivative(({ emit }, x) => {
    const size = emit.plus(emit.op('Abs', [x]), 1);
    return emit.op('Reciprocal', [emit.square(size)]);
  }),
  Gelu: gelu,
  Clip: clip,
  Cast: cast,
  CastLike: cast,
  Dropout: dropout,
  'com.microsoft.Gelu': withErf(timesDerivative(geluDerivative)),
  'com.microsoft.BiasGelu': withErf(withBias(geluDerivative)),
  'com.microsoft.FastGelu': withBias(tanhGeluDerivative),
  'com.microsoft.QuickGelu': timesDerivative((context, x) =>
    swishDerivative(context, x, attribute(context, 'alpha', 1.702)),
  ),
};
