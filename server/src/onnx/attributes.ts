/**
 * Attributes of a node by name and kind, with the default that the caller knows from the operator's
 * definition. Owns nothing but the look-up; what a value means is known where it is used.
 */
import type { Graph, Node, Tensor } from './model.js';
import { DataType } from './model.js';

const DATA_TYPES: ReadonlyMap<number, DataType> = new Map(
  Object.values(DataType).flatMap((value) =>
    typeof value === 'number' && value !== DataType.UNDEFINED ? [[value, value] as const] : [],
  ),
);

/** The attribute of that name if it is of kind `int`, `fallback` otherwise (also for a reference). */
export function intAttribute(node: Node, name: string, fallback: number): number;
export function intAttribute(node: Node, name: string): number | undefined;
export function intAttribute(node: Node, name: string, fallback?: number): number | undefined {
  const attribute = node.attributes.find((candidate) => candidate.name === name);
  return attribute?.kind === 'int' ? attribute.value : fallback;
}

/** An attribute of kind `int` that names an element type; undefined for a number that is none. */
export function dataTypeAttribute(node: Node, name: string): DataType | undefined {
  return DATA_TYPES.get(intAttribute(node, name, DataType.UNDEFINED));
}

export function floatAttribute(node: Node, name: string): number | undefined {
  const attribute = node.attributes.find((candidate) => candidate.name === name);
  return attribute?.kind === 'float' ? attribute.value : undefined;
}

export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes.find((candidate) => candidate.name === name);
  if (attribute?.kind === 'ints') return attribute.value;
  // An empty list has no field that tells its kind on the wire: any empty list is an empty list of integers.
  if (attribute?.kind === 'floats' || attribute?.kind === 'strings') {
    return attribute.value.length === 0 ? [] : undefined;
  }
  return undefined;
}

export function floatsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes.find((candidate) => candidate.name === name);
  return attribute?.kind === 'floats' ? attribute.value : undefined;
}

export function stringAttribute(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes.find((candidate) => candidate.name === name);
  return attribute?.kind === 'string' ? attribute.value : fallback;
}

export function tensorAttribute(node: Node, name: string): Tensor | undefined {
  const attribute = node.attributes.find((candidate) => candidate.name === name);
  return attribute?.kind === 'tensor' ? attribute.value : undefined;
}

export function graphAttribute(node: Node, name: string): Graph | undefined {
  const attribute = node.attributes.find((candidate) => candidate.name === name);
  return attribute?.kind === 'graph' ? attribute.value : undefined;
}

export function hasAttribute(node: Node, name: string): boolean {
  return node.attributes.some((attribute) => attribute.name === name);
}

/** Every sub-graph that a node holds, with the attribute that names it. */
export function subgraphsOf(node: Node): readonly { readonly attribute: string; readonly graph: Graph }[] {
  const found: { attribute: string; graph: Graph }[] = [];
  for (const attribute of node.attributes) {
    if (attribute.kind === 'graph') found.push({ attribute: attribute.name, graph: attribute.value });
    if (attribute.kind === 'graphs') {
      for (const graph of attribute.value) found.push({ attribute: attribute.name, graph });
    }
  }
  return found;
}
