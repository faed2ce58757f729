/** The original model with its nodes named by their place, so that a profile's events can be told apart. */
import { withNode, type Model } from '../onnx/index.js';
import { exposed } from './exposed.js';
import { makeVariant, type Variant } from './variant.js';

export interface NumberedVariant extends Variant {
  /** The outputs of each node of the variant, by the node's name in it. */
  readonly outputs: ReadonlyMap<string, readonly string[]>;
}

/** A variant that computes the same, each node under a name of its own. */
export function numbered(model: Model): NumberedVariant {
  const { graph } = exposed(model, []).model;
  const outputs = new Map<string, readonly string[]>();
  const nodes = graph.nodes.map((node, index) => {
    const name = `node_${index}`;
    outputs.set(name, node.outputs);
    return withNode(node, { name });
  });
  return { ...makeVariant(model, { ...graph, nodes }), outputs };
}
