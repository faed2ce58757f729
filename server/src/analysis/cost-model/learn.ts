/**
 * The cost model of this machine, learnt from profiles of a few plans and kept; or the one that a plan's `latency from` gives, for which
 * nothing is run. Knows one low format.
 */
import type { FormatName } from '../../formats/index.js';
import type { Shape } from '../../onnx/index.js';
import {
  allowedFormats,
  inferredShapes,
  isTimedElsewhere,
  precisionGraphSteps,
  type BoundPlan,
  type LayerDecision,
  type PrecisionGraph,
} from '../../plan/index.js';
import { circumstanceOf, RuntimeFailure, type Provider } from '../../runtime/index.js';
import { quantile } from '../latency/benchmark.js';
import { elsewhereCostModel } from './elsewhere/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { RUNS_OF_LAYERS, type LayerLatency } from '../latency/layer-latency.js';
import { machine, WIDE_SPREAD } from '../latency/machine.js';
import { observedShapes } from '../sessions/observed-shapes.js';
import { planLatency, untimed, type NoLatency } from '../latency/plan-latency.js';
import type { Recipe, Results } from '../remembered.js';
import { targetRecipe } from '../targets/target-recipe.js';
import { moreBesideCasts, nodesBesideCasts, type RunOfLayer } from './beside-casts.js';
import { fitCastCost, type CastRun } from './cast-cost.js';
import { castsOf, fitsBadly, predictedLatency, type CostModel, type LayerCost } from './cost-model.js';
import { elementsOfShapes, layerWork } from './layer-work.js';
import { rooflineOf, type LayerWork } from './roofline.js';

export interface CostModelOptions extends WorkOptions {
  readonly threads: number;
  /** `cpu` if left out. */
  readonly target?: Provider | undefined;
}

/** Raised when a change of the code changes what a cost model is. */
const VERSION = 6;

/**
 * The cost model of the plan's model in `format`: from the plan's own profiles where it names some, otherwise of the target on this
 * machine, as far as the store does not know it. A format that cannot be timed here has its times by the roofline.
 */
export async function knownCostModel(
  results: Results,
  plan: BoundPlan,
  format: FormatName,
  options: CostModelOptions,
): Promise<CostModel | NoLatency> {
  if (isTimedElsewhere(plan)) {
    const { latencySources = [] } = plan;
    const shapes = await shapesOf(results, plan, options);
    return await inSlices(elsewhereCostModel(plan, latencySources, shapes));
  }
  return await costModelHere(results, plan, format, options, isSettled);
}

/**
 * The cost model of the target on this machine, whatever a plan's profiles say: as it is kept, however well it fits, or learnt where there
 * is none and `whyNot` has nothing against that.
 */
export async function keptOrLearntCostModel(
  results: Results,
  plan: BoundPlan,
  format: FormatName,
  options: CostModelOptions,
  whyNot: () => string | undefined,
): Promise<CostModel | NoLatency> {
  return await costModelHere(results, plan, format, options, () => true, whyNot);
}

/** `suffices`: whether what is kept is good enough not to be learnt anew. */
async function costModelHere(
  results: Results,
  plan: BoundPlan,
  format: FormatName,
  options: CostModelOptions,
  suffices: (known: CostModel) => boolean,
  whyNot: () => string | undefined = () => undefined,
): Promise<CostModel | NoLatency> {
  const { target = 'cpu' } = options;
  if (target !== 'cpu' && target !== 'webgpu') {
    return { problem: `layers are timed on cpu and webgpu, not on ${target}` };
  }
  const timed = timedFormat(format);
  const recipe = await recipeOf(results, plan, timed, options);
  const known = (await results.find('cost-model', recipe)) as CostModel | undefined;
  if (known !== undefined && suffices(known)) return known;
  const problem = whyNot();
  if (problem !== undefined) return { problem };
  const shapes = await shapesOf(results, plan, options);
  const learnt = await learnCostModel(results, plan, timed, shapes, options);
  if (!('problem' in learnt)) {
    const better = known !== undefined && fitsBetter(known, learnt) ? known : learnt;
    const kept = { ...better, attempts: (known?.attempts ?? 0) + (learnt.busy ? 0 : 1) };
    await results.keep('cost-model', recipe, kept);
    return kept;
  }
  // What a busy machine taught, or fits badly, is better than nothing, and learnt anew when it is asked for again.
  if (timed === 'fp16' || known?.format === timed) return known ?? learnt;
  // Where there are no kernels of BF16, FP32 is timed beside FP16, and BF16 is what the roofline makes of it. Kept as the model of
  // BF16, too: what cannot be timed is not tried again, unless it may go well another time.
  const ofFp16 = await costModelHere(results, plan, 'fp16', options, suffices);
  if (!('problem' in ofFp16) && learnt.mayPass !== true) await results.keep('cost-model', recipe, ofFp16);
  return ofFp16;
}

