/**
 * Gradients of arithmetic on elements: each contribution is the output's gradient times a partial derivative, summed over what
 * was broadcast. From opset 7 on, where operands broadcast as they do today.
 */
import { intAttribute } from '../../onnx/index.js';
import { sameShape } from '../emitter.js';
import {
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

const FIRST_OPSET_WITH_BROADCASTING = 7;

/** The gradient of the only output, which the walk guarantees. */
function given(context: VjpContext): string {
  return context.gradient(0) ?? '';
}

/** From the gradient [K, ...shape of the output] to that of an input. */
function backTo(context: VjpContext, input: number, gradient: string): string {
  return context.emit.unbroadcast(gradient, outputShape(context), inputShape(context, input));
}

/** What a derivative is, of the shape of the output or broadcasting to it; undefined for 1. */
type PartialDerivative = (context: VjpContext, input: number) => string | undefined;

/** The output's gradient times a partial derivative, summed over what was broadcast. */
function partialProduct(context: VjpContext, input: number, partial: PartialDerivative): Contribution {
  if (!context.needsGradient(input)) return undefined;
  const factor = partial(context, input);
  if (sameShape(outputShape(context), inputShape(context, input))) {
    return factor === undefined ? passed(context) : times(context, factor);
  }
  const gradient = given(context);
  return backTo(context, input, factor === undefined ? gradient : context.emit.mul(gradient, factor));
}

/** A rule for operands that broadcast: one partial derivative for each input, made only where it is needed. */
function broadcasting(partials: readonly PartialDerivative[]): VjpRule {
  return (context) => {
    if (context.opset < FIRST_OPSET_WITH_BROADCASTING) return undefined;
    return partials.map((partial, input) => partialProduct(context, input, partial));
  };
}

/** A rule for any number of operands that broadcast. */
function variadic(partial: PartialDerivative): VjpRule {
  return (context) => {
    if (context.opset < FIRST_OPSET_WITH_BROADCASTING) return undefined;
    return context.node.inputs.map((_, input) => partialProduct(context, input, partial));
  };
}

/** A rule for one operand, from its name and the output's. */
export function unary(contribution: (context: VjpContext, x: string, y: string) => Contribution): VjpRule {
  return (context) => [contribution(context, inputOf(context, 0), context.node.outputs[0] ?? '')];
}

/** The output's gradient times a derivative that is made of x and y. */
export function timesDerivative(derivative: (context: VjpContext, x: string, y: string) => string): VjpRule {
  return unary((context, x, y) => times(context, derivative(context, x, y)));
}

const passOn: VjpRule = unary(passed);
/** Steps: the derivative is zero wherever there is one. */
const nowhere: VjpRule = (context) => context.node.inputs.map(() => undefined);

/** Of equal operands the first one is taken, as the runtime does for windows. */
function extreme(isBefore: 'greater' | 'less'): VjpRule {
  const wins = (context: VjpContext, input: number): string | undefined => {
    const { emit, node } = context;
    const own = inputOf(context, input);
    const conditions = node.inputs.flatMap((other, at) => {
      if (at === input) return [];
      if (at < input) return [emit[isBefore](own, other)];
      return [emit.op('Not', [emit[isBefore](other, own)])];
    });
    const [first, ...rest] = conditions;
    return first && rest.reduce((all, one) => emit.op('And', [all, one]), first);
  };
  return (context) => {
    if (context.opset < FIRST_OPSET_WITH_BROADCASTING) return undefined;
    return context.node.inputs.map((_, input): Contribution => {
      if (!context.needsGradient(input)) return undefined;
      const isSame = sameShape(outputShape(context), inputShape(context, input));
      const condition = wins(context, input);
      if (condition === undefined) return passed(context);
      if (isSame) return timesWhere(context, condition);
      return backTo(context, input, context.emit.keepWhere(condition, given(context)));
    });
  };
}

/** d/dx x^e = e x^(e-1); d/de = x^e log x, zero where x is not positive. */
const power = broadcasting([
  (context) => {
    const { emit, type } = context;
    const [x, exponent] = [inputOf(context, 0), inputOf(context, 1)];
    const known = context.constantValues(exponent);
    if (known?.every((value) => value === 2) === true) return emit.scale(x, 2);
    const power = context.elementType(exponent) === type ? exponent : emit.cast(exponent, type);
    return emit.mul(power, emit.op('Pow', [x, emit.plus(power, -1)]));
  },
  (context) => {
    const { emit } = context;
    const x = inputOf(context, 0);
    const isPositive = emit.greater(x, emit.scalar(0));
    const logarithm = emit.op('Log', [emit.select(isPositive, x, emit.scalar(1))]);
    return emit.mul(context.node.outputs[0] ?? '', logarithm);
  },
]);

/** Of what is known beforehand it is a constant. */
function reciprocalOfDivisor(context: VjpContext): string {
  const { emit } = context;
  const divisor = inputOf(context, 1);
  const known = context.constantValues(divisor);
  return known === undefined
    ? emit.op('Reciprocal', [divisor])
    : emit.constant(
        known.map((value) => 1 / value),
        inputShape(context, 1),
      );
}

/** 1 / sqrt(1 + sign x^2), the derivative of the inverse functions. */
function overRoot({ emit }: VjpContext, of: string): string {
  return emit.op('Reciprocal', [emit.op('Sqrt', [of])]);
}

export const elementwiseRules: VjpRules = {
  Add: broadcasting([() => undefined, () => undefined]),
  Sub: broadcasting([() => undefined, ({ emit }) => emit.scalar(-1)]),
  Mul: broadcasting([(context) => inputOf(context, 1), (context) => inputOf(context, 0)]),
  Div: broadcasting([
    reciprocalOfDivisor,
    (context) => {
      const { emit, node } = context;
      return emit.neg(emit.div(node.outputs[0] ?? '', inputOf(context, 1)));
    },
  ]),
  // fmod: a - b trunc(a / b); the integer form has no floating operands.
  Mod: (context) => {
    if (intAttribute(context.node, 'fmod', 0) === 0) return undefined;
    return broadcasting([
      () => undefined,
      () => {
        const { emit } = context;
        const [a, b] = [inputOf(context, 0), inputOf(context, 1)];
        return emit.neg(emit.div(emit.sub(a, context.node.outputs[0] ?? ''), b));
      },
    ])(context);
  },
  Max: extreme('greater'),
  Min: extreme('less'),
  Sum: variadic(() => undefined),
  Mean: variadic(({ emit, node }) => emit.scalar(1 / node.inputs.length)),
  Pow: power,
  Sqrt: timesDerivative(({ emit }, _, y) => emit.op('Reciprocal', [emit.scale(y, 2)])),
  Exp: timesDerivative((_, __, y) => y),
  Log: timesDerivative(({ emit }, x) => emit.op('Reciprocal', [x])),
  Neg: timesDerivative(({ emit }) => emit.scalar(-1)),
  Abs: timesDerivative(({ emit }, x) => emit.sign(x)),
  Reciprocal: timesDerivative(({ emit }, _, y) => emit.neg(emit.square(y))),
  Sin: timesDerivative(({ emit }, x) => emit.op('Cos', [x])),
  Cos: timesDerivative(({ emit }, x) => emit.neg(emit.op('Sin', [x]))),
  Tan: timesDerivative(({ emit }, _, y) => emit.plus(emit.square(y), 1)),
  Asin: timesDerivative((context, x) => {
    const { emit } = context;
    return overRoot(context, emit.sub(emit.scalar(1), emit.square(x)));
  }),
  Acos: timesDerivative((context, x) => {
    const { emit } = context;
    return emit.neg(overRoot(context, emit.sub(emit.scalar(1), emit.square(x))));
  }),
  Atan: timesDerivative(({ emit }, x) => emit.op('Reciprocal', [emit.plus(emit.square(x), 1)])),
  Sinh: timesDerivative(({ emit }, x) =>
    emit.scale(emit.add(emit.op('Exp', [x]), emit.op('Exp', [emit.neg(x)])), 0.5),
  ),
  Cosh: timesDerivative(({ emit }, x) =>
    emit.scale(emit.sub(emit.op('Exp', [x]), emit.op('Exp', [emit.neg(x)])), 0.5),
  ),
  Asinh: timesDerivative((context, x) => overRoot(context, context.emit.plus(context.emit.square(x), 1))),
  Acosh: timesDerivative((context, x) => overRoot(context, context.emit.plus(context.emit.square(x), -1))),
  Atanh: timesDerivative(({ emit }, x) => emit.op('Reciprocal', [emit.sub(emit.scalar(1), emit.square(x))])),
  Identity: passOn,
  Ceil: nowhere,
  Floor: nowhere,
  Round: nowhere,
  Sign: nowhere,
};
