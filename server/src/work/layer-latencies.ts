/** How long each layer takes on the plan's target in FP32 and in a low format, as far as that is known: by profiles, or by a cost model. */
import {
  knownCostModel,
  layerTime,
  storedCostModel,
  type CostModel,
  type Results,
} from '../analysis/index.js';
import type { LowFormatName } from '../formats/index.js';
import { isTimedElsewhere, type Layer } from '../plan/index.js';
import type { Work } from './open-work.js';

/** Milliseconds of a layer by itself, casts apart, by format: `fp32` and the low one. */
export interface LayerTimes {
  readonly milliseconds: Readonly<Record<string, number>>;
  /** Not all of them were measured: estimates by the roofline. */
  readonly estimated: boolean;
  /** The layer that does its work, where it has no kernel of its own. */
  readonly fusedInto: string | undefined;
}

/** Where the figures are from, or why there are none. */
export interface Timing {
  readonly target: string;
  /** Undefined where there are figures. */
  readonly reason: string | undefined;
  /** Profiles of another device that the figures come from; undefined for this machine. */
  readonly files?: readonly string[] | undefined;
  /** Root mean square of the relative error on the plans that they were learnt from; undefined for profiles. */
  readonly misfit?: number | undefined;
  /** The machine was busy while they were learnt. */
  readonly busy?: boolean;
}

export interface LayerLatencies {
  readonly timing: Timing;
  readonly of: (layer: Layer) => LayerTimes | undefined;
}

/** @param learns whether the target is timed where nothing is known of it; otherwise nothing is run for it. */
export async function layerLatencies(
  work: Work,
  results: Results,
  format: LowFormatName,
  learns: boolean,
): Promise<LayerLatencies> {
  const { target } = work;
  const costs = await costsOf(work, results, format, learns);
  if (typeof costs === 'string') return { timing: { target, reason: costs }, of: () => undefined };
  const { files, misfit, busy } = costs;
  return {
    timing: { target, reason: undefined, files, misfit, busy },
    of: ({ name }): LayerTimes | undefined => {
      const cost = costs.layers.get(name);
      if (cost === undefined) return undefined;
      const times = (['fp32', format] as const).map((one) => [one, layerTime(costs, name, one)] as const);
      return {
        milliseconds: Object.fromEntries(times.map(([one, { milliseconds }]) => [one, milliseconds])),
        estimated: times.some(([, { by }]) => by === 'roofline'),
        fusedInto: cost.fusedInto,
      };
    },
  };
}

/** Or why there are none. */
async function costsOf(
  work: Work,
  results: Results,
  format: LowFormatName,
  learns: boolean,
): Promise<CostModel | string> {
  const { plan, target } = work;
  if (learns || isTimedElsewhere(plan)) {
    const found = await knownCostModel(results, plan, format, work);
    return 'problem' in found ? found.problem : found;
  }
  if (target !== 'cpu' && target !== 'webgpu') return `layers are timed on cpu and webgpu, not on ${target}`;
  const stored = await storedCostModel(results, plan, format, work);
  return stored ?? `this model has not been timed on ${target} yet: --latency does it, and so does predict`;
}
