/**
 * The names by which other tools know the nodes of layers: those in the model's file, of which several nodes may have the
 * same and some none, where a plan has one for each layer. Knows no tool.
 */
import type { Layer, TracedPlan } from '../plan/index.js';

/** Layers by the name of their node, those without a name under the empty text. */
export function layersByNode(plan: TracedPlan): ReadonlyMap<string, readonly Layer[]> {
  const byName = new Map<string, Layer[]>();
  for (const layer of plan.layers) {
    const sharing = byName.get(layer.node.name);
    if (sharing === undefined) byName.set(layer.node.name, [layer]);
    else sharing.push(layer);
  }
  return byName;
}

/** The same, with what a node without a name writes first in the place of its name. */
export function layersByNodeOrOutput(plan: TracedPlan): ReadonlyMap<string, readonly Layer[]> {
  const byName = new Map<string, Layer[]>();
  for (const layer of plan.layers) {
    const name = nodeOrOutput(layer);
    byName.set(name, [...(byName.get(name) ?? []), layer]);
  }
  return byName;
}

export function nodeOrOutput({ node }: Layer): string {
  return node.name === '' ? (node.outputs.find((output) => output !== '') ?? '') : node.name;
}

/** Whether the model has a node of that name that is no layer: it has no format of its own, and nothing is lost with it. */
export function isOtherNode({ model }: TracedPlan, name: string): boolean {
  return model.graph.nodes.some((node) => node.name === name);
}
