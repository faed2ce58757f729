/**
 * What LSTM, GRU and RNN have in common, one direction at a time: its weights, the state that each step began with, masks of steps
 * behind a sequence's end, and the walk back over the steps. What a cell computes is the rules' own.
 *
 * All steps stand one behind the other, [T B, ...]: whatever does not depend on the step before is computed for all at once, and
 * a step is a slice of the first axis (of the second, behind the probes).
 */
import { hasAttribute, intAttribute, stringAttribute, type Node } from '../onnx/index.js';
import { range, type Emitter } from './emitter.js';
import { hasInput, inputOf, inputShape, type Contribution, type VjpContext } from './rule.js';

/** T steps, B sequences, I inputs, H elements of the state; D directions, G gates. */
export interface RecurrentSizes {
  readonly steps: number;
  readonly batch: number;
  readonly inputs: number;
  readonly hidden: number;
  readonly directions: number;
  readonly gates: number;
}

/** One direction of a node. */
export interface Direction {
  readonly context: VjpContext;
  readonly emit: Emitter;
  readonly sizes: RecurrentSizes;
  readonly index: number;
  /** The steps in the order in which they are computed. */
  readonly order: readonly number[];
  readonly activations: readonly Activation[];
  /** [T B, I] */
  readonly x: string;
  /** [T B, H], the state that each step began with. */
  readonly before: string;
  /** [G H, I] */
  readonly weights: string;
  /** [G H, H] */
  readonly recurrence: string;
  /** [G H]; undefined where there are none. */
  readonly bias: string | undefined;
  readonly recurrenceBias: string | undefined;
  /** [T B, 1]: 1 within a sequence, 0 behind its end; undefined where all are full. */
  readonly mask: string | undefined;
  /** What arrives at each step from its output, [K, B, H] each; undefined where nothing does. */
  readonly arriving: readonly string[] | undefined;
  /** What arrives at the state behind the last step, [K, B, H]. */
  readonly last: string;
}

/** What one direction of a cell contributes, behind the probes. */
export interface DirectionGradients {
  /** Of the gates before their activation, as the inputs enter them: [K, T B, G H]. */
  readonly ofGates: string;
  /** [K, G H, H] */
  readonly recurrence: string;
  /** [K, G H] */
  readonly recurrenceBias: string;
  /** [K, B, H] */
  readonly initial: string;
  /** [K, B, H], of an LSTM's cell. */
  readonly initialCell?: string;
  /** [K, 3 H], of an LSTM's peepholes. */
  readonly peepholes?: string;
}

export interface Activation {
  apply(emit: Emitter, x: string): string;
  /** The derivative, by the value. */
  slope(emit: Emitter, y: string): string;
}

export const SIGMOID: Activation = {
  apply: (emit, x) => emit.op('Sigmoid', [x]),
  slope: (emit, y) => emit.mul(y, emit.sub(emit.scalar(1), y)),
};
export const TANH: Activation = {
  apply: (emit, x) => emit.op('Tanh', [x]),
  slope: (emit, y) => emit.sub(emit.scalar(1), emit.square(y)),
};
const RELU: Activation = {
  apply: (emit, x) => emit.op('Relu', [x]),
  slope: (emit, y) => emit.mask(emit.greater(y, emit.scalar(0))),
};
/** The standard leaves case free. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = { sigmoid: SIGMOID, tanh: TANH, relu: RELU };

/**
 * The contributions of a recurrent node: to X, W, R, B, the initial state and what a cell adds. Undefined for what has no rule:
 * clipped gates, other activations than Sigmoid, Tanh and Relu, and the batch as first axis.
 *
 * @param defaults the activations of one direction.
 * @param cell the gradients of one direction.
 */
