/**
 * The order in which layers are given up to low precision: least harm per gain first. The gain is what the
 * objective counts; the harm is a squared error, so that harms of several layers may be thought of as a sum.
 */
import { tensorByteLength } from '../onnx/index.js';
import type { Layer } from '../plan/index.js';
import type { Prices } from './prices.js';

export const OBJECTIVE_NAMES = ['latency', 'macs', 'size', 'energy', 'layers'] as const;
export type Objective = (typeof OBJECTIVE_NAMES)[number];

export interface Candidate {
  readonly layer: Layer;
  /** Relative error that the ranking goes by; infinite values come last. */
  readonly error: number;
}

/**
 * What low precision in `layer` gains: multiply-adds, bytes of weights saved, or one layer; and by `prices` what it saves of
 * time or energy, less than nothing where it costs.
 */
export function gain(layer: Layer, objective: Objective, prices?: Prices): number {
  switch (objective) {
    case 'latency':
    case 'energy':
      return prices === undefined ? 0 : prices.layer(layer, false) - prices.layer(layer, true);
    case 'macs':
      return layer.multiplyAdds ?? 0;
    case 'size':
      return layer.weights.reduce((sum, weight) => sum + (tensorByteLength(weight) ?? 0), 0) / 2;
    case 'layers':
      return 1;
  }
}

/**
 * Sorts candidates by squared error per gain. A layer without a gain of its own still saves casts beside its
 * neighbours, so every layer counts for at least a hundredth of the mean gain. Ties keep graph order.
 */
export function rank(candidates: readonly Candidate[], objective: Objective, prices?: Prices): Layer[] {
  const gains = candidates.map(({ layer }) => Math.max(0, gain(layer, objective, prices)));
  const mean = gains.reduce((sum, one) => sum + one, 0) / Math.max(1, gains.length);
  const floor = mean > 0 ? mean / 100 : 1;
  const cost = candidates.map(({ error }, index) => (error * error) / Math.max(gains[index] ?? 0, floor));
  return candidates
    .map(({ layer }, index) => ({ layer, cost: cost[index] ?? Number.POSITIVE_INFINITY }))
    .toSorted((a, b) => (a.cost === b.cost ? a.layer.nodeIndex - b.layer.nodeIndex : a.cost - b.cost))
    .map(({ layer }) => layer);
}
