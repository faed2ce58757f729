/**
 * Over which axes an operator adds up one input's elements: what a reduction or a global pool says of it. Knows operators that add
 * up one input's elements or their squares; not in what they add up.
 */
import { intAttribute, intsAttribute, tensorValues, type Node } from '../../onnx/index.js';
import { constantOf, type ModelScopes, type ScopedTensor } from './scope.js';

/** What an operator adds up, and what it makes of the sum. */
interface Summing {
  /** The sum is of the squares of the elements. */
  readonly squares: boolean;
  /** `mean`: divided by how many elements it has; `root`: its square root. */
  readonly result: 'sum' | 'mean' | 'root';
}

const SUMMING: ReadonlyMap<string, Summing> = new Map([
  ['ReduceSum', { squares: false, result: 'sum' }],
  ['ReduceMean', { squares: false, result: 'mean' }],
  ['ReduceSumSquare', { squares: true, result: 'sum' }],
  ['ReduceL2', { squares: true, result: 'root' }],
  ['GlobalAveragePool', { squares: false, result: 'mean' }],
]);

/** How the input has to be turned for the elements of one sum to stand side by side. */
export interface SummedAxes extends Summing {
  /** Permutation of the axes, those that are kept first; undefined where they already stand so. */
  readonly order: readonly number[] | undefined;
  /** Axes that are kept. */
  readonly kept: number;
}

/** Whether the operator adds up elements of its first input or their squares. */
export function sumsElements({ domain, opType }: Node): boolean {
  return domain === '' && SUMMING.has(opType);
}

/**
 * What the node with this number adds up; undefined where it adds up nothing, or where its axes are computed or the rank of its input
 * is not known.
 */
export function summedAxes({ nodes, tensors }: ModelScopes, at: number): SummedAxes | undefined {
  const scoped = nodes[at];
  const found = scoped === undefined ? undefined : SUMMING.get(scoped.node.opType);
  if (scoped === undefined || found === undefined) return undefined;
  const { node, inputs } = scoped;
  if (node.opType === 'GlobalAveragePool') return { order: undefined, kept: 2, ...found };
  const axes = axesOf(node, inputs[1] ?? '', tensors);
  if (axes === undefined) return undefined;
  const isKept = intAttribute(node, 'noop_with_empty_axes', 0) === 1;
  if (axes.length === 0) return isKept ? undefined : { order: undefined, kept: 0, ...found };
  const type = tensors.get(inputs[0] ?? '')?.type;
  if (type?.kind !== 'tensor' || type.shape === undefined) return undefined;
  const rank = type.shape.length;
  const summed = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const places = type.shape.map((_, place) => place);
  const kept = places.filter((place) => !summed.has(place));
  const order = [...kept, ...places.filter((place) => summed.has(place))];
  const stands = order.every((place, index) => place === index);
  return { order: stands ? undefined : order, kept: kept.length, ...found };
}

/** As they are written; empty for all of them. */
function axesOf(
  node: Node,
  input: string,
  tensors: ReadonlyMap<string, ScopedTensor>,
): readonly number[] | undefined {
  if (input === '') return intsAttribute(node, 'axes') ?? [];
  const tensor = tensors.get(input);
  const constant = tensor === undefined ? undefined : constantOf(tensor);
  if (constant === undefined) return undefined;
  const read = tensorValues(constant, undefined);
  if ('problem' in read) return undefined;
  const values: ArrayLike<unknown> = read.values;
  return Array.from(values, Number);
}
