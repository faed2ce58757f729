/**
 * The names by which a plan speaks of nodes: the node's own, or its first output, ` > ` into sub-graphs and
 * functions, and `\>` where a name itself holds ` > `. Knows which node a name means, not whether it is a layer.
 */
import { calledFunction, isStep, subgraphsOf, type Model, type Node, type Steps } from '../onnx/index.js';
import { SCOPE_SEPARATOR } from './glob.js';
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

function* nameSteps(model: Model): Steps<NodeNames> {
  const { scopes, nodes } = yield* modelScopesSteps(model);
  const addresses = nodes.map(() => '');
  const ownNames = nodes.map(() => '');
  const byAddress = new Map<string, NamedThing>();
  const others = new Map<string, NamedThing>();
  // Outer scopes stand before inner ones.
  for (const scope of scopes) yield* scopeNameSteps(scope, addresses, ownNames, byAddress, others);
  let inside: ReadonlySet<string> | undefined;
  const find = (written: string): NamedThing => {
    // Nothing to undo without a blank: the way that nearly all names of a long plan take.
    const name = written.includes(' ') ? readName(written).join(SCOPE_SEPARATOR) : written;
    const known = byAddress.get(name) ?? others.get(name);
    if (known !== undefined) return known;
    if (!name.includes(SCOPE_SEPARATOR)) return { kind: 'unknown' };
    inside ??= namesInside(model, addresses);
    return inside.has(name) ? { kind: 'inside' } : { kind: 'unknown' };
  };
  return { addresses, ownNames, find };
}

/** Names the nodes of a scope, each by a name that no other node of the scope has. */
function* scopeNameSteps(
  scope: Scope,
  addresses: string[],
  ownNames: string[],
  byAddress: Map<string, NamedThing>,
  others: Map<string, NamedThing>,
): Steps<void> {
  const { firstNode, container, attribute } = scope;
  const { nodes } = scope.graph;
  const outer = container < 0 ? '' : [addresses[container] ?? '', attribute, ''].join(SCOPE_SEPARATOR);
  const byName = new Map<string, number[]>();
  const byOutput = new Map<string, number>();
  for (const [index, node] of nodes.entries()) {
    if (isStep(index)) yield;
    if (node.name !== '') {
      const sharing = byName.get(node.name);
      if (sharing) {
        sharing.push(index);
      } else {
        byName.set(node.name, [index]);
      }
    }
    for (const output of node.outputs) {
      if (output !== '') {
        byOutput.set(output, index);
      }
    }
  }
  const isTaken = (name: string): boolean => byName.get(name)?.length === 1;
  for (const [index, node] of nodes.entries()) {
    if (isStep(index)) yield;
    const own = addressOf(node, isTaken);
    const address = outer + own;
    ownNames[firstNode + index] = own;
    addresses[firstNode + index] = address;
    // The name of a node wins over an output of the same text, wherever the two stand.
    if (!byAddress.has(address) || node.name === own) {
      byAddress.set(address, { kind: 'node', node: firstNode + index });
    }
  }
  yield;
  const addressAt = (index: number): string => addresses[firstNode + index] ?? '';
  for (const [output, index] of byOutput) {
    others.set(outer + output, { kind: 'output', address: addressAt(index) });
  }
  yield;
  for (const [name, sharing] of byName) {
    others.set(outer + name, { kind: 'ambiguous', addresses: sharing.map(addressAt) });
  }
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
