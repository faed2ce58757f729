/**
 * Parts of models made by us, and edited copies of parts that were read. An edited copy keeps the message that it
 * comes from, so that the writer changes the edited fields only; `{ ...graph, nodes }` does the same for the rest.
 */
import type { Attribute, DataType, Graph, Node, Shape, Tensor, ValueInfo, ValueType } from './model.js';

/** An attribute without its name: `{ kind: 'int', value: 1 }`. */
export type AttributeContent = Attribute extends infer A
  ? A extends { kind: 'other' }
    ? never
    : A extends Attribute
      ? Omit<A, 'name' | 'message'>
      : never
  : never;

export interface NodeParts {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly attributes?: readonly Attribute[];
}

/** Its fields stand in the order of a node that was read: code that sees thousands of both is compiled for one form of them. */
export function makeNode({
  name = '',
  opType,
  domain = '',
  overload = '',
  inputs,
  outputs,
  attributes = [],
}: NodeParts): Node {
  return { name, opType, domain, overload, inputs, outputs, attributes, message: undefined };
}

export interface NodeChanges {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly attributes?: readonly Attribute[];
  readonly name?: string;
}

/** An edited copy; everything that is not named, unknown fields included, stays as it lies in the file. */
export function withNode(node: Node, changes: NodeChanges): Node {
  return { ...node, ...changes };
}

/**
 * A node that does what `node` does, for graphs that are run and thrown away: nothing of what its file says beside that is kept,
 * so that it is written in one go. Attributes that are more than numbers and texts stay as they lie in the file.
 */
export function madeLike(node: Node, changes: NodeChanges): Node {
  const attributes = node.attributes.map((attribute) =>
    PLAIN_ATTRIBUTES.has(attribute.kind) ? { ...attribute, message: undefined } : attribute,
  );
  return makeNode({ ...node, name: '', attributes, ...changes });
}

/** The kinds of attributes whose value is all that there is to them. */
export const PLAIN_ATTRIBUTES: ReadonlySet<Attribute['kind']> = new Set([
  'float',
  'int',
  'string',
  'floats',
  'ints',
  'strings',
]);

/** `bytes`: little-endian elements in C order, as many as type and shape ask for. */
export function makeTensor(
  name: string,
  dataType: DataType,
  dims: readonly number[],
  bytes: Uint8Array,
): Tensor {
  return { name, dataType, dims, data: { kind: 'made', bytes }, message: undefined };
}

/** A tensor whose `length` bytes are made when they are written; see `ComputedBytes`. */
export function makeComputedTensor(
  name: string,
  dataType: DataType,
  dims: readonly number[],
  length: number,
  parts: () => Iterable<Uint8Array>,
): Tensor {
  return { name, dataType, dims, data: { kind: 'computed', length, parts }, message: undefined };
}

/** A tensor whose bytes lie in a file; `location` is relative to the folder of the model (or of the session's weights). */
export function makeExternalTensor(
  name: string,
  dataType: DataType,
  dims: readonly number[],
  location: string,
  offset: number,
  length: number,
): Tensor {
  return { name, dataType, dims, data: { kind: 'external', location, offset, length }, message: undefined };
}

export function makeValueInfo(name: string, type: ValueType | undefined): ValueInfo {
  return { name, type, message: undefined };
}

export function makeTensorType(elementType: DataType, shape: Shape | undefined): ValueType {
  return { kind: 'tensor', elementType, shape };
}

export function makeAttribute(name: string, content: AttributeContent): Attribute {
  return { name, message: undefined, ...content };
}

export interface GraphParts {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers?: readonly Tensor[];
  readonly valueInfo?: readonly ValueInfo[];
}

export function makeGraph(parts: GraphParts): Graph {
  return { initializers: [], sparseInitializers: [], valueInfo: [], ...parts, message: undefined };
}
