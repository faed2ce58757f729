/**
 * The cost model of another device, from profiles that were taken there: each layer's time in each format that a profile has it in, and
 * what casts cost there. Runs nothing.
 */
import type { FormatName } from '../../../formats/index.js';
import type { Shape, Steps } from '../../../onnx/index.js';
import type { BoundPlan, LatencySource } from '../../../plan/index.js';
import { fitCastCost } from '../cast-cost.js';
import { layerTime, type CostModel, type LayerCost } from '../cost-model.js';
import { elementsOfShapes, layerWork } from '../layer-work.js';
import { rooflineOf } from '../roofline.js';
import type { NoLatency } from '../../latency/plan-latency.js';
import { mappedProfile, type MappedProfile } from './mapped-profile.js';

/** The profiles of a plan, each with what of it belongs to the plan's layers. */
export function* mappedSources(
  { model, layers }: BoundPlan,
  sources: readonly LatencySource[],
): Steps<readonly MappedSource[]> {
  const found: MappedSource[] = [];
  for (const source of sources) found.push({ source, mapped: yield* mappedProfile(model, layers, source) });
  return found;
}

export interface MappedSource {
  readonly source: LatencySource;
  readonly mapped: MappedProfile;
}

/**
 * The cost model that the profiles give, later ones before earlier ones, and those whose formats nobody knows after all others; or why
 * they give none.
 */
export function* elsewhereCostModel(
  plan: BoundPlan,
  sources: readonly LatencySource[],
  shapes: ReadonlyMap<string, Shape>,
): Steps<CostModel | NoLatency> {
  const { unreadLatencies = [] } = plan;
  if (sources.length === 0) {
    const which = unreadLatencies.join(', ');
    return {
      problem: `nothing can be read of ${which}, from which the plan takes its times, so that none are taken of this machine`,
    };
  }
  const found = yield* mappedSources(plan, sources);
  const isUntold = ({ source }: MappedSource): boolean => source.isUntold === true;
  const inTurn = [...found.filter(isUntold), ...found.filter((one) => !isUntold(one))];
  const profiles = inTurn.map(({ mapped }) => mapped);
  const files = sources.map(({ written }) => written);
  if (profiles.every(({ layers }) => layers.size === 0)) {
    return { problem: `no kernel in ${files.join(', ')} belongs to a layer of this model` };
  }
  const work = layerWork(plan, shapes);
  const layers = new Map<string, LayerCost>();
  for (const { name } of plan.layers) {
    const measured = new Map<FormatName, number>();
    let fusedInto: string | undefined;
    for (const profile of profiles) {
      const own = profile.layers.get(name);
      if (own === undefined) continue;
      measured.set(own.format, own.milliseconds);
      fusedInto = own.fusedInto?.name ?? fusedInto;
    }
    layers.set(name, { measured, work: work.get(name) ?? { multiplyAdds: 0, elements: 0 }, fusedInto });
  }
  const exact = profileMostlyIn(profiles, true);
  const low = profileMostlyIn(profiles, false);
  const roofline = rooflineOf(
    [...layers.values()].flatMap(({ work: own, measured }) => {
      const milliseconds = measured.get('fp32') ?? [...measured.values()][0];
      return milliseconds === undefined ? [] : [{ work: own, milliseconds }];
    }),
    true,
  );
  const castRuns = profiles.flatMap((profile) => profile.castRuns);
  const model: CostModel = {
    ...{ files, layers, roofline, elements: elementsOfShapes(shapes) },
    ...{ misfit: undefined, busy: false, attempts: 1 },
    format: lowFormatsIn(layers)[0],
    // Without a cast to learn from, what moves its bytes as fast as the best layer does, four to an element.
    cast:
      castRuns.length > 0
        ? fitCastCost(castRuns)
        : { perCast: 0, perByte: roofline.elements > 0 ? 1 / (4 * roofline.elements) : 0 },
    castIsEstimated: castRuns.length === 0,
    whole: 0,
    rest: { fp32: restOf(exact ?? low), low: restOf(low ?? exact) },
    unmapped: {
      kernels: [...new Set(profiles.flatMap((profile) => profile.unmappedKernels))],
      milliseconds: (exact ?? low)?.unmapped ?? 0,
    },
  };
  return { ...model, ...(exact === undefined ? estimatedWhole(model) : { whole: exact.whole }) };
}

/** With everything in FP32, where no profile is of that. */
function estimatedWhole(model: CostModel): Pick<CostModel, 'whole' | 'estimatedInWhole'> {
  let [whole, estimatedInWhole] = [model.rest.fp32, 0];
  for (const name of model.layers.keys()) {
    const { milliseconds, by } = layerTime(model, name, 'fp32');
    whole += milliseconds;
    if (by === 'roofline') estimatedInWhole += 1;
  }
  return { whole, estimatedInWhole };
}

/** The last profile that has more time in FP32 than in a low format, or less. */
function profileMostlyIn(profiles: readonly MappedProfile[], isExact: boolean): MappedProfile | undefined {
  return profiles.findLast(({ layers }) => {
    let [exact, low] = [0, 0];
    for (const { format, milliseconds } of layers.values()) {
      if (format === 'fp32') exact += milliseconds;
      else low += milliseconds;
    }
    return exact >= low === isExact;
  });
}

/** What of a run is in no layer and no cast. */
function restOf(profile: MappedProfile | undefined): number {
  if (profile === undefined) return 0;
  const inLayers = [...profile.layers.values()].reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return Math.max(0, profile.whole - inLayers - profile.casts);
}

/** Most layers first. */
function lowFormatsIn(layers: ReadonlyMap<string, LayerCost>): readonly FormatName[] {
  const counts = new Map<FormatName, number>();
  for (const { measured } of layers.values()) {
    for (const format of measured.keys())
      if (format !== 'fp32') counts.set(format, (counts.get(format) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([format]) => format);
}
