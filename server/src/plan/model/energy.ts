/**
 * The energy of a plan's arithmetic, by operation counts: multiply-adds of each layer in its format, and a conversion of each number that
 * a cast gives another type. Figures of one process (`formats/arithmetic-energy`); what moving data takes is not in them. Pure.
 */
import { CAST_ENERGY, multiplyAddEnergy, type FormatName } from '../../formats/index.js';
import type { LayerDecision, PrecisionGraph } from '../types.js';

/** Microjoules of one inference. */
export interface PlanEnergy {
  /** With every layer in FP32. */
  readonly fp32: number;
  /** Under the plan, casts included. */
  readonly plan: number;
  readonly casts: number;
  /** Layers whose multiply-adds are not known, which are not in the sums. */
  readonly unknown: number;
}

const PICO_TO_MICRO = 1e-6;

/** Microjoules of one layer, in FP32 and as it is decided; undefined where its multiply-adds are not known. */
export function layerEnergy({
  layer,
  format,
}: Pick<LayerDecision, 'layer' | 'format'>): { readonly fp32: number; readonly plan: number } | undefined {
  const { multiplyAdds } = layer;
  if (multiplyAdds === undefined) return undefined;
  const own: FormatName = format === 'original' ? 'fp32' : format;
  return {
    fp32: multiplyAdds * multiplyAddEnergy('fp32') * PICO_TO_MICRO,
    plan: multiplyAdds * multiplyAddEnergy(own) * PICO_TO_MICRO,
  };
}

/** Microjoules of casts of so many numbers. */
export function castEnergy(elements: number): number {
  return elements * CAST_ENERGY * PICO_TO_MICRO;
}

/** @param elements of each tensor that is cast, by its id; those that are not known count as none */
export function planEnergy(
  graph: PrecisionGraph,
  elements: (tensor: string) => number | undefined,
): PlanEnergy {
  let [fp32, inLayers, unknown] = [0, 0, 0];
  for (const decision of graph.decisions) {
    const own = layerEnergy(decision);
    if (own === undefined) {
      unknown += 1;
      continue;
    }
    fp32 += own.fp32;
    inLayers += own.plan;
  }
  const casts = graph.casts.reduce((sum, { tensor }) => sum + castEnergy(elements(tensor) ?? 0), 0);
  return { fp32, plan: inLayers + casts, casts, unknown };
}
