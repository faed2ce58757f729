/** Decisions that no statement of a plan made: those with which single layers and chosen sets are tried. */
import type { LayerDecision } from '../types.js';

/** The layer in this format and nothing else said of it; what is beyond the range becomes what the format has for it. */
export function layerInFormat(layer: LayerDecision['layer'], format: LayerDecision['format']): LayerDecision {
  return {
    ...{ layer, wanted: format, format, clamped: undefined },
    ...{ pinned: false, overflow: 'inf', source: undefined },
  };
}
