/** Gradients of normalizations, of which each subtracts a mean or divides by a spread that it finds in its own input. */
import { floatAttribute, intAttribute, intsAttribute } from '../../onnx/index.js';
import { range, sizeOf, type Emitter } from '../emitter.js';
import {
  hasInput,
  inputOf,
  inputShape,
  outputShape,
  times,
  type Contribution,
  type VjpContext,
  type VjpRule,
  type VjpRules,
} from '../rule.js';

/** A tensor of the forward graph, normalized, and the factor that did it. */
interface Normalized {
  /** (x - mean) / deviation */
  readonly value: string;
  /** 1 / deviation, broadcasting to x. */
  readonly factor: string;
  /** Without the axis of probes. */
  readonly axes: readonly number[];
  readonly isCentred: boolean;
}

/**
 * (x - mean) / sqrt(variance + epsilon) over axes, without the mean if it is not centred. `floor` is added to the deviation
 * itself.
 */
function normalize(
  emit: Emitter,
  x: string,
  axes: readonly number[],
  { epsilon = 0, floor = 0, isCentred = true },
): Normalized {
  const centred = isCentred ? emit.sub(x, emit.reduce('ReduceMean', x, axes, true)) : x;
  const variance = emit.reduce('ReduceMean', emit.square(centred), axes, true);
  const deviation = emit.plus(emit.op('Sqrt', [emit.plus(variance, epsilon)]), floor);
  const factor = emit.op('Reciprocal', [deviation]);
  return { value: emit.mul(centred, factor), factor, axes, isCentred };
}

/** From the gradient of the normalized value, [K, ...], to that of what was normalized. */
function throughNormalization(emit: Emitter, gradient: string, normalized: Normalized): string {
  const { value, factor, isCentred } = normalized;
  const axes = normalized.axes.map((axis) => axis + 1);
  const along = emit.reduce('ReduceMean', emit.mul(gradient, value), axes, true);
  const turned = emit.sub(gradient, emit.mul(value, along));
  const centred = isCentred ? emit.sub(turned, emit.reduce('ReduceMean', gradient, axes, true)) : turned;
  return emit.mul(centred, factor);
}

/** What broadcasts along the channels, axis 1, of a tensor of that rank. */
function alongChannels(rank: number, channels: number): readonly number[] {
  return [1, channels, ...Array.from({ length: rank - 2 }, () => 1)];
}

const batchNormalization: VjpRule = (context) => {
  const { emit, node, opset } = context;
  const shape = inputShape(context, 0);
  const [, channels = 1] = shape;
  const isTraining =
    opset < 7 || intAttribute(node, 'training_mode', 0) !== 0 || intAttribute(node, 'spatial', 1) === 0;
  if (isTraining || shape.length < 2) return undefined;
  const gradient = (): string => context.gradient(0) ?? '';
  const perChannel = (name: string): string => emit.reshape(name, alongChannels(shape.length, channels));
  const summed = (name: string): string => emit.reduceSum(name, [1, ...range(shape.length - 2, 3)], false);
  const [scale, mean, variance] = [inputOf(context, 1), inputOf(context, 3), inputOf(context, 4)];
  const epsilon = floatAttribute(node, 'epsilon') ?? 1e-5;
  const deviation = (): string => emit.op('Sqrt', [emit.plus(variance, epsilon)]);
  const factor = (): string => emit.div(scale, deviation());
  /** Of two constants it is one itself: fewer nodes, and nothing to be computed in each run. */
  const factorPerChannel = (): string => {
    const [scales, variances] = [context.constantValues(scale), context.constantValues(variance)];
    if (scales === undefined || variances?.length !== scales.length) return perChannel(factor());
    const factors = scales.map((value, at) => value / Math.sqrt((variances[at] ?? 0) + epsilon));
    return emit.constant(factors, alongChannels(shape.length, channels));
  };
  // The gradient times (x - mean) / deviation, summed: that of the scale, and with a factor that of the variance.
  const spread = (): string => {
    const centred = emit.sub(inputOf(context, 0), perChannel(mean));
    return emit.div(summed(emit.mul(gradient(), centred)), deviation());
  };
  const onlyIf = (input: number, make: () => Contribution): Contribution =>
    context.needsGradient(input) ? make() : undefined;
  return [
    onlyIf(0, () => times(context, factorPerChannel())),
    onlyIf(1, spread),
    onlyIf(2, () => summed(gradient())),
    onlyIf(3, () => emit.neg(emit.mul(summed(gradient()), factor()))),
    onlyIf(4, () => emit.scale(emit.mul(spread(), emit.div(factor(), deviation())), -0.5)),
  ];
};

/**
 * Of a normalized value times a scale plus a bias, both broadcast: the contributions to x, scale and bias. Inputs are
 * those of the node.
 */
