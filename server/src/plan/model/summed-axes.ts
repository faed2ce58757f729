/**
 * Over which axes an operator adds up what it makes of one input's elements: what a reduction, a global pool, a softmax or a running
 * sum says of it. Knows operators; not in what they add up.
 */
import { intAttribute, intsAttribute, tensorValues, type Node } from '../../onnx/index.js';
import { constantOf, type ModelScopes, type ScopedNode, type ScopedTensor } from './scope.js';
import { tensorShape } from './tensor-shapes.js';

/** What an operator adds up, and what it makes of the sum. */
interface Summing {
  /** Elements, their squares, their absolute values, or what e to the power of them is. */
  readonly terms: 'elements' | 'squares' | 'magnitudes' | 'exponentials';
  /**
   * `mean`: divided by how many elements it has; `root` and `log`: its square root and its logarithm; `shares` and `log shares`: each
   * term divided by it, and the logarithm of that.
   */
  readonly result: 'sum' | 'mean' | 'root' | 'log' | 'shares' | 'log shares';
}

const SUMMING: ReadonlyMap<string, Summing> = new Map([
  ['ReduceSum', { terms: 'elements', result: 'sum' }],
  ['ReduceMean', { terms: 'elements', result: 'mean' }],
  ['ReduceL1', { terms: 'magnitudes', result: 'sum' }],
  ['ReduceSumSquare', { terms: 'squares', result: 'sum' }],
  ['ReduceL2', { terms: 'squares', result: 'root' }],
  ['ReduceLogSum', { terms: 'elements', result: 'log' }],
  ['ReduceLogSumExp', { terms: 'exponentials', result: 'log' }],
  ['GlobalAveragePool', { terms: 'elements', result: 'mean' }],
  ['Softmax', { terms: 'exponentials', result: 'shares' }],
  ['LogSoftmax', { terms: 'exponentials', result: 'log shares' }],
]);

/** From here on Softmax and LogSoftmax are over one axis; before, over all from that axis on. */
const FIRST_OPSET_WITH_ONE_AXIS = 13;

/** How the input has to be turned for the elements of one sum to stand side by side. */
export interface SummedAxes extends Summing {
  /** Permutation of the axes, those that are kept first; undefined where they already stand so. */
  readonly order: readonly number[] | undefined;
  /** Axes that are kept. */
  readonly kept: number;
}

/** Whether the operator adds up what it makes of the elements of its first input. */
export function sumsElements({ domain, opType }: Node): boolean {
  return domain === '' && SUMMING.has(opType);
}

/**
 * What the node with this number adds up; undefined where it adds up nothing, or where its axes are computed or the rank of its input
 * is not known.
 */
export function summedAxes(scopes: ModelScopes, at: number): SummedAxes | undefined {
  const { nodes, tensors } = scopes;
  const scoped = nodes[at];
  const found = scoped === undefined ? undefined : SUMMING.get(scoped.node.opType);
  if (scoped === undefined || found === undefined) return undefined;
  const { node, inputs } = scoped;
  if (node.opType === 'GlobalAveragePool') return { order: undefined, kept: 2, ...found };
  const rank = tensorShape(scopes, inputs[0] ?? '')?.length;
  const isSoftmax = found.result === 'shares' || found.result === 'log shares';
  const axes = isSoftmax ? softmaxAxes(scoped, rank) : axesOf(node, inputs[1] ?? '', tensors);
  if (axes === undefined) return undefined;
  const isKept = intAttribute(node, 'noop_with_empty_axes', 0) === 1;
  if (axes.length === 0) return isKept || isSoftmax ? undefined : { order: undefined, kept: 0, ...found };
  if (rank === undefined) return undefined;
  const summed = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const places = Array.from({ length: rank }, (_, place) => place);
  const kept = places.filter((place) => !summed.has(place));
  const order = [...kept, ...places.filter((place) => summed.has(place))];
  const stands = order.every((place, index) => place === index);
  return { order: stands ? undefined : order, kept: kept.length, ...found };
}

/** The axis that a CumSum runs along, counted from the first, and the rank of what it reads; undefined where either is not known. */
export function runningAxis(
  scopes: ModelScopes,
  at: number,
): { readonly axis: number; readonly rank: number } | undefined {
  const inputs = scopes.nodes[at]?.inputs ?? [];
  const rank = tensorShape(scopes, inputs[0] ?? '')?.length;
  const [axis] = constantNumbers(inputs[1] ?? '', scopes.tensors) ?? [];
  if (rank === undefined || axis === undefined) return undefined;
  return { axis: axis < 0 ? axis + rank : axis, rank };
}

function softmaxAxes({ node, scope }: ScopedNode, rank: number | undefined): readonly number[] | undefined {
  const opset = scope.opsets.get('') ?? 1;
  if (opset >= FIRST_OPSET_WITH_ONE_AXIS) return [intAttribute(node, 'axis', -1)];
  if (rank === undefined) return undefined;
  const first = intAttribute(node, 'axis', 1);
  const from = first < 0 ? first + rank : first;
  return Array.from({ length: Math.max(rank - from, 0) }, (_, place) => from + place);
}

/** As they are written; empty for all of them. */
function axesOf(
  node: Node,
  input: string,
  tensors: ReadonlyMap<string, ScopedTensor>,
): readonly number[] | undefined {
  return input === '' ? (intsAttribute(node, 'axes') ?? []) : constantNumbers(input, tensors);
}

function constantNumbers(
  id: string,
  tensors: ReadonlyMap<string, ScopedTensor>,
): readonly number[] | undefined {
  const tensor = tensors.get(id);
  const constant = tensor === undefined ? undefined : constantOf(tensor);
  if (constant === undefined) return undefined;
  const read = tensorValues(constant, undefined);
  if ('problem' in read) return undefined;
  const values: ArrayLike<unknown> = read.values;
  return Array.from(values, Number);
}
