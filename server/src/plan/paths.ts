/**
 * Which nodes lie on a way from one node to another: the ground of `between`. Follows tensors, and what sub-graphs
 * capture, through nodes of every kind. Knows no names and no formats.
 */
import { capturedNames, type GraphIndex } from '../onnx/index.js';

/** The nodes on any way from one node to another, both included; empty where there is none. In graph order. */
export function nodesBetween(index: GraphIndex, from: number, to: number): readonly number[] {
  const after = reach(from, (node) => readersOf(index, node));
  const before = reach(to, (node) => writersOf(index, node));
  if (!after.has(to)) {
    return [];
  }
  return [...after].filter((node) => before.has(node)).sort((a, b) => a - b);
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

function readersOf(index: GraphIndex, node: number): readonly number[] {
  const outputs = index.graph.nodes[node]?.outputs ?? [];
  return outputs.flatMap((output) => [
    ...(index.consumers.get(output) ?? []).map((reader) => reader.node),
    ...(index.capturedBySubgraphs.get(output) ?? []),
  ]);
}

function writersOf(index: GraphIndex, position: number): readonly number[] {
  const node = index.graph.nodes[position];
  if (!node) {
    return [];
  }
  return [...node.inputs, ...capturedNames(node)].flatMap((name) => index.producers.get(name) ?? []);
}
