/** Rules for the reductions: with axes as attribute or input, kept or dropped, and with none. */
import { intAttribute, intsAttribute } from '../../onnx/index.js';
import { range, sizeOf, type Emitter } from '../emitter.js';
import { inputOf, inputShape, type VjpContext, type VjpRule, type VjpRules } from '../rule.js';

/** What a reduction's derivative is made of; `y` and `gradient` have ones where axes were reduced. */
interface Reduction {
  readonly emit: Emitter;
  readonly x: string;
  readonly y: string;
  /** [K, ...] */
  readonly gradient: string;
  /** Counted from the front, in x. */
  readonly axes: readonly number[];
  /** How many elements one result is made of. */
  readonly count: number;
  /** From [K, ...] with ones where axes were reduced to the shape of x. */
  readonly spread: (gradient: string) => string;
}

export const reductionRules: VjpRules = {
  ReduceL1: reduction(({ emit, x, gradient }) => emit.mul(gradient, emit.sign(x))),
  ReduceL2: reduction(({ emit, x, y, gradient }) => {
    // Where all elements are zero the norm has no derivative; zero is one of its sub-gradients.
    const isZero = emit.mask(emit.op('Not', [emit.greater(y, emit.scalar(0))]));
    return emit.mul(gradient, emit.div(x, emit.add(y, isZero)));
  }),
  ReduceLogSum: reduction(({ emit, x, axes, gradient, spread }) =>
    spread(emit.div(gradient, emit.reduceSum(x, axes, true))),
  ),
  ReduceLogSumExp: reduction(({ emit, x, y, gradient }) =>
    emit.mul(gradient, emit.op('Exp', [emit.sub(x, y)])),
  ),
  ReduceMax: reduction((parts) => ofExtreme(parts, ({ emit, x, y }) => emit.atLeast(x, y))),
  ReduceMean: reduction(({ emit, gradient, count, spread }) => spread(emit.scale(gradient, 1 / count))),
  ReduceMin: reduction((parts) => ofExtreme(parts, ({ emit, x, y }) => emit.atLeast(y, x))),
  ReduceProd: reduction(ofProduct),
  ReduceSum: reduction(({ gradient, spread }) => spread(gradient)),
  ReduceSumSquare: reduction(({ emit, x, gradient }) => emit.mul(gradient, emit.scale(x, 2))),
};

/** Opsets from which axes are an input. */
const SUM_WITH_INPUT = 13;
const WITH_INPUT = 18;

function reduction(derivative: (parts: Reduction) => string): VjpRule {
  return (context) => {
    const gradient = context.gradient(0);
    if (gradient === undefined) return [];
    const { emit, probes, node } = context;
    const shape = inputShape(context, 0);
    const axes = axesOf(context, shape.length);
    if (axes === undefined) return undefined;
    const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const keepsShape = intAttribute(node, 'keepdims', 1) === 1 || axes.length === 0;
    const y = node.outputs[0] ?? '';
    const contribution = derivative({
      emit,
      x: inputOf(context, 0),
      y: keepsShape ? y : emit.reshape(y, kept),
      gradient: keepsShape ? gradient : emit.reshape(gradient, [probes, ...kept]),
      axes,
      count: sizeOf(axes.map((axis) => shape[axis] ?? 1)),
      spread: (name) => emit.expand(name, [probes, ...kept], [probes, ...shape]),
    });
    return [contribution];
  };
}

/** Counted from the front; none of a reduction that reduces nothing, undefined where they are not known. */
function axesOf(context: VjpContext, rank: number): readonly number[] | undefined {
  const { node, opset } = context;
  const hasInputs = opset >= (node.opType === 'ReduceSum' ? SUM_WITH_INPUT : WITH_INPUT);
  const name = inputOf(context, 1);
  const isEmpty = name === '' || sizeOf(context.shape(name)) === 0;
  const given = hasInputs
    ? isEmpty
      ? []
      : context.constantValues(name)
    : (intsAttribute(node, 'axes') ?? []);
  if (given === undefined) return undefined;
  if (given.length > 0) return given.map((axis) => (axis < 0 ? axis + rank : axis));
  return hasInputs && intAttribute(node, 'noop_with_empty_axes', 0) === 1 ? [] : range(rank);
}

/** Elements that are equally extreme share the gradient. */
function ofExtreme(parts: Reduction, isExtreme: (parts: Reduction) => string): string {
  const { emit, axes, gradient } = parts;
  const mask = emit.mask(isExtreme(parts));
  return emit.mul(gradient, emit.div(mask, emit.reduceSum(mask, axes, true)));
}

/**
 * The product of all others: the whole product over the element, where no element is zero; the product of the rest at the only
 * zero; nothing where there are more.
 */
function ofProduct({ emit, x, axes, gradient }: Reduction): string {
  const zero = emit.scalar(0);
  const one = emit.scalar(1);
  const magnitude = emit.op('Abs', [x]);
  const isZero = emit.op('Not', [emit.greater(magnitude, zero)]);
  const zeros = emit.mask(isZero);
  const others = emit.add(x, zeros);
  const count = emit.reduceSum(zeros, axes, true);
  const product = emit.reduce('ReduceProd', others, axes, true);
  const hasNone = emit.mask(emit.less(count, emit.scalar(0.5)));
  const hasOne = emit.sub(emit.mask(emit.less(count, emit.scalar(1.5))), hasNone);
  const share = emit.add(emit.mul(hasNone, emit.div(one, others)), emit.mul(hasOne, zeros));
  return emit.mul(gradient, emit.mul(product, share));
}
