/**
 * The names by which a plan speaks of nodes: the node's own, or its first output, ` > ` into sub-graphs and
 * functions, and `\>` where a name itself holds ` > `. Knows which node a name means, not whether it is a layer.
 */
import { calledFunction, isStep, subgraphsOf, type Model, type Node, type Steps } from '../../onnx/index.js';
import { SCOPE_SEPARATOR } from '../patterns/glob.js';
import { oncePerModelInSteps } from './once-per-model.js';
import { FUNCTION_BODY, modelScopes, modelScopesSteps, type Scope } from './scopes.js';

/** Names lead no deeper than this into what is not looked into. */
const DEEPEST_NAME = 16;

/** What a name in a plan turns out to be. */
export type NamedThing =
  | { readonly kind: 'node'; readonly node: number }
  /** Several nodes of that name; each is addressed by its first output. */
  | { readonly kind: 'ambiguous'; readonly addresses: readonly string[] }
  /** A node inside something that is not looked into, such as an operator that nobody knows. */
  | { readonly kind: 'inside' }
  /** An output of a node that goes by another name. */
  | { readonly kind: 'output'; readonly address: string }
  | { readonly kind: 'unknown' };

export interface NodeNames {
  /** By node: the name that means this node and no other, with `SCOPE_SEPARATOR` where it leads inwards. */
  readonly addresses: readonly string[];
  /** By node: the last part of it. */
  readonly ownNames: readonly string[];
  /** What a name means, written as in a plan (`\>` and all). */
  find(written: string): NamedThing;
}

/** A name as it is written in a plan: ` > ` inside it gets a backslash, and one more where it has some already. */
export function writeName(name: string): string {
  return name
    .split(SCOPE_SEPARATOR)
    .map((part) => part.replace(/ (\\*)>(?= )/g, ' \\$1>'))
    .join(' > ');
}

/** The parts of a name written in a plan, from the main graph inwards, with the backslashes undone. */
export function readName(written: string): readonly string[] {
  return written.split(' > ').map((part) => part.replace(/ \\(\\*)>(?= )/g, ' $1>'));
}

const found = oncePerModelInSteps(nameSteps);

export const indexNodeNames = found.at;
export const indexNodeNamesSteps = found.steps;

/** What the names of one scope mean. */
interface NamesOfScope {
  readonly firstNode: number;
  /** The node of that name, by its index in the scope; or all of them, where there are several. */
  readonly byName: ReadonlyMap<string, number | readonly number[]>;
  readonly byOutput: ReadonlyMap<string, number>;
}

function* nameSteps(model: Model): Steps<NodeNames> {
  const { scopes, nodes } = yield* modelScopesSteps(model);
  const addresses = nodes.map(() => '');
  const ownNames = nodes.map(() => '');
  const byAddress = new Map<string, number>();
  /** By what stands before the names of a scope. */
  const byOuter = new Map<string, NamesOfScope>();
  // Outer scopes stand before inner ones.
  for (const scope of scopes) yield* scopeNameSteps(scope, addresses, ownNames, byAddress, byOuter);
  let inside: ReadonlySet<string> | undefined;
  const find = (written: string): NamedThing => {
    // Nothing to undo without a blank: the way that nearly all names of a long plan take.
    const name = written.includes(' ') ? readName(written).join(SCOPE_SEPARATOR) : written;
    const node = byAddress.get(name);
    if (node !== undefined) return { kind: 'node', node };
    const own = name.lastIndexOf(SCOPE_SEPARATOR) + SCOPE_SEPARATOR.length;
    const isOuter = own < SCOPE_SEPARATOR.length;
    const outer = isOuter ? '' : name.slice(0, own);
    const known = otherNameIn(byOuter.get(outer), isOuter ? name : name.slice(own), addresses);
    if (known !== undefined) return known;
    if (isOuter) return { kind: 'unknown' };
    inside ??= namesInside(model, addresses);
    return inside.has(name) ? { kind: 'inside' } : { kind: 'unknown' };
  };
  return { addresses, ownNames, find };
}