export function recurrentContributions(
  context: VjpContext,
  gates: number,
  defaults: readonly Activation[],
  cell: (direction: Direction) => DirectionGradients,
): readonly Contribution[] | undefined {
  const { emit, node, probes } = context;
  const [steps = 1, batch = 1, inputs = 1] = inputShape(context, 0);
  const [directions = 1, , hidden = 1] = inputShape(context, 2);
  const sizes: RecurrentSizes = { steps, batch, inputs, hidden, directions, gates };
  const activations = activationsOf(node, defaults, directions);
  if (activations === undefined || hasAttribute(node, 'clip') || intAttribute(node, 'layout', 0) === 1)
    return undefined;
  // The states of all steps, which a node may leave out.
  const states =
    (node.outputs[0] ?? '') === '' ? (emit.copyOf(node, node.inputs, 1)[0] ?? '') : (node.outputs[0] ?? '');
  const isReverse = stringAttribute(node, 'direction', 'forward') === 'reverse';
  const all = range(directions).map((index) => {
    const own = activations.slice(index * defaults.length, (index + 1) * defaults.length);
    const direction = directionOf(context, sizes, index, isReverse || index === 1, states, own);
    return { direction, gradients: cell(direction) };
  });

  const stacked = (parts: readonly string[], shape: readonly number[]) =>
    emit.concat(
      parts.map((part) => emit.reshape(part, [probes, 1, ...shape])),
      1,
    );
  const ofEach = (part: (of: (typeof all)[number]) => string, shape: readonly number[]) =>
    stacked(all.map(part), shape);
  const rows = gates * hidden;
  const ofX = emit.sum(
    all.map(({ direction, gradients }) => emit.matMul(gradients.ofGates, direction.weights)),
  );
  const byNeed = (input: number, make: () => string) => (context.needsGradient(input) ? make() : undefined);
  return [
    byNeed(0, () => emit.reshape(ofX ?? '', [probes, steps, batch, inputs])),
    byNeed(1, () =>
      ofEach(
        ({ direction, gradients }) => emit.matMul(flipped(emit, gradients.ofGates), direction.x),
        [rows, inputs],
      ),
    ),
    byNeed(2, () => ofEach(({ gradients }) => gradients.recurrence, [rows, hidden])),
    byNeed(3, () =>
      ofEach(
        ({ gradients }) =>
          emit.concat([emit.reduceSum(gradients.ofGates, [1], false), gradients.recurrenceBias], 1),
        [2 * rows],
      ),
    ),
    undefined,
    byNeed(5, () => ofEach(({ gradients }) => gradients.initial, [batch, hidden])),
    byNeed(6, () => ofEach(({ gradients }) => gradients.initialCell ?? '', [batch, hidden])),
    byNeed(7, () => ofEach(({ gradients }) => gradients.peepholes ?? '', [3 * hidden])),
  ];
}

/** [K, n, m] -> [K, m, n] */
export function flipped(emit: Emitter, x: string): string {
  return emit.transpose(x, [0, 2, 1]);
}

/** Equal parts along an axis, by one node. */
export function equalParts(emit: Emitter, x: string, axis: number, count: number): readonly string[] {
  if (count === 1) return [x];
  return emit.ops('Split', [x], count, emit.opset >= 18 ? { axis, num_outputs: count } : { axis });
}

/** The part of an input or an output that belongs to a direction: [D, ...] -> [...shape]. */
export function ofDirection(
  { emit, index, sizes }: Pick<Direction, 'emit' | 'index' | 'sizes'>,
  x: string,
  axis: number,
  shape: readonly number[],
): string {
  return emit.reshape(sizes.directions === 1 ? x : emit.slice(x, [index], [index + 1], [axis]), shape);
}

/** 1 where the mask is 0; for a factor that leaves the state as it is behind a sequence's end. */
export function orUnchanged({ emit, mask }: Direction, factor: string): string {
  return mask === undefined ? factor : emit.add(emit.mul(factor, mask), emit.sub(emit.scalar(1), mask));
}

export function masked({ emit, mask }: Direction, x: string): string {
  return mask === undefined ? x : emit.mul(x, mask);
}

/** What arrives from outputs behind the first, the states behind the last step: [K, B, H]. */
export function lastState(
  { context, emit, index, sizes }: Pick<Direction, 'context' | 'emit' | 'index' | 'sizes'>,
  output: number,
): string {
  const gradient = context.gradient(output);
  const shape = [context.probes, sizes.batch, sizes.hidden];
  return gradient === undefined
    ? emit.filled(0, shape)
    : ofDirection({ emit, index, sizes }, gradient, 1, shape);
}

/** Parts by step, in the order of time -> [K, T B, ...]. */
export function allSteps(emit: Emitter, parts: readonly string[]): string {
  return emit.concat(parts, 1);
}

