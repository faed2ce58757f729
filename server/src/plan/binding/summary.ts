/** How much of a model a set of decisions puts into each format: the figures that every table shows. Pure. */
import type { FormatName } from '../../formats/index.js';
import type { LayerDecision } from '../types.js';

export interface FormatShare {
  readonly layers: number;
  /** Of these, the ones that hold weights. */
  readonly weighted: number;
  readonly multiplyAdds: number;
}

export interface DecisionSummary {
  readonly formats: ReadonlyMap<FormatName | 'original', FormatShare>;
  readonly layers: number;
  readonly weighted: number;
  readonly multiplyAdds: number;
  /** In a format of 16 bits or less. */
  readonly low: FormatShare;
  /** Layers whose multiply-adds are not known, because their shapes are not. */
  readonly unknownMultiplyAdds: number;
}

const NOTHING: FormatShare = { layers: 0, weighted: 0, multiplyAdds: 0 };

/** Counts layers, weighted layers and multiply-adds by format. */
export function summarizeDecisions(decisions: readonly LayerDecision[]): DecisionSummary {
  const formats = new Map<FormatName | 'original', FormatShare>();
  let all = NOTHING;
  let low = NOTHING;
  let unknownMultiplyAdds = 0;
  for (const { layer, format } of decisions) {
    const own: FormatShare = {
      layers: 1,
      weighted: layer.weights.length > 0 ? 1 : 0,
      multiplyAdds: layer.multiplyAdds ?? 0,
    };
    if (layer.multiplyAdds === undefined) unknownMultiplyAdds += 1;
    all = add(all, own);
    if (format !== 'fp32' && format !== 'original') low = add(low, own);
    formats.set(format, add(formats.get(format) ?? NOTHING, own));
  }
  return { formats, ...all, low, unknownMultiplyAdds };
}

function add(a: FormatShare, b: FormatShare): FormatShare {
  return {
    layers: a.layers + b.layers,
    weighted: a.weighted + b.weighted,
    multiplyAdds: a.multiplyAdds + b.multiplyAdds,
  };
}
