/** Which files of external data a model names. Opens none of them. */
import type { Attribute, Graph, Model, Node, Tensor, TensorData } from './model.js';

/** The files of external data that a model names, sub-graphs and functions included. */
export function externalLocations(model: Model): ReadonlySet<string> {
  return new Set(externalTensors(model).map(({ data }) => data.location));
}

export type ExternalTensor = Tensor & { readonly data: TensorData & { readonly kind: 'external' } };

/** The tensors whose values lie in files of external data, sub-graphs and functions included. */
export function externalTensors(model: Model): readonly ExternalTensor[] {
  const found: ExternalTensor[] = [];
  const visitTensor = (tensor: Tensor): void => {
    if (isExternal(tensor)) found.push(tensor);
  };
  const visitAttribute = (attribute: Attribute): void => {
    if (attribute.kind === 'tensor') visitTensor(attribute.value);
    else if (attribute.kind === 'graph') visitGraph(attribute.value);
    else if (attribute.kind === 'graphs') attribute.value.forEach(visitGraph);
  };
  const visitNode = (node: Node): void => {
    node.attributes.forEach(visitAttribute);
  };
  const visitGraph = (graph: Graph): void => {
    graph.initializers.forEach(visitTensor);
    graph.nodes.forEach(visitNode);
  };
  visitGraph(model.graph);
  for (const local of model.functions) local.nodes.forEach(visitNode);
  return found;
}

function isExternal(tensor: Tensor): tensor is ExternalTensor {
  return tensor.data.kind === 'external';
}
