/**
 * The elements of small tensors that do not depend on the inputs' values once the shapes are concrete: stored ones, and what
 * is computed from shapes and from them. Knows no gradient.
 */
import {
  foldNode,
  indexGraph,
  modelFolder,
  readSmallTensor,
  type Model,
  type PartialTensor,
} from '../onnx/index.js';

/** Chains of operators that compute shapes are shorter. */
const DEEPEST_CHAIN = 64;

/** @param shape of a tensor of the main graph; undefined where it is not known. */
export function knownValues(
  model: Model,
  shape: (name: string) => readonly number[] | undefined,
): (name: string) => readonly number[] | undefined {
  const index = indexGraph(model.graph, model.irVersion);
  const folder = modelFolder(model);
  const remembered = new Map<string, PartialTensor | undefined>();

  const valueOf = (name: string, depth: number): PartialTensor | undefined => {
    if (remembered.has(name)) return remembered.get(name);
    const value = find(name, depth);
    remembered.set(name, value);
    return value;
  };

  const find = (name: string, depth: number): PartialTensor | undefined => {
    if (name === '') return undefined;
    const stored = index.constantOf(name);
    if (stored !== undefined) return readSmallTensor(stored, folder);
    const node = model.graph.nodes[index.producers.get(name) ?? -1];
    const dims = shape(name);
    if (node === undefined || dims === undefined || depth > DEEPEST_CHAIN) return undefined;
    return foldNode({
      node,
      opset: model.opsets.get(node.domain) ?? 1,
      output: node.outputs.indexOf(name),
      dims,
      has: (input) => (node.inputs[input] ?? '') !== '',
      value: (input) => valueOf(node.inputs[input] ?? '', depth + 1),
      shape: (input) => shape(node.inputs[input] ?? ''),
      outputShape: (output) => shape(node.outputs[output] ?? ''),
      attributeTensor: (tensor) => readSmallTensor(tensor, folder),
    });
  };

  return (name) => {
    const elements = valueOf(name, 0)?.elements ?? [];
    const numbers = elements.filter((element) => typeof element === 'number');
    return elements.length > 0 && numbers.length === elements.length ? numbers : undefined;
  };
}