function scaled(
  context: VjpContext,
  normalized: Normalized,
  inputs: { readonly scale: number; readonly bias: number },
): { readonly toX: string; readonly toScale: Contribution; readonly toBias: Contribution } {
  const { emit } = context;
  const shape = outputShape(context);
  const gradient = context.gradient(0) ?? '';
  const before = hasInput(context, inputs.scale)
    ? emit.mul(gradient, inputOf(context, inputs.scale))
    : gradient;
  return {
    toX: throughNormalization(emit, before, normalized),
    toScale: context.needsGradient(inputs.scale)
      ? emit.unbroadcast(emit.mul(gradient, normalized.value), shape, inputShape(context, inputs.scale))
      : undefined,
    toBias: context.needsGradient(inputs.bias)
      ? emit.unbroadcast(gradient, shape, inputShape(context, inputs.bias))
      : undefined,
  };
}

/** Over the axes from `axis` on; the mean and the deviation that the node may give have no gradient of their own. */
function layerNormalization(isCentred: boolean): VjpRule {
  return (context) => {
    const { node, emit } = context;
    if (node.outputs.slice(1).some((_, at) => context.gradient(at + 1) !== undefined)) return undefined;
    const rank = inputShape(context, 0).length;
    const axis = intAttribute(node, 'axis', -1);
    const first = axis < 0 ? axis + rank : axis;
    const epsilon = floatAttribute(node, 'epsilon') ?? 1e-5;
    const axes = range(rank - first, first);
    const normalized = normalize(emit, inputOf(context, 0), axes, { epsilon, isCentred });
    const { toX, toScale, toBias } = scaled(context, normalized, { scale: 1, bias: 2 });
    return [toX, toScale, toBias];
  };
}

/** The normalized sum of input, skip and bias, which is also given itself as output 3. */
function skipNormalization(isCentred: boolean): VjpRule {
  return (context) => {
    const { node, emit } = context;
    if ([1, 2].some((output) => context.gradient(output) !== undefined)) return undefined;
    const shape = inputShape(context, 0);
    const [beta, bias] = isCentred ? [3, 4] : [-1, 3];
    const parts = [inputOf(context, 0), inputOf(context, 1)];
    const sum = emit.add(parts[0] ?? '', parts[1] ?? '');
    const whole = hasInput(context, bias) ? emit.add(sum, inputOf(context, bias)) : sum;
    const epsilon = floatAttribute(node, 'epsilon') ?? 1e-12;
    const normalized = normalize(emit, whole, [shape.length - 1], { epsilon, isCentred });
    const gradients: string[] = [];
    let toScale: Contribution;
    let toBeta: Contribution;
    if (context.gradient(0) !== undefined) {
      const found = scaled(context, normalized, { scale: 2, bias: beta });
      gradients.push(found.toX);
      toScale = found.toScale;
      toBeta = found.toBias;
    }
    const given = context.gradient(3);
    if (given !== undefined) gradients.push(given);
    const toSum = emit.sum(gradients);
    if (toSum === undefined) return undefined;
    const back = (input: number): Contribution =>
      context.needsGradient(input) ? emit.unbroadcast(toSum, shape, inputShape(context, input)) : undefined;
    return isCentred ? [toSum, back(1), toScale, toBeta, back(bias)] : [toSum, back(1), toScale, back(bias)];
  };
}

/** Over the spatial axes; scale and bias have one element for each channel. */
const instanceNormalization: VjpRule = (context) => {
  const { emit, node } = context;
  const shape = inputShape(context, 0);
  const epsilon = floatAttribute(node, 'epsilon') ?? 1e-5;
  const axes = range(shape.length - 2, 2);
  const normalized = normalize(emit, inputOf(context, 0), axes, { epsilon });
  return perChannel(context, normalized, shape, shape[1] ?? 1);
};

/** Scale and bias along axis 1 of the normalized value, seen in the shape `view`, in which that axis has `channels`. */
function perChannel(
  context: VjpContext,
  normalized: Normalized,
  view: readonly number[],
  channels: number,
): readonly Contribution[] {
  const { emit, probes } = context;
  const shape = inputShape(context, 0);
  const gradient = emit.reshape(context.gradient(0) ?? '', [probes, ...view]);
  const scale = emit.reshape(inputOf(context, 1), alongChannels(view.length, channels));
  const summed = (name: string): string => emit.reduceSum(name, [1, ...range(view.length - 2, 3)], false);
  return [
    emit.reshape(throughNormalization(emit, emit.mul(gradient, scale), normalized), [probes, ...shape]),
    context.needsGradient(1) ? summed(emit.mul(gradient, normalized.value)) : undefined,
    context.needsGradient(2) ? summed(gradient) : undefined,
  ];
}

