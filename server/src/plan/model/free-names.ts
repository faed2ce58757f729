/**
 * Names that a model does not use yet: not for a tensor and not for a node, in no graph, sub-graph or function, so
 * that nothing new can be taken for anything old. Knows names only.
 */
import { subgraphsOf, type Graph, type Model, type Node } from '../../onnx/index.js';

/** Gives `wanted` if it is free, otherwise the first free one of `wanted_2`, `wanted_3` ..., and takes it. */
export type TakeName = (wanted: string) => string;

export function freeNames(model: Model): TakeName {
  const taken = new Set<string>();
  takeGraph(model.graph, taken);
  for (const local of model.functions) {
    for (const name of [...local.inputs, ...local.outputs]) taken.add(name);
    for (const node of local.nodes) takeNode(node, taken);
  }
  return (wanted) => {
    let name = wanted;
    for (let count = 2; taken.has(name); count++) name = `${wanted}_${count}`;
    taken.add(name);
    return name;
  };
}

function takeGraph(graph: Graph, taken: Set<string>): void {
  for (const { name } of [...graph.inputs, ...graph.outputs, ...graph.valueInfo]) taken.add(name);
  for (const { name } of graph.initializers) taken.add(name);
  for (const name of graph.sparseInitializers) taken.add(name);
  for (const node of graph.nodes) takeNode(node, taken);
}

function takeNode(node: Node, taken: Set<string>): void {
  taken.add(node.name);
  for (const name of [...node.inputs, ...node.outputs]) taken.add(name);
  for (const { graph } of subgraphsOf(node)) takeGraph(graph, taken);
}
