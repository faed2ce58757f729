/** Which files of external data a model names. Opens none of them. */
import type { Attribute, Graph, Model, Node, Tensor } from './model.js';

/** The files of external data that a model names, sub-graphs and functions included. */
export function externalLocations(model: Model): ReadonlySet<string> {
  const found = new Set<string>();
  const visitTensor = ({ data }: Tensor): void => {
    if (data.kind === 'external') found.add(data.location);
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
