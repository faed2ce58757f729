/** Rules for operators that pick elements by indices, and that put elements at indices. Indices themselves have no derivative. */
import { intAttribute, hasAttribute, stringAttribute, DataType } from '../../onnx/index.js';
import { ungather } from '../axis-map.js';
import { range, sizeOf } from '../emitter.js';
import {
  inputOf,
  inputShape,
  outputShape,
  type Contribution,
  type VjpContext,
  type VjpRules,
} from '../rule.js';
import { scatterAlong, scatterRows } from '../scatter-rows.js';
import { fromTheFront } from './layout.js';

export const indexingRules: VjpRules = {
  Compress: compress,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  TopK: topK,
};

/** The opset from which it is there. */
const SINCE_GATHER_ELEMENTS = 11;
/** Above this many, known indices are treated as if they were only known in the run. */
const MOST_KNOWN = 4096;

function gather(context: VjpContext): readonly Contribution[] | undefined {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node, probes } = context;
  const shape = inputShape(context, 0);
  const axis = fromTheFront(intAttribute(node, 'axis', 0), shape.length);
  const size = shape[axis] ?? 1;
  const count = sizeOf(inputShape(context, 1));
  const before = probes * sizeOf(shape.slice(0, axis));
  const behind = sizeOf(shape.slice(axis + 1));
  const positions = inputOf(context, 1);
  const known = count <= MOST_KNOWN ? context.constantValues(positions) : undefined;
  const sums =
    known === undefined
      ? scatterRows(emit, gradient, positions, { before, count, behind, size })
      : ungather(
          emit,
          emit.reshape(gradient, [before, count, behind]),
          [before, count, behind],
          1,
          known.map((index) => fromTheFront(index, size)),
          size,
        );
  return sums === undefined ? undefined : [emit.reshape(sums, [probes, ...shape])];
}

function gatherElements(context: VjpContext): readonly Contribution[] | undefined {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const shape = inputShape(context, 0);
  const axis = fromTheFront(intAttribute(context.node, 'axis', 0), shape.length);
  const sums = scatterAlong(context.emit, gradient, inputOf(context, 1), inputShape(context, 1), shape, axis);
  return sums === undefined ? undefined : [sums];
}

/** The indices become positions of rows in the tensor laid out flat; each batch has rows of its own. */
function gatherND(context: VjpContext): readonly Contribution[] | undefined {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node, probes } = context;
  const shape = inputShape(context, 0);
  const picked = inputShape(context, 1);
  const batchDims = intAttribute(node, 'batch_dims', 0);
  const depth = picked.at(-1) ?? 1;
  const indexed = shape.slice(batchDims, batchDims + depth);
  const batches = sizeOf(shape.slice(0, batchDims));
  const rows = sizeOf(indexed);
  const count = sizeOf(picked.slice(0, -1));
  const integers = (values: readonly number[], dims: readonly number[]) =>
    emit.constant(values, dims, DataType.INT64);
  const index = emit.reshape(inputOf(context, 1), [batches, count / Math.max(1, batches), depth]);
  const isBackwards = emit.less(index, integers([0], []));
  const counted = emit.op('Where', [isBackwards, emit.add(index, integers(indexed, [depth])), index]);
  const strides = indexed.map((_, at) => sizeOf(indexed.slice(at + 1)));
  const inBatch = emit.reduceSum(emit.mul(counted, integers(strides, [depth])), [2], false);
  const starts = range(batches).map((batch) => batch * rows);
  const sums = scatterRows(emit, gradient, emit.add(inBatch, integers(starts, [batches, 1])), {
    before: probes,
    count,
    behind: sizeOf(shape.slice(batchDims + depth)),
    size: batches * rows,
  });
  return sums === undefined ? undefined : [emit.reshape(sums, [probes, ...shape])];
}

/** The largest or smallest elements are picked by the operator's own indices. */
function topK(context: VjpContext): readonly Contribution[] | undefined {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node } = context;
  const shape = inputShape(context, 0);
  const axis = fromTheFront(intAttribute(node, 'axis', -1), shape.length);
  const sums = scatterAlong(emit, gradient, node.outputs[1] ?? '', outputShape(context), shape, axis);
  return sums === undefined ? undefined : [sums];
}

/**
 * What was put elsewhere is picked again; what was written over gets nothing. Positions that are written twice without a reduction
 * have no defined result, and no defined derivative.
 */
function scatterElements(context: VjpContext): readonly Contribution[] | undefined {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node, opset, probes } = context;
  const reduction = stringAttribute(node, 'reduction', 'none');
  if (reduction !== 'none' && reduction !== 'add') return undefined;
  const needsUpdates = context.needsGradient(2);
  if (needsUpdates && opset < SINCE_GATHER_ELEMENTS) return undefined;
  const picked = inputShape(context, 1);
  const axis = fromTheFront(intAttribute(node, 'axis', 0), picked.length) + 1;
  const index = emit.forEachProbe(inputOf(context, 1), picked);
  const overwritten = () =>
    emit.op(node.opType, [gradient, index, emit.filled(0, [probes, ...picked])], { axis });
  return [
    reduction === 'add' ? gradient : context.needsGradient(0) ? overwritten() : undefined,
    undefined,
    needsUpdates ? emit.op('GatherElements', [gradient, index], { axis }) : undefined,
  ];
}

/** As for ScatterElements; the probes go last meanwhile, since the indices count from the first axis. */
function scatterND(context: VjpContext): readonly Contribution[] | undefined {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node, probes } = context;
  const reduction = stringAttribute(node, 'reduction', 'none');
  if (reduction !== 'none' && reduction !== 'add') return undefined;
  const shape = inputShape(context, 0);
  const updates = inputShape(context, 2);
  const indices = inputOf(context, 1);
  const probesLast = emit.transpose(gradient, [...range(shape.length, 1), 0]);
  const probesFirst = (x: string, rank: number) => emit.transpose(x, [rank, ...range(rank)]);
  const overwritten = () => {
    const zeros = emit.filled(0, [...updates, probes]);
    return probesFirst(emit.op('ScatterND', [probesLast, indices, zeros]), shape.length);
  };
  return [
    reduction === 'add' ? gradient : context.needsGradient(0) ? overwritten() : undefined,
    undefined,
    context.needsGradient(2)
      ? probesFirst(emit.op('GatherND', [probesLast, indices]), updates.length)
      : undefined,
  ];
}

/** Needs to know the condition: the shape of the result depends on it. */
function compress(context: VjpContext): readonly Contribution[] | undefined {
  const gradient = context.gradient(0);
  const condition = context.constantValues(inputOf(context, 1));
  if (gradient === undefined) return [];
  if (condition === undefined) return undefined;
  const { emit, node, probes } = context;
  const shape = inputShape(context, 0);
  const isFlat = !hasAttribute(node, 'axis');
  const axis = isFlat ? 0 : fromTheFront(intAttribute(node, 'axis', 0), shape.length);
  const from = condition.flatMap((isKept, at) => (isKept === 0 ? [] : [at]));
  const whole = isFlat ? [sizeOf(shape)] : shape;
  const kept = [probes, ...whole.with(axis, from.length)];
  return [emit.reshape(ungather(emit, gradient, kept, axis + 1, from, whole[axis] ?? 0), [probes, ...shape])];
}
