/**
 * The layers of a model: their names, the weights that they hold and the work that they do. What a layer is, is
 * said in roles.ts; what a plan decides about it is not known here.
 */
import { multiplyAdds, type Model, type Node, type Shape, type Tensor } from '../onnx/index.js';
import { isFloating, modelFacts, type ModelFacts } from './model-facts.js';
import { isMovement } from './movement.js';
import { indexNodeNames } from './node-names.js';
import { nodeRoles } from './roles.js';
import type { Layer } from './types.js';

/**
 * The layers of the main graph, in the order of its nodes.
 *
 * @param shapes of tensors by name, for the multiply-adds; without them these are not known.
 */
export function findLayers(model: Model, shapes?: ReadonlyMap<string, Shape>): readonly Layer[] {
  const facts = modelFacts(model);
  const { addresses } = indexNodeNames(model);
  const layers: Layer[] = [];
  nodeRoles(model).forEach((role, nodeIndex) => {
    const node = model.graph.nodes[nodeIndex];
    if (role !== 'layer' || node === undefined) return;
    layers.push({
      name: addresses[nodeIndex] ?? node.name,
      node,
      nodeIndex,
      weights: weightsOf(node, model, facts),
      multiplyAdds: shapes === undefined ? undefined : multiplyAdds(node, shapes),
    });
  });
  return layers;
}

/** A single number is a parameter of the operator, not a weight. */
function weightsOf(node: Node, model: Model, facts: ModelFacts): readonly Tensor[] {
  const weights = new Map<string, Tensor>();
  for (const input of node.inputs) {
    const weight = constantBehind(input, model, facts);
    if (weight === undefined || !isFloating(weight.tensor.dataType)) continue;
    if (weight.tensor.dims.reduce((product, dim) => product * dim, 1) < 2) continue;
    weights.set(weight.name, { ...weight.tensor, name: weight.name });
  }
  return [...weights.values()];
}

/** The stored tensor whose values an input reads, also through movement such as Constant -> Reshape -> MatMul. */
function constantBehind(
  name: string,
  model: Model,
  facts: ModelFacts,
): { readonly name: string; readonly tensor: Tensor } | undefined {
  let current = name;
  for (;;) {
    const tensor = facts.index.constantOf(current) ?? facts.index.initializers.get(current);
    if (tensor !== undefined) return { name: current, tensor };
    const producer = model.graph.nodes[facts.index.producers.get(current) ?? -1];
    const data = producer?.inputs[0];
    if (producer === undefined || data === undefined || !isMovement(producer)) return undefined;
    // Only through movement of the constant alone: what joins data with it makes no weight.
    if (!producer.inputs.every((input) => input === '' || isConstant(input, facts))) return undefined;
    current = data;
  }
}

function isConstant(name: string, facts: ModelFacts): boolean {
  return facts.index.constantOf(name) !== undefined || facts.index.initializers.has(name);
}
