/**
 * A plan's model as an FP32 model that rounds where the plan says so, and the same for a mixed model that exists.
 * Knows which graph is meant; how roundings are written is in explicit-casts.ts.
 */
import type { Model } from '../onnx/index.js';
import type { PrecisionGraph } from '../plan/index.js';
import { ExplicitCasts } from './explicit-casts.js';
import type { Variant } from './variant.js';

/**
 * The FP32 variant in which every tensor that a low-precision layer reads or writes, weights included, is rounded
 * through `Cast` to the low type and back. Inputs and outputs are the model's; weights stay in its files.
 */
export function emulated(graph: PrecisionGraph): Variant {
  return new ExplicitCasts(graph).variant();
}

/** The same for a model of mixed types as it stands, such as one that was converted. */
export function explicit(model: Model): Variant {
  return emulated(unchanged(model));
}

/** The graph of a plan that decides nothing. */
export function unchanged(model: Model): PrecisionGraph {
  return {
    model,
    decisions: [],
    nodeTypes: model.graph.nodes.map(() => undefined),
    writtenTypes: new Map(),
    readTypes: model.graph.nodes.map(() => []),
    casts: [],
    constants: [],
  };
}
