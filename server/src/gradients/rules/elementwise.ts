/**
 * Gradients of arithmetic on elements: each contribution is the output's gradient times a partial derivative, summed over what
 * was broadcast. From opset 7 on, where operands broadcast as they do today.
 */
import { intAttribute } from '../../onnx/index.js';
import {
  inputOf,
  inputShape,
  outputShape,
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

/** A rule for operands that broadcast: one partial product for each input, made only where it is needed. */
function broadcasting(partials: readonly ((context: VjpContext, gradient: string) => string)[]): VjpRule {
  return (context) => {
    if (context.opset < FIRST_OPSET_WITH_BROADCASTING) return undefined;
    return partials.map((partial, input): Contribution => {
      if (!context.needsGradient(input)) return undefined;
      return backTo(context, input, partial(context, given(context)));
    });
  };
}

/** A rule for any number of operands that broadcast. */
function variadic(partial: (context: VjpContext, gradient: string, input: number) => string): VjpRule {
  return (context) => {
    if (context.opset < FIRST_OPSET_WITH_BROADCASTING) return undefined;
    return context.node.inputs.map((_, input): Contribution => {
      if (!context.needsGradient(input)) return undefined;
      return backTo(context, input, partial(context, given(context), input));
    });
  };
}

/** A rule for one operand, from its name, the output's and the gradient. */
export function unary(
  contribution: (context: VjpContext, gradient: string, x: string, y: string) => string,
): VjpRule {
  return (context) => [
    contribution(context, given(context), inputOf(context, 0), context.node.outputs[0] ?? ''),
  ];
}

const passOn: VjpRule = unary((_, gradient) => gradient);
/** Steps: the derivative is zero wherever there is one. */
const nowhere: VjpRule = (context) => context.node.inputs.map(() => undefined);

/** Of equal operands the first one is taken, as the runtime does for windows. */
function extreme(isBefore: 'greater' | 'less'): VjpRule {
  return variadic((context, gradient, input) => {
    const { emit, node } = context;
    const own = inputOf(context, input);
    const wins = node.inputs.flatMap((other, at) => {
      if (at === input) return [];
      if (at < input) return [emit[isBefore](own, other)];
      return [emit.op('Not', [emit[isBefore](other, own)])];
    });
    const [first, ...rest] = wins;
    if (first === undefined) return gradient;
    return emit.keepWhere(
      rest.reduce((all, one) => emit.op('And', [all, one]), first),
      gradient,
    );
  });
}

/** d/dx x^e = e x^(e-1); d/de = x^e log x, zero where x is not positive. */
const power = broadcasting([
  (context, gradient) => {
    const { emit, type } = context;
    const [x, exponent] = [inputOf(context, 0), inputOf(context, 1)];
    const known = context.constantValues(exponent);
    if (known?.every((value) => value === 2) === true) return emit.mul(gradient, emit.scale(x, 2));
    const power = context.elementType(exponent) === type ? exponent : emit.cast(exponent, type);
    return emit.mul(gradient, emit.mul(power, emit.op('Pow', [x, emit.plus(power, -1)])));
  },
  (context, gradient) => {
    const { emit } = context;
    const x = inputOf(context, 0);
    const isPositive = emit.greater(x, emit.scalar(0));
    const logarithm = emit.op('Log', [emit.select(isPositive, x, emit.scalar(1))]);
    return emit.mul(gradient, emit.mul(context.node.outputs[0] ?? '', logarithm));
  },
]);

/** 1 / sqrt(1 + sign x^2), the derivative of the inverse functions. */
function overRoot(context: VjpContext, gradient: string, of: string): string {
  return context.emit.div(gradient, context.emit.op('Sqrt', [of]));
}

export const elementwiseRules: VjpRules = {
  Add: broadcasting([(_, gradient) => gradient, (_, gradient) => gradient]),
  Sub: broadcasting([(_, gradient) => gradient, ({ emit }, gradient) => emit.neg(gradient)]),
  Mul: broadcasting([
    (context, gradient) => context.emit.mul(gradient, inputOf(context, 1)),
    (context, gradient) => context.emit.mul(gradient, inputOf(context, 0)),
  ]),
  Div: broadcasting([
    (context, gradient) => context.emit.div(gradient, inputOf(context, 1)),
    (context, gradient) => {
      const { emit, node } = context;
      return emit.neg(emit.mul(gradient, emit.div(node.outputs[0] ?? '', inputOf(context, 1))));
    },
  ]),
  // fmod: a - b trunc(a / b); the integer form has no floating operands.
  Mod: (context) => {
    if (intAttribute(context.node, 'fmod', 0) === 0) return undefined;
    return broadcasting([
      (_, gradient) => gradient,
      (_, gradient) => {
        const { emit } = context;
        const [a, b] = [inputOf(context, 0), inputOf(context, 1)];
        const whole = emit.div(emit.sub(a, context.node.outputs[0] ?? ''), b);
        return emit.neg(emit.mul(gradient, whole));
      },
    ])(context);
  },
  Max: extreme('greater'),
  Min: extreme('less'),
  Sum: variadic((_, gradient) => gradient),
  Mean: variadic(({ emit, node }, gradient) => emit.scale(gradient, 1 / node.inputs.length)),
  Pow: power,
  Sqrt: unary(({ emit }, gradient, _, y) => emit.div(gradient, emit.scale(y, 2))),
  Exp: unary(({ emit }, gradient, _, y) => emit.mul(gradient, y)),
  Log: unary(({ emit }, gradient, x) => emit.div(gradient, x)),
  Neg: unary(({ emit }, gradient) => emit.neg(gradient)),
  Abs: unary(({ emit }, gradient, x) => emit.mul(gradient, emit.sign(x))),
  Reciprocal: unary(({ emit }, gradient, _, y) => emit.neg(emit.mul(gradient, emit.square(y)))),
  Sin: unary(({ emit }, gradient, x) => emit.mul(gradient, emit.op('Cos', [x]))),
  Cos: unary(({ emit }, gradient, x) => emit.neg(emit.mul(gradient, emit.op('Sin', [x])))),
  Tan: unary(({ emit }, gradient, _, y) => emit.mul(gradient, emit.plus(emit.square(y), 1))),
  Asin: unary((context, gradient, x) => {
    const { emit } = context;
    return overRoot(context, gradient, emit.sub(emit.scalar(1), emit.square(x)));
  }),
  Acos: unary((context, gradient, x) => {
    const { emit } = context;
    return emit.neg(overRoot(context, gradient, emit.sub(emit.scalar(1), emit.square(x))));
  }),
  Atan: unary(({ emit }, gradient, x) => emit.div(gradient, emit.plus(emit.square(x), 1))),
  Sinh: unary(({ emit }, gradient, x) =>
    emit.mul(gradient, emit.scale(emit.add(emit.op('Exp', [x]), emit.op('Exp', [emit.neg(x)])), 0.5)),
  ),
  Cosh: unary(({ emit }, gradient, x) =>
    emit.mul(gradient, emit.scale(emit.sub(emit.op('Exp', [x]), emit.op('Exp', [emit.neg(x)])), 0.5)),
  ),
  Asinh: unary((context, gradient, x) =>
    overRoot(context, gradient, context.emit.plus(context.emit.square(x), 1)),
  ),
  Acosh: unary((context, gradient, x) =>
    overRoot(context, gradient, context.emit.plus(context.emit.square(x), -1)),
  ),
  Atanh: unary(({ emit }, gradient, x) => emit.div(gradient, emit.sub(emit.scalar(1), emit.square(x)))),
  Identity: passOn,
  Ceil: nowhere,
  Floor: nowhere,
  Round: nowhere,
  Sign: nowhere,
};
