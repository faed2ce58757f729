/**
 * The set of layers that costs least in the low format, casts at its borders included, errors left aside: a minimum s-t cut. A cast is
 * shared by all readers of a tensor, so each tensor has two auxiliary vertices. Nodes that only move values have no price and follow
 * their neighbours. Knows prices; no error and no run.
 */
import { isStep, type Steps } from '../onnx/index.js';
import { FlowNetwork, layerNeighbours, UNCUTTABLE, type BoundPlan, type Layer } from '../plan/index.js';
import type { Prices } from './prices.js';

/** Capacities are whole numbers up to about this, so that flows are exact. */
const FINEST = 2 ** 30;

/**
 * Of `candidates` those that are low where everything is as cheap as can be. The other layers stay as the plan has them if they are
 * pinned, and in the format of the model otherwise. A few layers at a time.
 */
export function* cheapestSet(
  plan: BoundPlan,
  candidates: ReadonlySet<Layer>,
  prices: Prices,
  format: string,
): Steps<ReadonlySet<Layer>> {
  const neighbours = layerNeighbours(plan.model);
  yield;
  const decisions = plan.decisions.filter(({ layer }) => neighbours.has(layer.nodeIndex));
  const costs = decisions.map(({ layer }) => ({
    exact: prices.layer(layer, false),
    low: prices.layer(layer, true),
    written: prices.cast(layer.node.outputs.find((name) => name !== '') ?? ''),
    read: prices.cast(layer.node.inputs[0] ?? ''),
  }));
  const total = costs.reduce((sum, one) => sum + one.exact + one.low + one.written + one.read, 0);
  if (!(total > 0)) return new Set();
  const capacity = (price: number): number => Math.round((price / total) * FINEST);
  const network = new FlowNetwork();
  const [source, sink] = [network.addVertex(), network.addVertex()];
  const vertices = new Map(decisions.map(({ layer }) => [layer.nodeIndex, network.addVertex()]));
  for (const [index, { layer, pinned, format: decided }] of decisions.entries()) {
    if (isStep(index)) yield;
    const own = vertices.get(layer.nodeIndex) ?? source;
    const cost = costs[index];
    const around = neighbours.get(layer.nodeIndex);
    if (cost === undefined || around === undefined) continue;
    // On the source's side a layer is low.
    if (pinned && decided === format) network.addEdge(source, own, UNCUTTABLE);
    else if (!candidates.has(layer) || !prices.isKnown(layer)) network.addEdge(own, sink, UNCUTTABLE);
    network.addEdge(own, sink, capacity(cost.low));
    network.addEdge(source, own, capacity(cost.exact));
    if (around.readsBorder) network.addEdge(own, sink, capacity(cost.read));
    const written = capacity(cost.written);
    const [someReadsExact, someReadsLow] = [network.addVertex(), network.addVertex()];
    network.addEdge(own, someReadsExact, written);
    network.addEdge(someReadsLow, own, written);
    if (around.feedsBorder) network.addEdge(someReadsExact, sink, UNCUTTABLE);
    for (const reader of new Set(around.after)) {
      const vertex = vertices.get(reader);
      if (vertex === undefined) continue;
      network.addEdge(someReadsExact, vertex, UNCUTTABLE);
      network.addEdge(vertex, someReadsLow, UNCUTTABLE);
    }
  }
  const { sourceSide } = yield* network.cutSteps(source, sink);
  return new Set(
    decisions.flatMap(({ layer }) => {
      const vertex = vertices.get(layer.nodeIndex);
      return vertex !== undefined && sourceSide[vertex] === true && candidates.has(layer) ? [layer] : [];
    }),
  );
}
