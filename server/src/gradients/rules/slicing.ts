/** Rules for Slice and Pad in all their forms. */
import { intsAttribute, stringAttribute } from '../../onnx/index.js';
import { FROM_NOWHERE, ungather } from '../axis-map.js';
import { range } from '../emitter.js';
import {
  hasInput,
  inputOf,
  inputShape,
  outputShape,
  type Contribution,
  type VjpContext,
  type VjpRules,
} from '../rule.js';

export const slicingRules: VjpRules = { Pad: pad, Slice: slice };

/** Opsets from which bounds are inputs. */
const SLICE_WITH_INPUTS = 10;
const PAD_WITH_INPUTS = 11;

/** Steps of 1 are a pad with zeros; other steps put each element back where it was taken from. */
function slice(context: VjpContext): readonly Contribution[] | undefined {
  const { emit, node, probes } = context;
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const hasInputs = context.opset >= SLICE_WITH_INPUTS;
  const shape = inputShape(context, 0);
  const sliced = outputShape(context);
  const bounds = (input: number, name: string) =>
    hasInputs ? context.constantValues(inputOf(context, input)) : intsAttribute(node, name);
  const starts = bounds(1, 'starts');
  if (starts === undefined) return undefined;
  const hasAxes = hasInputs ? hasInput(context, 3) : intsAttribute(node, 'axes') !== undefined;
  const axes = hasAxes ? bounds(3, 'axes') : range(starts.length);
  const steps = hasInputs && hasInput(context, 4) ? bounds(4, 'steps') : starts.map(() => 1);
  if (axes === undefined || steps === undefined) return undefined;

  const before = shape.map(() => 0);
  const behind = shape.map(() => 0);
  let current: readonly number[] = [probes, ...sliced];
  let result = gradient;
  axes.forEach((given, at) => {
    const axis = given < 0 ? given + shape.length : given;
    const size = shape[axis] ?? 0;
    const length = sliced[axis] ?? 0;
    const step = steps[at] ?? 1;
    const start = firstIndex(starts[at] ?? 0, size, step);
    if (step === 1) {
      before[axis] = start;
      behind[axis] = size - length - start;
    } else {
      const from = range(length).map((index) => start + index * step);
      result = ungather(emit, result, current, axis + 1, from, size);
      current = current.with(axis + 1, size);
    }
  });
  return [emit.pad(result, [0, ...before, 0, ...behind])];
}

/** Where a slice begins, as the standard clamps it. */
function firstIndex(start: number, size: number, step: number): number {
  const counted = start < 0 ? start + size : start;
  return Math.max(0, Math.min(counted, step < 0 ? size - 1 : size));
}

function pad(context: VjpContext): readonly Contribution[] | undefined {
  const { emit, probes } = context;
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const shape = inputShape(context, 0);
  const padded = outputShape(context);
  const pads = padsOf(context, shape.length);
  if (pads === undefined) return undefined;
  const mode = stringAttribute(context.node, 'mode', 'constant');
  if (mode === 'constant') {
    const taken = emit.pad(gradient, [0, ...pads.before.map((n) => -n), 0, ...pads.behind.map((n) => -n)]);
    return [taken, undefined, context.needsGradient(2) ? ofPadding(context, gradient) : undefined];
  }
  let current: readonly number[] = [probes, ...padded];
  let result = gradient;
  for (const axis of range(shape.length)) {
    const size = shape[axis] ?? 0;
    const from = sources(mode, size, pads.before[axis] ?? 0, pads.behind[axis] ?? 0);
    if (from === undefined) return undefined;
    if (from.length === size && from.every((source, at) => source === at)) continue;
    result = ungather(emit, result, current, axis + 1, from, size);
    current = current.with(axis + 1, size);
  }
  return [result];
}

/** The gradient of the value that is put round the tensor: the sum over where it stands. */
function ofPadding(context: VjpContext, gradient: string): string | undefined {
  const { emit, probes } = context;
  const shape = inputShape(context, 0);
  const pads = padsOf(context, shape.length);
  if (pads === undefined) return undefined;
  const isPadding = emit.pad(emit.filled(0, shape), [...pads.before, ...pads.behind], 1);
  const summed = emit.reduceSum(emit.mul(gradient, isPadding), range(shape.length, 1), false);
  return emit.reshape(summed, [probes, ...inputShape(context, 2)]);
}

interface Pads {
  readonly before: readonly number[];
  readonly behind: readonly number[];
}

function padsOf(context: VjpContext, rank: number): Pads | undefined {
  const isAttribute = context.opset < PAD_WITH_INPUTS;
  const given = isAttribute
    ? intsAttribute(context.node, 'pads')
    : context.constantValues(inputOf(context, 1));
  const axes = hasInput(context, 3) ? context.constantValues(inputOf(context, 3)) : range(rank);
  if (given === undefined || axes === undefined) return undefined;
  const before = range(rank).map(() => 0);
  const behind = range(rank).map(() => 0);
  axes.forEach((axis, at) => {
    const counted = axis < 0 ? axis + rank : axis;
    before[counted] = given[at] ?? 0;
    behind[counted] = given[at + axes.length] ?? 0;
  });
  return { before, behind };
}

/** For each position of a padded axis the one that it was copied from; undefined where that is not known. */
function sources(mode: string, size: number, before: number, behind: number): readonly number[] | undefined {
  // What is taken away is no longer there to be reflected or repeated.
  const first = Math.max(0, -before);
  const kept = size - first - Math.max(0, -behind);
  const period = 2 * (kept - 1);
  // The standard reflects once, and what ONNX Runtime puts before an axis that it wraps more than once is not the axis.
  if (mode === 'reflect' && Math.max(before, behind) > kept - 1) return undefined;
  if (mode === 'wrap' && before > kept) return undefined;
  const ofPosition = (position: number): number => {
    if (kept <= 0) return FROM_NOWHERE;
    if (mode === 'edge') return Math.max(0, Math.min(kept - 1, position));
    if (mode === 'wrap') return modulo(position, kept);
    const folded = period === 0 ? 0 : modulo(position, period);
    return folded < kept ? folded : period - folded;
  };
  if (mode !== 'edge' && mode !== 'wrap' && mode !== 'reflect') return undefined;
  const length = size + before + behind;
  return range(length).map((at) => {
    const source = ofPosition(at - Math.max(0, before));
    return source === FROM_NOWHERE ? source : source + first;
  });
}

/** The remainder that is never negative. */
function modulo(dividend: number, divisor: number): number {
  return ((dividend % divisor) + divisor) % divisor;
}
