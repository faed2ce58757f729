/**
 * The names by which a plan speaks of nodes: the node's own, or its first output, ` > ` into sub-graphs and
 * functions, and `\>` where a name itself holds ` > `. Knows which node a name means, not whether it is a layer.
 */
import type { Graph, Model, Node } from '../onnx/index.js';
import { SCOPE_SEPARATOR } from './glob.js';

/** What a name in a plan turns out to be. */
export type NamedThing =
  | { readonly kind: 'node'; readonly node: number }
  /** Several nodes of that name; each is addressed by its first output. */
  | { readonly kind: 'ambiguous'; readonly addresses: readonly string[] }
  /** A node inside a sub-graph or a model-local function. */
  | { readonly kind: 'inside' }
  /** An output of a node that goes by another name. */
  | { readonly kind: 'output'; readonly address: string }
  | { readonly kind: 'unknown' };

export interface NodeNames {
  /** By node of the main graph: the name that means this node and no other. */
  readonly addresses: readonly string[];
  /** What a name means, written as in a plan (`\>` and all). */
  find(written: string): NamedThing;
}

/** A name as it is written in a plan: ` > ` inside it gets a backslash, and one more where it has some already. */
export function writeName(name: string): string {
  return name.replace(/ (\\*)>(?= )/g, ' \\$1>');
}

/** The parts of a name written in a plan, from the main graph inwards, with the backslashes undone. */
export function readName(written: string): readonly string[] {
  return written.split(' > ').map((part) => part.replace(/ \\(\\*)>(?= )/g, ' $1>'));
}

export function indexNodeNames(model: Model): NodeNames {
  const { nodes } = model.graph;
  const byName = new Map<string, number[]>();
  const byOutput = new Map<string, number>();
  nodes.forEach((node, index) => {
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
  });
  const isTaken = (name: string): boolean => byName.get(name)?.length === 1;
  const addresses = nodes.map((node) => addressOf(node, isTaken));
  const byAddress = new Map<string, NamedThing>();
  addresses.forEach((address, index) => {
    // The name of a node wins over an output of the same text, wherever the two stand.
    if (!byAddress.has(address) || nodes[index]?.name === address) {
      byAddress.set(address, { kind: 'node', node: index });
    }
  });
  let inside: ReadonlySet<string> | undefined;
  const find = (written: string): NamedThing => {
    if (!written.includes(' ')) {
      // Nothing to undo: the way that nearly all names of a long plan take.
      return byAddress.get(written) ?? findOther(written);
    }
    const parts = readName(written);
    if (parts.length > 1) {
      inside ??= namesInside(model, addresses);
      return inside.has(parts.join(SCOPE_SEPARATOR)) ? { kind: 'inside' } : { kind: 'unknown' };
    }
    const name = parts[0] ?? '';
    return byAddress.get(name) ?? findOther(name);
  };
  const findOther = (name: string): NamedThing => {
    const sharing = byName.get(name);
    if (sharing) {
      return { kind: 'ambiguous', addresses: sharing.map((index) => addresses[index] ?? '') };
    }
    const producer = byOutput.get(name);
    return producer === undefined
      ? { kind: 'unknown' }
      : { kind: 'output', address: addresses[producer] ?? '' };
  };
  return { addresses, find };
}

/** The node's name if no other node has it, else the first output that no node is named after. */
function addressOf(node: Node, isTaken: (name: string) => boolean): string {
  if (isTaken(node.name)) {
    return node.name;
  }
  const outputs = node.outputs.filter((output) => output !== '');
  return outputs.find((output) => !isTaken(output)) ?? outputs[0] ?? node.name;
}

/** Every node inside a sub-graph or a called function: `OUTER > ATTRIBUTE > INNER`, joined by the separator. */
function namesInside(model: Model, addresses: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  const functions = new Map(model.functions.map((local) => [`${local.domain}:${local.name}`, local]));
  const addNodes = (nodes: readonly Node[], outer: string, depth: number): void => {
    for (const node of nodes) {
      const name = [
        outer,
        node.name === '' ? (node.outputs.find((output) => output !== '') ?? '') : node.name,
      ].join(SCOPE_SEPARATOR);
      names.add(name);
      addHeld(node, name, depth + 1);
    }
  };
  const addGraph = (graph: Graph, outer: string, attribute: string, depth: number): void => {
    addNodes(graph.nodes, `${outer}${SCOPE_SEPARATOR}${attribute}`, depth);
  };
  const addHeld = (node: Node, name: string, depth: number): void => {
    // Functions that call each other round in a circle are no model, but must not hang the reader of one.
    if (depth > 16) {
      return;
    }
    for (const attribute of node.attributes) {
      if (attribute.kind === 'graph') {
        addGraph(attribute.value, name, attribute.name, depth);
      } else if (attribute.kind === 'graphs') {
        attribute.value.forEach((graph) => {
          addGraph(graph, name, attribute.name, depth);
        });
      }
    }
    const called = functions.get(`${node.domain}:${node.opType}`);
    if (called) {
      addNodes(called.nodes, `${name}${SCOPE_SEPARATOR}${called.name}`, depth);
    }
  };
  model.graph.nodes.forEach((node, index) => {
    addHeld(node, addresses[index] ?? '', 0);
  });
  return names;
}
