/**
 * What a scope is: a graph of a model with the nodes and tensors in it, and what can be asked of all of a model's scopes. Knows
 * names and types; no role, no decision.
 */
import {
  calledFunction,
  subgraphsOf,
  type DataType,
  type Graph,
  type GraphIndex,
  type LocalFunction,
  type Model,
  type Node,
  type Tensor,
  type ValueType,
} from '../../onnx/index.js';
import type { OperatorFacts } from './model-facts.js';
import type { NodeInput } from '../types.js';

/** One level of names. */
export interface Scope {
  /** 0 for the main graph; each stands after the one around it. */
  readonly place: number;
  readonly kind: 'main' | 'sub-graph' | 'function';
  /** Of a function: its body, as this call runs it. */
  readonly graph: Graph;
  readonly index: GraphIndex;
  readonly operators: OperatorFacts;
  readonly opsets: ReadonlyMap<string, number>;
  /** The number of its first node; the others follow. */
  readonly firstNode: number;
  /** The number of the node that holds or calls it; -1 for the main graph. */
  readonly container: number;
  /** The attribute that holds it; `body` for a function, whose own name conversion may have to change. */
  readonly attribute: string;
  readonly outer: Scope | undefined;
  /** Undefined for graphs. */
  readonly calls: LocalFunction | undefined;
  readonly types: ReadonlyMap<string, ValueType>;
  /** Ids of the tensors that it gives out. */
  readonly outputs: readonly string[];
}

export interface ScopedNode {
  readonly node: Node;
  readonly scope: Scope;
  /** Ids of tensors; empty for what is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What it holds or calls, as far as it is looked into. */
  readonly inner: readonly Scope[];
}

export interface ScopedTensor {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  readonly type: ValueType | undefined;
  /** The node that writes it; undefined for inputs of a scope and for initializers. */
  readonly producer: number | undefined;
  /** Inputs of nodes, and outputs of scopes, in all scopes. */
  readonly readers: readonly NodeInput[];
  /** The main graph gives it out, or something reads it by name that is not looked into: name and type stay. */
  readonly isFixed: boolean;
}

/** Tensors that have one type on both sides of the border of a scope: what branches give, what a loop carries. */
export interface Tie {
  /** Undefined for what is not floating-point or not known: such values pass as they are. */
  readonly type: DataType | undefined;
  /** Ids of the tensors that take the type. */
  readonly written: readonly string[];
  /** Where values are read in that type. */
  readonly read: readonly NodeInput[];
  /** Whether it could be another one. */
  readonly isAllowed: (type: DataType) => boolean;
}

export interface ModelScopes {
  readonly model: Model;
  readonly scopes: readonly Scope[];
  readonly nodes: readonly ScopedNode[];
  /** By id. In the main graph the id is the name. */
  readonly tensors: ReadonlyMap<string, ScopedTensor>;
  readonly ties: readonly Tie[];
  /** Numbers of nodes as people read them: what a node holds stands behind it. */
  readonly readingOrder: readonly number[];
  /** Numbers of nodes, each after those that it reads, what a node holds before it. Nodes on a cycle are left out. */
  readonly order: readonly number[];
}

/** Stands between the place of a scope and a name: no name of a model holds it. */
const ID_SEPARATOR = '\0';
/** The number by which what reads the outputs of a scope goes: that of no node. */
export function endOf(scope: Pick<Scope, 'place'>): number {
  return -1 - scope.place;
}

/** The scope whose outputs such a reader reads; undefined for a node. */
export function scopeEndedBy(scopes: ModelScopes, reader: number): Scope | undefined {
  return reader < 0 ? scopes.scopes[-1 - reader] : undefined;
}

/** Whether the node, by its number, stands in the main graph itself. */
export function isInMainGraph(model: Model, node: number): boolean {
  return node < model.graph.nodes.length;
}

/** The tensor that a name means in a scope: its own, or that of the nearest scope around that has one. */
export function tensorNamed(
  tensors: ReadonlyMap<string, ScopedTensor>,
  scope: Scope,
  name: string,
): ScopedTensor | undefined {
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    const tensor = tensors.get(idIn(level, name));
    if (tensor !== undefined || level.kind === 'function') return tensor;
  }
  return undefined;
}

/** The index, in the nodes of `scope`, of the node in which something inside it happens; the end is behind all. */
export function indexInScope(scopes: ModelScopes, scope: Scope, reader: number): number {
  const end = scopeEndedBy(scopes, reader);
  if (end === scope) return scope.graph.nodes.length;
  let at = end?.container ?? reader;
  for (;;) {
    const node = scopes.nodes[at];
    if (node === undefined || node.scope === scope) return at - scope.firstNode;
    at = node.scope.container;
  }
}

/** Whether the node holds a graph or calls a function of the model, looked into or not. */
export function holdsOthers({ model }: ModelScopes, { node, inner }: ScopedNode): boolean {
  return (
    inner.length > 0 || subgraphsOf(node).length > 0 || calledFunction(model.functions, node) !== undefined
  );
}

/** The tensor whose values are constant and stored, if this is one. */
export function constantOf(tensor: ScopedTensor): Tensor | undefined {
  return tensor.scope.index.constantOf(tensor.name);
}

/** The id that a tensor of this name has in the scope itself. */
export function idIn(scope: Scope, name: string): string {
  return scope.place === 0 ? name : `${scope.place}${ID_SEPARATOR}${name}`;
}
