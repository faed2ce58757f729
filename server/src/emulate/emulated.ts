/**
 * A plan's model as an FP32 model that rounds where the plan says so, and the same for a mixed model that exists.
 * Knows which graph is meant; how roundings are written is in explicit-casts.ts.
 */
import { finish, type Model, type Steps, type Variant } from '../onnx/index.js';
import type { PrecisionGraph } from '../plan/index.js';
import { ExplicitCasts } from './explicit-casts.js';

/**
 * The FP32 variant in which every tensor that a low-precision layer reads or writes, weights included, is rounded
 * through `Cast` to the low type and back. Inputs and outputs are the model's; weights stay in its files.
 */
export function emulated(graph: PrecisionGraph): Variant {
  return finish(emulatedSteps(graph));
}

/** The same, a few nodes at a time. */
export function* emulatedSteps(graph: PrecisionGraph): Steps<Variant> {
  return yield* (yield* ExplicitCasts.of(graph)).variant();
}

/** The same with other tensors of the main graph instead of the model's outputs. */
export function* emulatedTensorsSteps(graph: PrecisionGraph, tensors: readonly string[]): Steps<Variant> {
  return yield* (yield* ExplicitCasts.of(graph)).variant(tensors);
}

/** The same for a model of mixed types as it stands, such as one that was converted. */
export function explicit(model: Model): Variant {
  return finish(explicitSteps(model));
}

/** The same, a few nodes at a time. */
export function explicitSteps(model: Model): Steps<Variant> {
  return emulatedSteps(unchanged(model));
}

/** The graph of a plan that decides nothing. */
export function unchanged(model: Model): PrecisionGraph {
  return {
    model,
    decisions: [],
    nodeTypes: [],
    writtenTypes: new Map(),
    readTypes: [],
    outputTypes: [],
    casts: [],
    constants: [],
    roundings: new Map(),
    quantizations: new Map(),
  };
}
