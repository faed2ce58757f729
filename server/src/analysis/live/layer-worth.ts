/**
 * What numbers tell of each layer whatever a plan decides: which ones nobody would notice in the low format, which ones lose
 * time in it, which ones do next to no work. Found once for the numbers, in an order that decisions need only pick from,
 * since findings are asked for at every keystroke. Layers go by their position among the plan's. Pure.
 */
import { isStep, type Steps } from '../../onnx/index.js';
import { allowsFormat, type BoundPlan, type Layer } from '../../plan/index.js';
import { readLosses, UNDERFLOW_SHARE } from '../ranges/ranges.js';
import { LastFound } from './last-found.js';
import type { LatencyNumbers, LayerLatencyNumbers, PlanNumbers } from './numbers.js';

/** What a layer alone may use of a tolerance for nobody to notice. */
const UNNOTICED = 0.01;
/** Slower than this many times FP32 is slower for sure, where it is also this share of a whole run. */
const SLOWER = 1.1;
const NOTICED = 0.005;
/** Next to no work: at most this share of the model's multiply-adds. */
const LITTLE_WORK = 1e-3;

export interface UnnoticedLayer {
  readonly at: number;
  /** Of a tolerance. */
  readonly share: number;
}

export interface UnnoticedLayers {
  readonly leastFirst: readonly UnnoticedLayer[];
  readonly positions: ReadonlySet<number>;
}

const unnoticed = new LastFound<PlanNumbers['sensitivity'], UnnoticedLayers>();
const slower = new LastFound<LatencyNumbers, readonly number[]>();
const light = new LastFound<readonly Layer[], readonly boolean[]>();

/** The layers that nobody would notice in the low format, and that can run in it. */
export function unnoticedSteps({ model, layers }: BoundPlan, numbers: PlanNumbers): Steps<UnnoticedLayers> {
  const { sensitivity, ranges, format } = numbers;
  return unnoticed.steps(sensitivity, [layers, ranges, format], function* () {
    const found: UnnoticedLayer[] = [];
    for (const [at, layer] of layers.entries()) {
      if (isStep(at)) yield;
      const known = sensitivity.get(layer.name);
      if (known?.method !== 'measured' || (known.share ?? 1) > UNNOTICED) continue;
      const range = ranges.get(layer.name);
      if (range === undefined || range.overflow > 0 || range.underflow > UNDERFLOW_SHARE) continue;
      if (readLosses(range).length > 0) continue;
      if (allowsFormat(model, layer, format)) found.push({ at, share: known.share ?? 0 });
    }
    return {
      leastFirst: found.toSorted((a, b) => a.share - b.share),
      positions: new Set(found.map(({ at }) => at)),
    };
  });
}

/** The layers that take longer in the plan's low format with their casts, the ones that lose most first. */
export function slowerSteps({ layers }: BoundPlan, latency: LatencyNumbers): Steps<readonly number[]> {
  return slower.steps(latency, [layers], function* () {
    const found: { readonly at: number; readonly lost: number }[] = [];
    for (const [at, { name }] of layers.entries()) {
      if (isStep(at)) yield;
      const time = latency.layers.get(name);
      // The time of what is fused with others stands with them.
      if (time === undefined || isFused(time)) continue;
      const lost = time.plan + time.casts - time.fp32;
      if (time.plan + time.casts > SLOWER * time.fp32 && lost > NOTICED * latency.whole.fp32) {
        found.push({ at, lost });
      }
    }
    return found.toSorted((a, b) => b.lost - a.lost).map(({ at }) => at);
  });
}

function isFused({ fusedInto }: LayerLatencyNumbers): boolean {
  return fusedInto.fp32 !== undefined || fusedInto.plan !== undefined;
}

/** By position: whether the layer is known to do next to nothing of the model's work. */
export function lightSteps({ layers }: BoundPlan): Steps<readonly boolean[]> {
  return light.steps(layers, [], function* () {
    const total = layers.reduce((sum, { multiplyAdds }) => sum + (multiplyAdds ?? 0), 0);
    yield;
    return layers.map(
      ({ multiplyAdds }) => multiplyAdds !== undefined && total > 0 && multiplyAdds <= LITTLE_WORK * total,
    );
  });
}
