/**
 * Whose values an output depends on, in whatever way: by numbers computed from them, or by indices and choices made of them. Knows
 * the main graph and what operators read; no gradient.
 */
import { capturedNames, isStep, type Model, type Steps } from '../../onnx/index.js';
import { modelFacts } from './model-facts.js';

/** Operators of the ONNX domain that look at the shape of what they read, and at no value. */
const READ_SHAPES: ReadonlySet<string> = new Set(['Shape', 'Size']);

/** The nodes of the main graph, by index, whose values the tensor depends on; its own writer is one. */
export function* valueDependenceSteps(model: Model, tensor: string): Steps<ReadonlySet<number>> {
  const { index } = modelFacts(model);
  const found = new Set<number>();
  const reach = (name: string): void => {
    const producer = index.producers.get(name);
    if (producer !== undefined) found.add(producer);
  };
  reach(tensor);
  let count = 0;
  // A set is walked in the order in which it grows, also while it grows.
  for (const at of found) {
    if (isStep((count += 1))) yield;
    const node = index.graph.nodes[at];
    if (node === undefined || (node.domain === '' && READ_SHAPES.has(node.opType))) continue;
    for (const name of node.inputs) reach(name);
    for (const name of capturedNames(node)) reach(name);
  }
  return found;
}
