/**
 * What each node of a model is: the one predicate of what counts as a layer, by dataflow. Rule 1 of the language
 * reference, "What a layer is". Knows no names, no decisions and no formats.
 */
import type { Model, Node } from '../onnx/index.js';
import { modelFacts, type ModelFacts } from './model-facts.js';
import { drawsRandomNumbers, isMovement, isShapeInput, tellsShape } from './movement.js';
import type { NodeRole } from './types.js';

/** Where a tensor comes from: from constants alone, from shapes and constants alone, or from data. */
type Origin = 'constant' | 'shape' | 'data';

/** The role of each node of the main graph, by node index. */
export function nodeRoles(model: Model): readonly NodeRole[] {
  const facts = modelFacts(model);
  const origins = nodeOrigins(model, facts);
  const feedsShapes = feedingShapesOnly(model, facts);
  return model.graph.nodes.map((node, at) => {
    if (facts.isContainer(node)) return 'container';
    if (origins[at] === 'constant') return 'constant';
    if (origins[at] === 'shape' || feedsShapes[at] === true) return 'shape';
    if (!givesFloats(node, facts)) return 'integer';
    return isMovement(node) ? 'movement' : 'layer';
  });
}

/** By node index where the node's outputs come from. */
function nodeOrigins(model: Model, facts: ModelFacts): readonly Origin[] {
  const { nodes, initializers, sparseInitializers } = model.graph;
  const tensors = new Map<string, Origin>();
  for (const { name } of initializers) tensors.set(name, 'constant');
  for (const name of sparseInitializers) tensors.set(name, 'constant');
  const origins: Origin[] = nodes.map(() => 'data');
  for (const at of facts.index.order) {
    const node = nodes[at];
    if (node === undefined) continue;
    const origin = originOf(node, facts, tensors);
    origins[at] = origin;
    for (const output of node.outputs) tensors.set(output, origin);
  }
  return origins;
}

function originOf(node: Node, facts: ModelFacts, tensors: ReadonlyMap<string, Origin>): Origin {
  if (facts.isContainer(node) || drawsRandomNumbers(node)) return 'data';
  if (tellsShape(node)) return 'shape';
  let origin: Origin = 'constant';
  let reads = 0;
  for (const input of node.inputs) {
    if (input === '') continue;
    reads += 1;
    const from = tensors.get(input) ?? 'data';
    if (from === 'data') return 'data';
    if (from === 'shape') origin = 'shape';
  }
  // A node of an unknown operator that reads nothing may do anything.
  return reads > 0 || node.opType === 'Constant' ? origin : 'data';
}

/** By node index whether all that the node gives ends in shape inputs, and it gives something. */
function feedingShapesOnly(model: Model, facts: ModelFacts): readonly boolean[] {
  const { nodes } = model.graph;
  const { index } = facts;
  const feeds: boolean[] = nodes.map(() => false);
  for (const at of [...index.order].reverse()) {
    const node = nodes[at];
    if (node === undefined || facts.isContainer(node)) continue;
    let readers = 0;
    feeds[at] = node.outputs.every((output) => {
      if (output === '') return true;
      if (index.isGraphOutput(output) || index.capturedBySubgraphs.has(output)) return false;
      return (index.consumers.get(output) ?? []).every((reader) => {
        readers += 1;
        const by = nodes[reader.node];
        return by !== undefined && (isShapeInput(by, reader.input) || feeds[reader.node] === true);
      });
    });
    if (readers === 0) feeds[at] = false;
  }
  return feeds;
}

/** Where no output's type is known the inputs stand in: an unknown operator on floats computes. */
function givesFloats(node: Node, facts: ModelFacts): boolean {
  const known = node.outputs.filter((output) => output !== '' && facts.isTyped(output));
  return known.length > 0
    ? known.some((name) => facts.holdsFloats(name))
    : node.inputs.some((name) => facts.holdsFloats(name));
}
