/** What a plan costs by objectives that have casts in them: time and energy. Arithmetic only; knows no way to choose. */
import type { LowFormatName } from '../formats/index.js';
import { layerTime, predictedLatency, type CostModel } from '../analysis/index.js';
import { castEnergy, layerEnergy, planEnergy, type Layer, type PrecisionGraph } from '../plan/index.js';

export interface Prices {
  /** Of the layer by itself. */
  layer(layer: Layer, isLow: boolean): number;
  /** Of a cast of what a layer writes or reads, by the tensor's name. */
  cast(tensor: string): number;
  /** Of a whole plan. */
  total(graph: PrecisionGraph): number;
  /** Layers that may be worth something at all. */
  isKnown(layer: Layer): boolean;
}

/** Milliseconds by a cost model. */
export function latencyPrices(costs: CostModel, format: LowFormatName): Prices {
  return {
    layer: ({ name }, isLow) => layerTime(costs, name, isLow ? format : 'fp32').milliseconds,
    cast: (tensor) => {
      // FP32 on one side, the low format on the other: six bytes an element for 16 bits.
      const bytes = (costs.elements.get(tensor) ?? 0) * BYTES_OF_CAST;
      const beside = costs.besideCastOf?.get(tensor) ?? 0;
      // Where layers are quicker beside a cast it may be worth something; to whoever looks for borders it costs nothing then.
      return Math.max(0, costs.cast.perCast + costs.cast.perByte * bytes + beside);
    },
    total: (graph) => predictedLatency(costs, graph).whole,
    isKnown: ({ name }) => costs.layers.has(name),
  };
}

const BYTES_OF_CAST = 6;

/** Microjoules by operation counts. */
export function energyPrices(
  elements: (tensor: string) => number | undefined,
  format: LowFormatName,
): Prices {
  return {
    layer: (layer, isLow) => {
      const decided = { layer, format: isLow ? format : 'fp32' } as const;
      return layerEnergy(decided)?.plan ?? 0;
    },
    cast: (tensor) => castEnergy(elements(tensor) ?? 0),
    total: (graph) => planEnergy(graph, elements).plan,
    isKnown: ({ multiplyAdds }) => multiplyAdds !== undefined,
  };
}