/** The same as far as it was learnt on this machine before; nothing is run. */
export async function storedCostModel(
  results: Results,
  plan: BoundPlan,
  format: FormatName,
  options: Pick<CostModelOptions, 'threads' | 'target' | 'signal'>,
): Promise<CostModel | undefined> {
  const recipe = await recipeOf(results, plan, timedFormat(format), options);
  return (await results.find('cost-model', recipe)) as CostModel | undefined;
}

/** Runs of a model that are made where a cost model is learnt, about: of five plans, each beside the original, with and without a profile. */
export const LEARNING_RUNS = 5 * 2 * 2 * RUNS_OF_LAYERS;

/** A model that does not follow this machine however often it is learnt is not learnt for ever. */
const MOST_ATTEMPTS = 3;

function isSettled(known: CostModel): boolean {
  return !known.busy && (!fitsBadly(known) || known.attempts >= MOST_ATTEMPTS);
}

function fitsBetter(one: CostModel, other: CostModel): boolean {
  return one.busy === other.busy ? !one.busy && (one.misfit ?? 0) < (other.misfit ?? 0) : other.busy;
}

function timedFormat(format: FormatName): 'fp16' | 'bf16' {
  return format === 'bf16' ? 'bf16' : 'fp16';
}

async function recipeOf(
  { runtime }: Results,
  { targets }: BoundPlan,
  format: 'fp16' | 'bf16',
  { threads, target = 'cpu', signal }: Pick<CostModelOptions, 'threads' | 'target' | 'signal'>,
): Promise<Recipe> {
  const options = targets.find(({ name }) => name === target)?.options;
  const ofTarget = targetRecipe(await runtime.information(signal), target, options);
  return { ...ofTarget, format, threads, machine: machine(), version: VERSION };
}

/** A plan that was profiled beside the original. */
interface ProfiledPlan {
  readonly latency: LayerLatency;
  readonly graph: PrecisionGraph;
}

/**
 * Profiles five plans: everything low, shorter and longer runs of layers, and half of the graph. Single layers are left out: casts round
 * each of them are removed in pairs by the runtime, and tell nothing of those that stay.
 */
async function learnCostModel(
  results: Results,
  plan: BoundPlan,
  format: 'fp16' | 'bf16',
  shapes: ReadonlyMap<string, Shape>,
  options: CostModelOptions,
): Promise<CostModel | (NoLatency & { readonly mayPass?: boolean })> {
  const [sample] = results.samples;
  if (sample === undefined) return { problem: 'there is no sample to time it with' };
  const half = plan.layers.length / 2;
  const choices: readonly ((place: number) => boolean)[] = [
    () => true,
    (place) => Math.floor(place / 3) % 2 === 0,
    (place) => Math.floor(place / 7) % 2 === 1,
    (place) => Math.floor(place / 17) % 2 === 0,
    (place) => place < half,
  ];
  const profiles: ProfiledPlan[] = [];
  for (const [at, isLow] of choices.entries()) {
    // Of all plans together: the same runs five times over would tell nobody how far it is.
    const progress: WorkOptions['progress'] = (done, total) =>
      options.progress?.(at * total + done, choices.length * total, 'cost model');
    const decisions = plan.decisions.map((one, place) => inFormat(plan, one, format, isLow(place)));
    try {
      const latency = await planLatency(results.runtime, { ...plan, decisions }, sample, {
        ...options,
        progress,
      });
      if ('problem' in latency) return latency;
      profiles.push({ latency, graph: await graphOf(plan, decisions) });
    } catch (error) {
      const problem = untimed(error);
      if (problem === undefined) throw error;
      return { problem, mayPass: mayPass(error) };
    }
  }
  const computesFaster = (options.target ?? 'cpu') !== 'cpu';
  return fitted(profiles, { format, computesFaster, shapes, work: layerWork(plan, shapes) });
}

