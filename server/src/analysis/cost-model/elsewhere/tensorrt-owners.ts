/** Which nodes of a model the layers of a TensorRT engine were made of. Knows names; no time. */
import type { Model } from '../../../onnx/index.js';
import { modelFacts, type Layer } from '../../../plan/index.js';
import { namesIn, type ProfiledKernel } from '../../../profiles/index.js';
import type { KernelOwner } from '../../latency/kernel-owners.js';

/** The owner of each kernel; the node with most work stands for all that are fused with it. */
export function tensorRtOwners(
  model: Model,
  layers: readonly Layer[],
  kernels: readonly ProfiledKernel[],
): readonly KernelOwner[] {
  const { index } = modelFacts(model);
  const byName = new Map(model.graph.nodes.map(({ name }, at) => [name, at]));
  const work = new Map(layers.map(({ nodeIndex, multiplyAdds }) => [nodeIndex, 1 + (multiplyAdds ?? 0)]));
  const nodeOf = (name: string): number | undefined =>
    (name === '' ? undefined : byName.get(name)) ?? index.producers.get(name);
  const heaviest = (names: readonly string[]): number | undefined => {
    const nodes = names.flatMap((name) => nodeOf(name) ?? []);
    return nodes.toSorted((a, b) => (work.get(b) ?? 0) - (work.get(a) ?? 0))[0];
  };
  return kernels.map(({ name }): KernelOwner => {
    // A node may be called like that by itself.
    const own = nodeOf(name);
    if (own !== undefined) return { kind: 'node', node: own };
    const parts = namesIn(name);
    if (parts.kind === 'part') {
      const [first, last] = [nodeOf(parts.first), nodeOf(parts.last)];
      if (first === undefined || last === undefined) return { kind: 'unknown' };
      return { kind: 'part', nodes: nodesBetween(model, first, last) };
    }
    const node = heaviest(parts.names);
    if (node === undefined) return { kind: 'unknown' };
    if (parts.kind === 'layer') return { kind: 'node', node };
    return { kind: 'cast', nodes: [node], side: 'readers', own: undefined };
  });
}

/** The nodes on any way from one to the other, both included; all between them in the order of the graph where there is no way. */
function nodesBetween({ graph }: Model, first: number, last: number): readonly number[] {
  const [from, to] = [Math.min(first, last), Math.max(first, last)];
  const after = new Set(graph.nodes[from]?.outputs);
  const ahead: number[] = [from];
  for (let at = from + 1; at <= to; at++) {
    const node = graph.nodes[at];
    if (node?.inputs.some((name) => after.has(name)) !== true) continue;
    for (const name of node.outputs) after.add(name);
    ahead.push(at);
  }
  const before = new Set(graph.nodes[to]?.inputs);
  const found: number[] = ahead.includes(to) ? [to] : [];
  for (const at of ahead.filter((one) => one !== to).reverse()) {
    const node = graph.nodes[at];
    if (node?.outputs.some((name) => before.has(name)) !== true) continue;
    for (const name of node.inputs) before.add(name);
    found.push(at);
  }
  if (found.length > 0) return found;
  return Array.from({ length: to - from + 1 }, (_, step) => from + step);
}