/** Over groups of channels and space; scale and bias are for each group before opset 21, then for each channel. */
const groupNormalization: VjpRule = (context) => {
  const { emit, node, probes } = context;
  const shape = inputShape(context, 0);
  const [batch = 1, channels = 1, ...space] = shape;
  const groups = intAttribute(node, 'num_groups', 1);
  const inGroup = channels / groups;
  const epsilon = floatAttribute(node, 'epsilon') ?? 1e-5;
  const view = [batch, groups, inGroup, sizeOf(space)];
  const normalized = normalize(emit, emit.reshape(inputOf(context, 0), view), [2, 3], { epsilon });
  const [size = 1] = inputShape(context, 1);
  if (size === groups) return perChannel(context, normalized, view, groups);
  const gradient = emit.reshape(context.gradient(0) ?? '', [probes, ...view]);
  const scale = emit.reshape(inputOf(context, 1), [1, groups, inGroup, 1]);
  const summed = (name: string): string =>
    emit.reshape(emit.reduceSum(name, [1, 4], false), [probes, channels]);
  return [
    emit.reshape(throughNormalization(emit, emit.mul(gradient, scale), normalized), [probes, ...shape]),
    context.needsGradient(1) ? summed(emit.mul(gradient, normalized.value)) : undefined,
    context.needsGradient(2) ? summed(gradient) : undefined,
  ];
};

/** The standard adds 1e-9 to the deviation. */
const meanVarianceNormalization: VjpRule = (context) => {
  const { emit, node } = context;
  const rank = inputShape(context, 0).length;
  const axes = (intsAttribute(node, 'axes') ?? [0, 2, 3]).map((axis) => (axis < 0 ? axis + rank : axis));
  const normalized = normalize(emit, inputOf(context, 0), axes, { floor: 1e-9 });
  return [throughNormalization(emit, context.gradient(0) ?? '', normalized)];
};

/** y = x / n: (g - n' sum(g y)) / n, where n' is x / n for the 2-norm and the sign of x for the 1-norm. */
const lpNormalization: VjpRule = (context) => {
  const { emit, node } = context;
  const rank = inputShape(context, 0).length;
  const axis = intAttribute(node, 'axis', -1);
  const along = axis < 0 ? axis + rank : axis;
  const isFirst = intAttribute(node, 'p', 2) === 1;
  const [x, y] = [inputOf(context, 0), node.outputs[0] ?? ''];
  const norm = emit.reduce(isFirst ? 'ReduceL1' : 'ReduceL2', x, [along], true);
  const gradient = context.gradient(0) ?? '';
  const share = emit.reduceSum(emit.mul(gradient, y), [along + 1], true);
  const turned = emit.sub(gradient, emit.mul(isFirst ? emit.sign(x) : y, share));
  // What is divided by zero is zero in the runtime, whatever it was.
  const isThere = emit.greater(norm, emit.scalar(0));
  return [emit.keepWhere(isThere, emit.div(turned, emit.select(isThere, norm, emit.scalar(1))))];
};

/**
 * y = x d^-beta with d = bias + alpha / size times the sum of squares over neighbouring channels, which is a product with a
 * matrix of bands: g d^-beta - 2 alpha beta / size x times the transposed bands of g x d^(-beta - 1).
 */
const localResponseNormalization: VjpRule = (context) => {
  const { emit, node, probes } = context;
  const shape = inputShape(context, 0);
  const [batch = 1, channels = 1, ...space] = shape;
  const size = intAttribute(node, 'size', 1);
  const attribute = (name: string, fallback: number): number => floatAttribute(node, name) ?? fallback;
  const [alpha, beta, bias] = [attribute('alpha', 1e-4), attribute('beta', 0.75), attribute('bias', 1)];
  const [before, behind] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const isNear = (from: number, to: number): number => (to >= from - before && to <= from + behind ? 1 : 0);
  const bands = (isTurned: boolean): string =>
    emit.constant(
      range(channels).flatMap((row) =>
        range(channels).map((column) => (isTurned ? isNear(column, row) : isNear(row, column))),
      ),
      [channels, channels],
    );
  const view = [batch, channels, sizeOf(space)];
  const x = emit.reshape(inputOf(context, 0), view);
  const gradient = emit.reshape(context.gradient(0) ?? '', [probes, ...view]);
  const squares = emit.matMul(bands(false), emit.square(x));
  const d = emit.plus(emit.scale(squares, alpha / size), bias);
  const power = emit.op('Pow', [d, emit.scalar(-beta)]);
  const direct = emit.mul(gradient, power);
  const spread = emit.matMul(bands(true), emit.div(emit.mul(direct, x), d));
  const indirect = emit.scale(emit.mul(spread, x), (2 * alpha * beta) / size);
  return [emit.reshape(emit.sub(direct, indirect), [probes, ...shape])];
};

export const normalizationRules: VjpRules = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization(true),
  RMSNormalization: layerNormalization(false),
  // The runtime's own name for it, in the ONNX domain.
  SimplifiedLayerNormalization: layerNormalization(false),
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  MeanVarianceNormalization: meanVarianceNormalization,
  LpNormalization: lpNormalization,
  LRN: localResponseNormalization,
  'com.microsoft.SkipLayerNormalization': skipNormalization(true),
  'com.microsoft.SkipSimplifiedLayerNormalization': skipNormalization(false),
};