/** Whether what failed may go well another time: a process that died, a lost device, or memory that was short. */
function mayPass(error: unknown): boolean {
  return error instanceof RuntimeFailure && (error.kind === 'crashed' || circumstanceOf(error) !== undefined);
}

async function shapesOf(
  { runtime, samples: [sample] }: Results,
  plan: BoundPlan,
  options: WorkOptions,
): Promise<ReadonlyMap<string, Shape>> {
  const inferred = inferredShapes(plan);
  const isKnown = (name: string): boolean =>
    inferred.get(name)?.every((size) => typeof size === 'number') ?? false;
  const outputs = plan.layers.flatMap(({ node }) => node.outputs.filter((name) => name !== ''));
  if (sample === undefined || outputs.every(isKnown)) return inferred;
  return new Map([...inferred, ...(await observedShapes(runtime, plan.model, sample, options))]);
}

function inFormat(
  { model }: BoundPlan,
  decision: LayerDecision,
  format: 'fp16' | 'bf16',
  isLow: boolean,
): LayerDecision {
  const lowered = isLow && allowedFormats(model, decision.layer).includes(format);
  // Nothing is judged here: what lies beyond the range takes as long as what does not.
  return {
    ...decision,
    ...{ wanted: format, format: lowered ? format : 'original', overflow: 'inf', numerics: undefined },
  };
}

async function graphOf(plan: BoundPlan, decisions: readonly LayerDecision[]): Promise<PrecisionGraph> {
  return await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, decisions));
}

/** What a model is fitted to beside profiles. */
interface FittingParts {
  readonly format: 'fp16' | 'bf16';
  readonly computesFaster: boolean;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly work: ReadonlyMap<string, LayerWork>;
}

/** Fits a cost model to profiles of plans, the first of which has everything low. */
function fitted(
  profiles: readonly ProfiledPlan[],
  { format, computesFaster, shapes, work }: FittingParts,
): CostModel {
  const whole = median(profiles.map(({ latency }) => latency.whole.fp32));
  // The original is in every profile; each is scaled to the same speed of the machine, runs by runs and kernels by kernels.
  const scales = profiles.map(({ latency }) => whole / latency.whole.fp32);
  const kernels = profiles.map(({ latency }) => inKernels(latency));
  const ofKernels = kernels.map((own) => median(kernels) / own);
  const exact = new Map<string, number[]>();
  for (const [index, { latency }] of profiles.entries()) {
    for (const { layer, fp32 } of latency.layers) {
      const times = exact.get(layer.name);
      if (times === undefined) exact.set(layer.name, [fp32 * (ofKernels[index] ?? 1)]);
      else times.push(fp32 * (ofKernels[index] ?? 1));
    }
  }
  const [lowest] = profiles;
  const layers = new Map<string, LayerCost>();
  const amongLike = new Map<string, ReadonlyMap<FormatName, number>>();
  for (const { layer, plan, casts, fusedInto } of lowest?.latency.layers ?? []) {
    const fp32 = median(exact.get(layer.name) ?? []);
    const low = plan * (ofKernels[0] ?? 1);
    amongLike.set(
      layer.name,
      new Map([
        ['fp32' as const, fp32],
        [format, low],
      ]),
    );
    layers.set(layer.name, {
      // With everything low what casts are left are those that a runtime without kernels puts round the layer.
      measured: new Map([
        ['fp32' as const, fp32],
        [format, low + casts * (ofKernels[0] ?? 1)],
      ]),
      work: work.get(layer.name) ?? { multiplyAdds: 0, elements: 0 },
      fusedInto: fusedInto.fp32?.name,
    });
  }
  const more = moreBesideCasts(runsBesideCasts(profiles, { format, amongLike, ofKernels, work }));
  const besideCastOf = new Map<string, number>();
  for (const { layer } of lowest?.latency.layers ?? []) {
    const cost = layers.get(layer.name);
    if (cost === undefined) continue;
    const own = { name: layer.name, operator: layer.node.opType, elements: cost.work.elements };
    const besideCasts = new Map((['fp32', format] as const).map((one) => [one, more(own, one)]));
    layers.set(layer.name, { ...cost, besideCasts });
    const mean = [...besideCasts.values()].reduce((total, one) => total + one, 0) / besideCasts.size;
    for (const tensor of new Set([...layer.node.inputs, ...layer.node.outputs]))
      besideCastOf.set(tensor, (besideCastOf.get(tensor) ?? 0) + mean);
  }
  const sum = (of: FormatName): number =>
    [...layers.values()].reduce((total, { measured }) => total + (measured.get(of) ?? 0), 0);
  const wholeLow = (lowest?.latency.whole.plan ?? 0) * (scales[0] ?? 1);
  const free: CostModel = {
    ...{ files: undefined, format, layers, elements: elementsOfShapes(shapes), whole },
    ...{ misfit: undefined, attempts: 1 },
    busy: profiles.some(({ latency }) => isBusy(latency)),
    roofline: rooflineOf(
      [...layers.values()].map((one) => ({ work: one.work, milliseconds: one.measured.get('fp32') ?? 0 })),
      computesFaster,
    ),
    cast: { perCast: 0, perByte: 0 },
    besideCastOf,
    castIsEstimated: false,
    rest: {
      fp32: Math.max(0, whole - sum('fp32')),
      low: Math.max(0, wholeLow - sum(format)),
    },
    unmapped: {
      kernels: lowest?.latency.unmappedKernels ?? [],
      milliseconds: lowest?.latency.unmapped.fp32 ?? 0,
    },
  };
  const measured = profiles.map(({ latency }, index) => latency.whole.plan * (scales[index] ?? 1));
  const runs = profiles.map(({ graph }, index): CastRun => {
    const milliseconds = (measured[index] ?? 0) - predictedLatency(free, graph).whole;
    return { ...castsOf(free, graph), milliseconds };
  });
  const model = { ...free, cast: fitCastCost(runs) };
  const errors = profiles.map(
    ({ graph }, index) => predictedLatency(model, graph).whole / (measured[index] ?? 1) - 1,
  );
  const misfit = Math.sqrt(errors.reduce((total, one) => total + one * one, 0) / Math.max(1, errors.length));
  return { ...model, misfit };
}

