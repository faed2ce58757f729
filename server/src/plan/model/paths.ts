/**
 * Which nodes lie on a way from one node to another: the ground of `between`. Follows tensors through nodes of every kind,
 * into sub-graphs and functions and out of them again. Knows no names and no formats.
 */
import { scopeEndedBy, type ModelScopes } from './scopes.js';

/** The nodes on any way from one node to another, both included; empty where there is none. By number. */
export function nodesBetween(scopes: ModelScopes, from: number, to: number): readonly number[] {
  const ways = waysOf(scopes);
  const after = reach(from, (node) => ways.readers[node] ?? []);
  const before = reach(to, (node) => ways.writers[node] ?? []);
  if (!after.has(to)) {
    return [];
  }
  const { length } = scopes.nodes;
  return [...after].filter((node) => node < length && before.has(node)).sort((a, b) => a - b);
}

function reach(start: number, next: (node: number) => readonly number[]): ReadonlySet<number> {
  const reached = new Set([start]);
  // A set is walked in the order in which it grows, also while it grows.
  for (const node of reached) {
    for (const neighbour of next(node)) {
      reached.add(neighbour);
    }
  }
  return reached;
}

/** By node: the nodes that read what it writes, and the nodes that write what it reads. Ties are nodes behind all others. */
interface Ways {
  readonly readers: readonly (readonly number[])[];
  readonly writers: readonly (readonly number[])[];
}

const remembered = new WeakMap<ModelScopes, Ways>();

function waysOf(scopes: ModelScopes): Ways {
  let ways = remembered.get(scopes);
  if (!ways) {
    ways = findWays(scopes);
    remembered.set(scopes, ways);
  }
  return ways;
}

function findWays(scopes: ModelScopes): Ways {
  const { nodes, tensors, ties } = scopes;
  const readers = [...nodes, ...ties].map((): number[] => []);
  const writers = [...nodes, ...ties].map((): number[] => []);
  const tiesWriting = new Map<string, number[]>();
  ties.forEach(({ written }, index) => {
    for (const id of written) tiesWriting.set(id, [...(tiesWriting.get(id) ?? []), nodes.length + index]);
  });
  const connect = (id: string, reader: number): void => {
    const producer = tensors.get(id)?.producer;
    // What a scope reads comes from a tie; what a node with a scope gives comes from that node, as from any other.
    const from = producer === undefined ? (tiesWriting.get(id) ?? []) : [producer];
    for (const writer of from) {
      readers[writer]?.push(reader);
      writers[reader]?.push(writer);
    }
  };
  for (const { id, readers: read } of tensors.values()) {
    // What reads the output of a scope is the node that holds it.
    for (const { node } of read) connect(id, scopeEndedBy(scopes, node)?.container ?? node);
  }
  ties.forEach(({ read }, index) => {
    for (const { node, input } of read) {
      const ids = scopeEndedBy(scopes, node)?.outputs ?? nodes[node]?.inputs;
      connect(ids?.[input] ?? '', nodes.length + index);
    }
  });
  return { readers, writers };
}