function activationsOf(
  node: Node,
  defaults: readonly Activation[],
  directions: number,
): readonly Activation[] | undefined {
  const given = node.attributes.find(({ name }) => name === 'activations');
  const found =
    given?.kind === 'strings'
      ? given.value.flatMap((name) => ACTIVATIONS[name.toLowerCase()] ?? [])
      : range(directions).flatMap(() => defaults);
  return found.length === defaults.length * directions ? found : undefined;
}

function directionOf(
  context: VjpContext,
  sizes: RecurrentSizes,
  index: number,
  isReverse: boolean,
  states: string,
  activations: readonly Activation[],
): Direction {
  const { emit, probes } = context;
  const { steps, batch, inputs, hidden, gates } = sizes;
  const place = { context, emit, sizes, index };
  const rows = gates * hidden;
  const mask = stepMask(context, sizes);
  const own = ofDirection(place, states, 1, [steps * batch, hidden]);
  const initial = hasInput(context, 5)
    ? ofDirection(place, inputOf(context, 5), 0, [batch, hidden])
    : emit.filled(0, [batch, hidden]);
  const biases = hasInput(context, 3)
    ? equalParts(emit, ofDirection(place, inputOf(context, 3), 0, [2 * rows]), 0, 2)
    : [];
  const gradient = context.gradient(0);
  const arriving =
    gradient === undefined
      ? undefined
      : equalParts(emit, ofDirection(place, gradient, 2, [probes, steps * batch, hidden]), 1, steps);
  return {
    ...place,
    order: isReverse ? [...range(steps)].reverse() : range(steps),
    activations,
    x: emit.reshape(inputOf(context, 0), [steps * batch, inputs]),
    before: statesBefore(emit, sizes, isReverse, own, initial, mask),
    weights: ofDirection(place, inputOf(context, 1), 0, [rows, inputs]),
    recurrence: ofDirection(place, inputOf(context, 2), 0, [rows, hidden]),
    bias: biases[0],
    recurrenceBias: biases[1],
    mask,
    arriving:
      mask === undefined || arriving === undefined ? arriving : maskedSteps(emit, arriving, mask, steps),
    last: lastState(place, 1),
  };
}

/** The state that each step began with. Backwards, the one behind a sequence's end is the initial one. */
function statesBefore(
  emit: Emitter,
  { steps, batch }: RecurrentSizes,
  isReverse: boolean,
  states: string,
  initial: string,
  mask: string | undefined,
): string {
  if (steps === 1) return initial;
  const length = steps * batch;
  if (!isReverse) return emit.concat([initial, emit.slice(states, [0], [length - batch], [0])], 0);
  const later = emit.slice(states, [batch], [length], [0]);
  if (mask === undefined) return emit.concat([later, initial], 0);
  const isWithin = emit.slice(mask, [batch], [length], [0]);
  const initials = emit.concat(
    range(steps - 1).map(() => initial),
    0,
  );
  const ended = emit.mul(initials, emit.sub(emit.scalar(1), isWithin));
  return emit.concat([emit.add(emit.mul(later, isWithin), ended), initial], 0);
}

function stepMask(context: VjpContext, { steps, batch }: RecurrentSizes): string | undefined {
  if (!hasInput(context, 4)) return undefined;
  const { emit } = context;
  if (context.constantValues(inputOf(context, 4))?.every((length) => length === steps) === true)
    return undefined;
  const lengths = emit.reshape(emit.cast(inputOf(context, 4), emit.type), [1, batch]);
  const isWithin = emit.less(emit.constant(range(steps), [steps, 1]), lengths);
  return emit.reshape(emit.mask(isWithin), [steps * batch, 1]);
}

function maskedSteps(
  emit: Emitter,
  parts: readonly string[],
  mask: string,
  steps: number,
): readonly string[] {
  const masks = equalParts(emit, mask, 0, steps);
  return parts.map((part, step) => emit.mul(part, masks[step] ?? ''));
}

/** The gates of all steps before their activation, of the inputs alone: [T B, G H], then of the states they began with. */
export function gateInputs(direction: Direction): readonly [string, string] {
  const { emit, x, weights, bias, before, recurrence, recurrenceBias } = direction;
  const product = (a: string, b: string, added: string | undefined) => {
    const result = emit.matMul(a, emit.transpose(b, [1, 0]));
    return added === undefined ? result : emit.add(result, added);
  };
  return [product(x, weights, bias), product(before, recurrence, recurrenceBias)];
}
