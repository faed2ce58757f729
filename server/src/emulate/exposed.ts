/** The original model with further tensors as outputs. Knows names only. */
import { makeTensorType, makeValueInfo, type Model } from '../onnx/index.js';
import { modelFacts } from '../plan/index.js';
import { makeVariant, referredTensor, type Variant } from './variant.js';

/**
 * The model as a variant whose outputs are the model's and then `tensorNames`, each once; names of what is no
 * tensor are left out. Its weights stay in the model's files.
 */
export function exposed(model: Model, tensorNames: readonly string[]): Variant {
  const { graph } = model;
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
  const initializers = graph.initializers.map((tensor) => referredTensor(tensor.name, tensor, model));
  for (const at of facts.index.order) {
    const node = graph.nodes[at];
    if (node === undefined) continue;
    const output = node.outputs[0] ?? '';
    const tensor = node.opType === 'Constant' ? facts.index.constantOf(output) : undefined;
    if (tensor === undefined) nodes.push(node);
    else initializers.push(referredTensor(output, tensor, model));
  }
  return makeVariant(model, { nodes, initializers, inputs: graph.inputs, outputs });
}
