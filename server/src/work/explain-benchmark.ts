/**
 * What a benchmark means: whether FP16 pays on the target and, where it does not, what stands in the way; kept in the store with the
 * machine and the versions, beside the earlier ones of the same model.
 */
import { createHash } from 'node:crypto';
import {
  benchmarkHistory,
  decisionsText,
  isLacking,
  keepBenchmark,
  lowFormats,
  layerSupport,
  observedShapes,
  samplesKey,
  timedModel,
  type KeptBenchmark,
  type LayerSupport,
} from '../analysis/index.js';
import type { FormatName } from '../formats/index.js';
import { writeOperatorType, type BoundPlan, type LayerDecision } from '../plan/index.js';
import {
  concludeSpeed,
  formatPercent,
  whySlow,
  type MissingKernel,
  type SlowerOperator,
} from '../report/index.js';
import { allLow } from './export-model.js';
import type { BenchedPlan } from './benchmark-plan.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, type Refused } from './problem.js';
import { supportSubject } from './target-support.js';
import { timeLayers, type TimedLayers } from './time-layers.js';
import { VERSION } from './version.js';

export interface ExplainedBenchmark {
  /** On targets whose profiles tell how long a layer takes. */
  readonly layers: TimedLayers | undefined;
  /** Why no layer was timed; undefined where they were. */
  readonly notTimed: string | undefined;
  /** Whether the plan or all-FP16 are faster than FP32 by more than chance, in a sentence. */
  readonly speed: { readonly pays: boolean; readonly sentence: string } | undefined;
  /** What keeps the plan from being faster; of a plan that lowers nothing: what keeps all-FP16 from it. */
  readonly why: readonly string[];
  /** Levels at which the runtime does not run a model, and whose fault that is; of all models, each once. */
  readonly notes: readonly string[];
  /** As it is kept. */
  readonly kept: KeptBenchmark;
  /** Those that were kept before, the newest first. */
  readonly earlier: readonly KeptBenchmark[];
}

/** Explains `benched`, a benchmark of `plan`, and keeps it where the work has a store. */
export async function explainBenchmark(
  work: Work,
  plan: BoundPlan,
  benched: BenchedPlan,
): Promise<ExplainedBenchmark | Refused> {
  const { store, signal } = work;
  // What cannot be timed layer by layer is no shortfall of the benchmark, which is there.
  const timed = await timeLayers(work, plan);
  if (isRefused(timed) && (timed.problem.kind === 'cancelled' || timed.problem.code === 'model-changed'))
    return timed;
  const layers = isRefused(timed) ? undefined : timed;
  return await guarded(work, async () => {
    const lowered = loweredBy(plan);
    const judged =
      lowered.length > 0 ? lowered : allLow(plan, 'fp16').filter(({ format }) => format === 'fp16');
    const withoutKernel =
      layers !== undefined && lowered.length > 0
        ? layers.withoutKernel
        : await missingKernels(work, plan, judged);
    const kept = await keptOf(work, plan, benched);
    const earlier = await earlierBenchmarks(work);
    if (store !== undefined) await keepBenchmark(store, plan.model, kept, signal);
    return {
      layers,
      speed: concludeSpeed({ rows: kept.rows.map((row) => ({ latency: row, bytes: row.bytes })) }, 'fp16', {
        lacksKernels: shareWithoutKernel(judged, withoutKernel, layers) >= 0.5,
        planFormats: lowFormats(plan),
        runs: kept.runs,
      }),
      why: reasonsOf(plan, layers, judged, withoutKernel),
      notTimed: isRefused(timed) ? timed.problem.message : undefined,
      notes: [
        ...new Set([...benched.timed.rows.flatMap((row) => row.notes), ...(layers?.latency.notes ?? [])]),
      ],
      kept,
      earlier,
    };
  });
}

/** What is kept of the work's model on its target, the newest first. */
export async function earlierBenchmarks({
  store,
  plan,
  target,
  signal,
}: Work): Promise<readonly KeptBenchmark[]> {
  return store === undefined ? [] : await benchmarkHistory(store, plan.model, target, signal);
}

/** What this plan decides, as earlier benchmarks are known by. */
export function decisionsKey(plan: BoundPlan): string {
  return createHash('sha256').update(decisionsText(plan.decisions)).digest('hex');
}

async function missingKernels(
  work: Work,
  plan: BoundPlan,
  judged: readonly LayerDecision[],
): Promise<readonly LayerSupport[]> {
  const { runtime, samples, target, signal, progress } = work;
  const [sample] = samples;
  if (sample === undefined || judged.length === 0) return [];
  const shapes = await observedShapes(runtime, plan.model, sample, { signal, progress });
  const missing: LayerSupport[] = [];
  for (const format of ['fp16', 'bf16'] as const) {
    const layers = judged.flatMap((one) => (one.format === format ? [one.layer] : []));
    const options = { ...supportSubject(work, target), shapes, sample, signal, progress };
    const support = await layerSupport(runtime, plan.model, layers, format, options);
    missing.push(...support.filter(isLacking));
  }
  return missing;
}

function loweredBy(plan: BoundPlan): readonly LayerDecision[] {
  return plan.decisions.filter(({ format }) => format !== 'fp32' && format !== 'original');
}

