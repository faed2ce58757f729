/** The latency of a plan's layers by a cost model, as the same data as what is timed here. Pure. */
import type { BoundPlan, PrecisionGraph, TensorCast } from '../../plan/index.js';
import { elementBits } from '../../onnx/index.js';
import { bytesOfCast, castTime } from '../cost-model/cost-model.js';
import { layerTime, predictedLatency, type CostModel } from '../cost-model/index.js';
import type { LatencyNumbers, LayerLatencyNumbers } from './numbers.js';

/** What the plan takes by `costs`; nothing of it was run, and no figure has a spread. */
export function latencyByCosts(plan: BoundPlan, costs: CostModel, graph: PrecisionGraph): LatencyNumbers {
  const castsAt = castsByNode(costs, graph);
  const estimated = new Set<string>();
  const layers = new Map<string, LayerLatencyNumbers>();
  for (const { layer, format } of plan.decisions) {
    const cost = costs.layers.get(layer.name);
    if (cost === undefined) continue;
    const own = layerTime(costs, layer.name, format);
    const exact = layerTime(costs, layer.name, 'fp32');
    if (own.by === 'roofline' || exact.by === 'roofline') estimated.add(layer.name);
    layers.set(layer.name, {
      fp32: exact.milliseconds,
      plan: own.milliseconds,
      casts: castsAt.get(layer.nodeIndex) ?? 0,
      fusedInto: { fp32: cost.fusedInto, plan: cost.fusedInto },
    });
  }
  const { whole, inLayers, inCasts } = predictedLatency(costs, graph);
  const inTheirLayers = [...layers.values()].reduce((sum, { casts }) => sum + casts, 0);
  const both = { fp32: costs.whole, plan: whole };
  const exactLayers = [...layers.values()].reduce((sum, { fp32 }) => sum + fp32, 0);
  const unmapped = { fp32: costs.unmapped.milliseconds, plan: costs.unmapped.milliseconds };
  return {
    layers,
    ...{ whole: both, p10: both, p90: both, unmapped },
    // Casts of what only moves values are no layer's.
    others: { fp32: 0, plan: inCasts - inTheirLayers },
    outside: {
      fp32: costs.whole - exactLayers - unmapped.fp32,
      plan: whole - inLayers - inCasts - unmapped.plan,
    },
    notes: [
      ...(costs.castIsEstimated && graph.casts.length > 0
        ? [`no profile has a cast: what ${graph.casts.length} of them take is estimated from their bytes`]
        : []),
    ],
    ...(costs.files === undefined ? {} : { files: costs.files }),
    estimated,
  };
}

/** Milliseconds of casts by the node on whose account they are: the one that is in the narrow format. */
function castsByNode(costs: CostModel, graph: PrecisionGraph): ReadonlyMap<number, number> {
  const layerNodes = new Set(graph.decisions.map(({ layer }) => layer.nodeIndex));
  const writers = new Map<string, number>();
  for (const [at, { outputs }] of graph.model.graph.nodes.entries()) {
    for (const name of outputs) writers.set(name, at);
  }
  const found = new Map<number, number>();
  for (const cast of graph.casts) {
    const time = castTime(costs, 1, bytesOfCast(costs, cast));
    const nodes = ownersOf(cast, writers).filter((node) => layerNodes.has(node));
    for (const node of nodes) found.set(node, (found.get(node) ?? 0) + time / nodes.length);
  }
  return found;
}

function ownersOf({ tensor, from, to, readers }: TensorCast, writers: ReadonlyMap<string, number>): number[] {
  const narrows = (elementBits(to) ?? 0) < (elementBits(from) ?? 0);
  const writer = writers.get(tensor);
  if (!narrows && writer !== undefined) return [writer];
  return [...new Set(readers.map(({ node }) => node))];
}
