/** The original model with its nodes named by their place, so that a profile's events can be told apart. */
import {
  isStep,
  withNode,
  type Model,
  type Node,
  type Steps,
  variantSteps,
  type Variant,
} from '../onnx/index.js';
import { exposedGraph } from './exposed.js';

export interface NumberedVariant extends Variant {
  /** The outputs of each node of the variant, by the node's name in it. */
  readonly outputs: ReadonlyMap<string, readonly string[]>;
}

/** A variant that computes the same, each node under a name of its own; a few nodes at a time. */
export function* numberedSteps(model: Model): Steps<NumberedVariant> {
  const graph = yield* exposedGraph(model, []);
  const outputs = new Map<string, readonly string[]>();
  const nodes: Node[] = [];
  for (const [index, node] of graph.nodes.entries()) {
    if (isStep(index)) yield;
    const name = `node_${index}`;
    outputs.set(name, node.outputs);
    nodes.push(withNode(node, { name }));
  }
  return { ...(yield* variantSteps(model, { ...graph, nodes })), outputs };
}
