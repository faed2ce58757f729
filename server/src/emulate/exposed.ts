/** The original model with further tensors as outputs. Knows names only. */
import {
  finish,
  inferTypesSteps,
  isStep,
  makeTensorType,
  makeValueInfo,
  type Model,
  type Steps,
  type Tensor,
  referredTensor,
  variantSteps,
  type Variant,
  type VariantParts,
} from '../onnx/index.js';
import { modelFacts } from '../plan/index.js';

/**
 * The model as a variant whose outputs are the model's and then `tensorNames`, each once; names of what is no
 * tensor are left out. Its weights stay in the model's files.
 */
export function exposed(model: Model, tensorNames: readonly string[]): Variant {
  return finish(exposedSteps(model, tensorNames));
}

/** The same, a few nodes at a time. */
export function* exposedSteps(model: Model, tensorNames: readonly string[]): Steps<Variant> {
  return yield* variantSteps(model, yield* exposedGraph(model, tensorNames));
}

/** What that variant is made of, for whoever changes it further. */
export function* exposedGraph(model: Model, tensorNames: readonly string[]): Steps<VariantParts> {
  const { graph } = model;
  // What is known of a model begins with its types, which take longest.
  yield* inferTypesSteps(model);
  const facts = modelFacts(model);
  const outputs = [...graph.outputs];
  const present = new Set(outputs.map((output) => output.name));
  for (const name of tensorNames) {
    const type = facts.elementType(name);
    if (type === undefined || present.has(name)) continue;
    present.add(name);
    outputs.push(makeValueInfo(name, makeTensorType(type, undefined)));
  }
  const nodes = [];
  const initializers: Tensor[] = [];
  for (const [index, tensor] of graph.initializers.entries()) {
    if (isStep(index)) yield;
    initializers.push(referredTensor(tensor.name, tensor, model));
  }
  for (const at of facts.index.order) {
    if (isStep(at)) yield;
    const node = graph.nodes[at];
    if (node === undefined) continue;
    const output = node.outputs[0] ?? '';
    const tensor = node.opType === 'Constant' ? facts.index.constantOf(output) : undefined;
    if (tensor === undefined) nodes.push(node);
    else initializers.push(referredTensor(output, tensor, model));
  }
  return { nodes, initializers, inputs: graph.inputs, outputs };
}