/** Layers of `profiles` beside casts, with what they took more than in plans where all layers around them have their format. */
function runsBesideCasts(
  profiles: readonly ProfiledPlan[],
  {
    format,
    amongLike,
    ofKernels,
    work,
  }: Pick<FittingParts, 'format' | 'work'> & {
    /** Milliseconds of kernels by layer and format. */
    readonly amongLike: ReadonlyMap<string, ReadonlyMap<FormatName, number>>;
    /** By profile: what makes its kernels as fast as those of the others. */
    readonly ofKernels: readonly number[];
  },
): readonly RunOfLayer[] {
  return profiles.slice(1).flatMap(({ latency, graph }, index) => {
    const beside = nodesBesideCasts(graph);
    const lowered = new Set(
      graph.decisions.filter((one) => one.format === format).map(({ layer }) => layer.name),
    );
    return latency.layers.flatMap(({ layer: { name, node, nodeIndex }, plan }): RunOfLayer[] => {
      if (!beside.has(nodeIndex)) return [];
      const own = lowered.has(name) ? format : 'fp32';
      const usual = amongLike.get(name)?.get(own);
      if (usual === undefined) return [];
      const more = plan * (ofKernels[index + 1] ?? 1) - usual;
      const elements = work.get(name)?.elements ?? 0;
      return [{ name, operator: node.opType, format: own, elements, more }];
    });
  });
}

/** Whether runs differ so much that medians say little. */
function isBusy({ whole, p10, p90 }: LayerLatency): boolean {
  return (['fp32', 'plan'] as const).some((which) => (p90[which] - p10[which]) / whole[which] > WIDE_SPREAD);
}

/** Milliseconds of all kernels of the original. */
function inKernels({ layers, others, unmapped }: LayerLatency): number {
  return layers.reduce((sum, { fp32 }) => sum + fp32, others.fp32 + unmapped.fp32);
}

function median(values: readonly number[]): number {
  return values.length === 0
    ? 0
    : quantile(
        values.toSorted((a, b) => a - b),
        0.5,
      );
}