/** A name that is no node's address: one that several have, or that of an output. */
function otherNameIn(
  names: NamesOfScope | undefined,
  name: string,
  addresses: readonly string[],
): NamedThing | undefined {
  if (names === undefined) return undefined;
  const addressAt = (index: number): string => addresses[names.firstNode + index] ?? '';
  const named = names.byName.get(name);
  if (named !== undefined) {
    const sharing = typeof named === 'number' ? [named] : named;
    return { kind: 'ambiguous', addresses: sharing.map(addressAt) };
  }
  const writer = names.byOutput.get(name);
  return writer === undefined ? undefined : { kind: 'output', address: addressAt(writer) };
}

/** Names the nodes of a scope, each by a name that no other node of the scope has. */
function* scopeNameSteps(
  scope: Scope,
  addresses: string[],
  ownNames: string[],
  byAddress: Map<string, number>,
  byOuter: Map<string, NamesOfScope>,
): Steps<void> {
  const { firstNode, container, attribute } = scope;
  const { nodes } = scope.graph;
  const outer = container < 0 ? '' : [addresses[container] ?? '', attribute, ''].join(SCOPE_SEPARATOR);
  const byName = new Map<string, number | number[]>();
  const byOutput = new Map<string, number>();
  for (const [index, node] of nodes.entries()) {
    if (isStep(index)) yield;
    if (node.name !== '') {
      const sharing = byName.get(node.name);
      if (sharing === undefined) byName.set(node.name, index);
      else if (typeof sharing === 'number') byName.set(node.name, [sharing, index]);
      else sharing.push(index);
    }
    for (const output of node.outputs) if (output !== '') byOutput.set(output, index);
  }
  const isTaken = (name: string): boolean => typeof byName.get(name) === 'number';
  for (const [index, node] of nodes.entries()) {
    if (isStep(index)) yield;
    const own = addressOf(node, isTaken);
    const address = outer === '' ? own : outer + own;
    ownNames[firstNode + index] = own;
    addresses[firstNode + index] = address;
    // The name of a node wins over an output of the same text, wherever the two stand.
    if (node.name === own || !byAddress.has(address)) byAddress.set(address, firstNode + index);
  }
  byOuter.set(outer, { firstNode, byName, byOutput });
}

/** The node's name if no other node has it, else the first output that no node is named after. */
function addressOf(node: Node, isTaken: (name: string) => boolean): string {
  if (isTaken(node.name)) {
    return node.name;
  }
  const outputs = node.outputs.filter((output) => output !== '');
  return outputs.find((output) => !isTaken(output)) ?? outputs[0] ?? node.name;
}

/** Every node inside what is not looked into: `OUTER > ATTRIBUTE > INNER`, joined by the separator. */
function namesInside(model: Model, addresses: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  const addNodes = (nodes: readonly Node[], outer: string, attribute: string, depth: number): void => {
    for (const node of nodes) {
      const own = node.name === '' ? (node.outputs.find((output) => output !== '') ?? '') : node.name;
      const name = [outer, attribute, own].join(SCOPE_SEPARATOR);
      names.add(name);
      addHeld(node, name, depth + 1);
    }
  };
  const addHeld = (node: Node, name: string, depth: number): void => {
    // Functions that call each other round in a circle are no model, but must not hang the reader of one.
    if (depth > DEEPEST_NAME) return;
    for (const { attribute, graph } of subgraphsOf(node)) addNodes(graph.nodes, name, attribute, depth);
    const called = calledFunction(model.functions, node);
    if (called !== undefined) addNodes(called.nodes, name, FUNCTION_BODY, depth);
  };
  modelScopes(model).nodes.forEach(({ node, inner }, at) => {
    if (inner.length === 0) addHeld(node, addresses[at] ?? '', 0);
  });
  return names;
}