/** What keeps the decisions that are judged from being faster. `timed`: the layers of the plan itself. */
export function reasonsOf(
  plan: BoundPlan,
  timed: TimedLayers | undefined,
  judged: readonly LayerDecision[],
  withoutKernel: readonly LayerSupport[],
): readonly string[] {
  // Where the plan lowers nothing they are FP32 beside FP32, whose differences are chance.
  const layers = loweredBy(plan).length > 0 ? timed : undefined;
  const casts = layers?.latency.layers.reduce((sum, one) => sum + one.casts, 0);
  const formats = [...new Set(judged.flatMap(({ format }) => (format === 'original' ? [] : [format])))];
  const ofFormats = formats.flatMap((format, index) =>
    whySlow({
      whole: layers?.latency.whole.plan,
      // Casts are those of all formats together: they are told of once.
      casts: index === 0 ? casts : 0,
      withoutKernel: missingAmong(withoutKernel.filter((one) => one.format === format)),
      slower: layers === undefined ? [] : slowerOperators(layers, judged, format),
      format,
    }),
  );
  return layers === undefined ? ofFormats : [...quantizingReasons(layers, formats), ...ofFormats];
}

/** Below this share of the run nothing is worth a word. */
const SMALL_SHARE = 0.02;

/** Formats that operators compute in; all others are spelled out in nodes. */
const COMPUTED: readonly FormatName[] = ['fp32', 'fp16', 'bf16'];

/** What nodes take that only round and scale: it is no layer's. */
function quantizingReasons(
  { latency: { others, whole } }: TimedLayers,
  formats: readonly FormatName[],
): readonly string[] {
  const narrow = formats.filter((one) => !COMPUTED.includes(one)).map((one) => one.toUpperCase());
  const share = (others.plan - others.fp32) / whole.plan;
  if (narrow.length === 0 || !(share >= SMALL_SHARE)) return [];
  return [
    `Rounding to ${narrow.join(' and ')} and back, in nodes of its own, takes ${formatPercent(share)} of the plan's time.`,
  ];
}

/** Layers without a kernel by their operator and by what becomes of them. */
function missingAmong(layers: readonly LayerSupport[]): readonly MissingKernel[] {
  const found = new Map<string, MissingKernel>();
  for (const { layer, outcome, detail } of layers) {
    if (outcome === 'native' || outcome === 'unknown') continue;
    const operator = writeOperatorType(layer.node);
    const key = `${operator} ${outcome}`;
    const before = found.get(key) ?? { operator, outcome, detail, layers: 0 };
    found.set(key, { ...before, layers: before.layers + 1 });
  }
  return [...found.values()];
}

/** Of the layers that are judged those without a kernel in their format, by their time in FP32 where it is known, else by their number. */
export function shareWithoutKernel(
  judged: readonly LayerDecision[],
  withoutKernel: readonly Pick<LayerSupport, 'layer' | 'format'>[],
  timed: TimedLayers | undefined,
): number {
  const times = new Map(timed?.latency.layers.map(({ layer, fp32 }) => [layer.name, fp32]));
  const lacking = new Set(withoutKernel.map(({ layer, format }) => `${format} ${layer.name}`));
  const weighed = judged.map(({ layer, format }) => ({
    weight: timed === undefined ? 1 : (times.get(layer.name) ?? 0),
    lacks: lacking.has(`${format} ${layer.name}`),
  }));
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0);
  return total === 0 ? 0 : weighed.reduce((sum, { weight, lacks }) => sum + (lacks ? weight : 0), 0) / total;
}

/** Operators whose layers take longer in the format than in FP32, the worst first. */
function slowerOperators(
  { latency }: TimedLayers,
  judged: readonly LayerDecision[],
  format: FormatName,
): readonly SlowerOperator[] {
  const low = new Set(judged.flatMap((one) => (one.format === format ? [one.layer.name] : [])));
  const found = new Map<string, SlowerOperator>();
  for (const { layer, fp32, plan, fusedInto } of latency.layers) {
    if (!low.has(layer.name)) continue;
    const operator = writeOperatorType(layer.node);
    const before = found.get(operator) ?? { operator, layers: 0, unfused: 0, milliseconds: 0 };
    found.set(operator, {
      operator,
      layers: before.layers + 1,
      unfused: before.unfused + (fusedInto.fp32 !== undefined && fusedInto.plan === undefined ? 1 : 0),
      milliseconds: before.milliseconds + plan - fp32,
    });
  }
  return [...found.values()]
    .filter(({ milliseconds }) => milliseconds > 0)
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

async function keptOf(work: Work, plan: BoundPlan, { timed, models }: BenchedPlan): Promise<KeptBenchmark> {
  const { samples, target, store, signal } = work;
  const { device, graphics, graphicsDevice, platform, cores, onnxRuntime, threads, runs, busy, load } = timed;
  return {
    at: new Date().toISOString(),
    plan: plan.path,
    ...(await timedModel(store, plan.model, signal)),
    decisions: decisionsKey(plan),
    input: samplesKey(samples.slice(0, 1)),
    options: work.plan.targets.find(({ name }) => name === target)?.options ?? {},
    // What the processor runs does not depend on the graphics devices.
    ...(target === 'cpu' ? {} : { graphics }),
    ...(graphicsDevice === undefined ? {} : { graphicsDevice }),
    ...{ target, device, platform, cores, onnxRuntime, version: VERSION, threads, runs, busy, load },
    rows: timed.rows.map(({ name, median, p10, p90 }) => ({
      ...{ name, median, p10, p90 },
      bytes: name === 'fp32' || name === 'plan' || name === 'fp16' ? models[name].bytes : 0,
    })),
  };
}
