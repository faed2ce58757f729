/**
 * Rules for operators that move elements as they are: the gradient is moved back, and summed where an element was copied to
 * several places. Slices and pads have a file of their own.
 */
import { DataType, intAttribute, intsAttribute, stringAttribute } from '../../onnx/index.js';
import { range, sizeOf } from '../emitter.js';
import {
  hasInput,
  inputOf,
  inputShape,
  outputShape,
  type Contribution,
  type VjpContext,
  type VjpRules,
} from '../rule.js';
import { slicingRules } from './slicing.js';

export const layoutRules: VjpRules = {
  Concat: concat,
  CumSum: cumSum,
  DepthToSpace: depthToSpace,
  Expand: expand,
  Flatten: reshaped,
  Reshape: reshaped,
  ReverseSequence: reverseSequence,
  SpaceToDepth: spaceToDepth,
  Split: split,
  Squeeze: reshaped,
  Tile: tile,
  Transpose: transpose,
  Trilu: trilu,
  Unsqueeze: reshaped,
  Where: where,
  ...slicingRules,
};

function concat(context: VjpContext): readonly Contribution[] {
  const { emit, node } = context;
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const axis = fromTheFront(intAttribute(node, 'axis', 1), outputShape(context).length);
  let start = 0;
  return node.inputs.map((_, input) => {
    const end = start + (inputShape(context, input)[axis] ?? 0);
    const bounds = [start, end] as const;
    start = end;
    return context.needsGradient(input)
      ? emit.slice(gradient, [bounds[0]], [bounds[1]], [axis + 1])
      : undefined;
  });
}

/** An output that nothing depends on stands for zeros. */
function split(context: VjpContext): readonly Contribution[] | undefined {
  const { emit, node, probes } = context;
  const shape = inputShape(context, 0);
  const axis = fromTheFront(intAttribute(node, 'axis', 0), shape.length);
  const lengths = splitLengths(context, shape[axis] ?? 0);
  if (lengths === undefined) return undefined;
  const parts = node.outputs.map(
    (_, output) =>
      context.gradient(output) ?? emit.filled(0, [probes, ...shape.with(axis, lengths[output] ?? 0)]),
  );
  return [emit.concat(parts, axis + 1)];
}

function splitLengths(context: VjpContext, size: number): readonly number[] | undefined {
  const { node } = context;
  if (hasInput(context, 1)) return context.constantValues(inputOf(context, 1));
  const stored = intsAttribute(node, 'split');
  if (stored !== undefined && stored.length > 0) return stored;
  const count = intAttribute(node, 'num_outputs', node.outputs.length);
  const length = Math.ceil(size / count);
  return range(count).map((part) => Math.max(0, Math.min(length, size - part * length)));
}

/** Reshape, Flatten, Squeeze, Unsqueeze: the elements keep their order. */
function reshaped(context: VjpContext): readonly Contribution[] {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  return [context.emit.reshape(gradient, [context.probes, ...inputShape(context, 0)])];
}

function transpose(context: VjpContext): readonly Contribution[] {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { length } = inputShape(context, 0);
  const perm = intsAttribute(context.node, 'perm') ?? [...range(length)].reverse();
  return [context.emit.transpose(gradient, [0, ...range(length).map((axis) => perm.indexOf(axis) + 1)])];
}

function expand(context: VjpContext): readonly Contribution[] {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  return [context.emit.unbroadcast(gradient, outputShape(context), inputShape(context, 0))];
}

function tile(context: VjpContext): readonly Contribution[] {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, probes } = context;
  const shape = inputShape(context, 0);
  const tiled = outputShape(context);
  if (sizeOf(shape) === 0) return [emit.filled(0, [probes, ...shape])];
  const apart = shape.flatMap((size, axis) => [(tiled[axis] ?? size) / size, size]);
  const copies = range(shape.length).map((axis) => 2 * axis + 1);
  const summed = emit.reduceSum(emit.reshape(gradient, [probes, ...apart]), copies, false);
  return [summed];
}

/** The standard's own decomposition, backwards; axes are batch, depth, height, width. */
function depthToSpace(context: VjpContext): readonly Contribution[] {
  const isColumnRow = stringAttribute(context.node, 'mode', 'DCR') === 'CRD';
  const [batch = 1, depth = 1, height = 1, width = 1] = inputShape(context, 0);
  const block = intAttribute(context.node, 'blocksize', 1);
  const apart = [batch, depth / (block * block), height, block, width, block];
  return rearranged(context, apart, isColumnRow ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]);
}

function spaceToDepth(context: VjpContext): readonly Contribution[] {
  const [batch = 1, depth = 1, height = 1, width = 1] = inputShape(context, 0);
  const block = intAttribute(context.node, 'blocksize', 1);
  const apart = [batch, block, block, depth, height / block, width / block];
  return rearranged(context, apart, [0, 3, 4, 1, 5, 2]);
}

/** @param apart the shape of the output with its blocks as axes, whose first is the batch. */
function rearranged(
  context: VjpContext,
  apart: readonly number[],
  perm: readonly number[],
): readonly Contribution[] {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, probes } = context;
  const [batch = 1, ...rest] = apart;
  const moved = emit.transpose(emit.reshape(gradient, [probes * batch, ...rest]), perm);
  return [emit.reshape(moved, [probes, ...inputShape(context, 0)])];
}

/** Both branches get the gradient where they were chosen, and nothing elsewhere, whatever stands there. */
function where(context: VjpContext): readonly Contribution[] {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit } = context;
  const condition = inputOf(context, 0);
  const shape = outputShape(context);
  const ofBranch = (input: number, chosen: () => string): Contribution =>
    context.needsGradient(input) ? emit.unbroadcast(chosen(), shape, inputShape(context, input)) : undefined;
  return [
    undefined,
    ofBranch(1, () => emit.keepWhere(condition, gradient)),
    ofBranch(2, () => emit.select(condition, emit.scalar(0), gradient)),
  ];
}

function trilu(context: VjpContext): readonly Contribution[] {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node } = context;
  const diagonal = hasInput(context, 1) ? [inputOf(context, 1)] : [];
  return [emit.op('Trilu', [gradient, ...diagonal], { upper: intAttribute(node, 'upper', 1) })];
}

/** Reversing twice changes nothing. The operator knows the first two axes only, so the probes go last meanwhile. */
function reverseSequence(context: VjpContext): readonly Contribution[] {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node } = context;
  const { length } = inputShape(context, 0);
  const probesLast = emit.transpose(gradient, [...range(length, 1), 0]);
  const reversed = emit.op('ReverseSequence', [probesLast, inputOf(context, 1)], {
    batch_axis: intAttribute(node, 'batch_axis', 1),
    time_axis: intAttribute(node, 'time_axis', 0),
  });
  return [emit.transpose(reversed, [length, ...range(length)])];
}

/** The sum over all later elements instead of all earlier ones. */
function cumSum(context: VjpContext): readonly Contribution[] | undefined {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node } = context;
  const [axis] = context.constantValues(inputOf(context, 1)) ?? [];
  if (axis === undefined) return undefined;
  const behindProbes = fromTheFront(axis, inputShape(context, 0).length) + 1;
  const summed = emit.op('CumSum', [gradient, emit.constant([behindProbes], [], DataType.INT64)], {
    exclusive: intAttribute(node, 'exclusive', 0),
    reverse: 1 - intAttribute(node, 'reverse', 0),
  });
  return [summed];
}

/** An axis counted from the front. */
export function fromTheFront(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
