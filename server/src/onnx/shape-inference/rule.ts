/**
 * What a shape rule sees of its node and what it gives back. One rule stands for one operator over all opsets.
 */
import type { PartialTensor } from '../constants-fold.js';
import type { Dimension, Graph, Node, Shape } from '../model.js';

/** Shapes by index; undefined for what cannot be known. */
export type Shapes = readonly (Shape | undefined)[];

export interface NodeContext {
  readonly node: Node;
  /** The version of the node's domain. */
  readonly opset: number;
  /** Whether the input is there: not left out and not past the end. */
  readonly has: (input: number) => boolean;
  readonly shape: (input: number) => Shape | undefined;
  /** The elements of a small tensor that does not depend on fed values, as far as they are known. */
  readonly value: (input: number) => PartialTensor | undefined;
  /** Infers inside a sub-graph of this node, fed with inputs of these shapes; gives its outputs' shapes. */
  readonly inside: (graph: Graph, inputs: Shapes) => Shapes;
}

/** What reading values and shapes needs; folding has it too. */
export type ValueContext = Pick<NodeContext, 'node' | 'opset' | 'has' | 'shape' | 'value'>;

/** Output shapes by index; shorter than the node's outputs where the rest is not known. Must not throw. */
export type ShapeRule = (context: NodeContext) => Shapes;

export type ShapeRules = ReadonlyMap<string, ShapeRule>;

/** The same rule for several operators. */
export function forAll(names: readonly string[], rule: ShapeRule): readonly (readonly [string, ShapeRule])[] {
  return names.map((name) => [name, rule] as const);
}

/** The elements of an input as numbers, where all of them are known. */
export function knownNumbers(context: ValueContext, input: number): readonly number[] | undefined {
  const elements = context.value(input)?.elements;
  if (elements === undefined) return undefined;
  const known = elements.filter((element) => typeof element === 'number');
  return known.length === elements.length ? known : undefined;
}

/** The elements of an input, each as far as it is known; of unknown ones at least their number. */
export function partialNumbers(context: ValueContext, input: number): readonly Dimension[] | undefined {
  const elements = context.value(input)?.elements;
  if (elements !== undefined) return elements;
  const shape = context.shape(input);
  const count = shape?.length === 1 ? shape[0] : undefined;
  if (typeof count !== 'number' || count > MOST_UNKNOWN) return undefined;
  return Array.from({ length: count }, () => undefined);
}

/** No tensor has more dimensions. */
const MOST_UNKNOWN = 64;
