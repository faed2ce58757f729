/** Measures what is claimed of targets on one model: see `npm run bench:targets`. Prints nothing. */
import path from 'node:path';
import {
  benchmark,
  knownCostModel,
  latencyOfGraph,
  type Benchmark,
} from '../../../server/src/analysis/index.js';
import {
  allowedFormats,
  precisionGraph,
  type LayerDecision,
  type TracedPlan,
} from '../../../server/src/plan/index.js';
import {
  benchmarkPlan,
  exportModel,
  isRefused,
  timeLayers,
  verifyExecuted,
  verifyPlan,
  type Refused,
  type Work,
} from '../../../server/src/work/index.js';
import type { ExecutedFigures, LatencyFigures, PredictionFigures, SumFigures } from './target-summary.js';

/** Timed runs of each model. */
const RUNS = 40;
/** Seeds of plans that the cost model has never seen. */
const UNSEEN = [1, 2, 3];

/** A figure, or why there is none. */
export type Found<T> = T | { readonly reason: string };

function reasonOf({ problem }: Refused): { readonly reason: string } {
  return { reason: `${problem.code}: ${problem.message.split('\n')[0] ?? ''}` };
}

/** Spread (p90 less p10 over the median) from which on the machine counts as busy. */
const WIDE_SPREAD = 0.3;

/** The kernels of the original against a run of it that nobody profiles, taken in turns. */
export async function sumOfLayers(
  work: Work,
  plan: TracedPlan,
): Promise<Found<SumFigures & { readonly busy: boolean }>> {
  const timed = await timeLayers(work, plan);
  if (isRefused(timed)) return reasonOf(timed);
  const { layers, others, unmapped, whole, p10, p90 } = timed.latency;
  const inLayers = layers.reduce((sum, one) => sum + one.fp32, 0);
  const spread = (p90.fp32 - p10.fp32) / whole.fp32;
  return {
    target: work.target,
    kernels: inLayers + others.fp32 + unmapped.fp32,
    ...{ whole: whole.fp32, spread, busy: spread > WIDE_SPREAD },
  };
}

/** What the cost model says of plans that it has never seen, against what they take; `folder` is for their models. */
export async function predictionErrors(
  work: Work,
  plan: TracedPlan,
  folder: string,
): Promise<Found<PredictionFigures & { busy: boolean }>> {
  const { threads, target } = work;
  const cost = await knownCostModel(await work.results(), plan, 'fp16', { threads, target });
  if ('problem' in cost) return { reason: `no cost model: ${cost.problem}` };
  const entries = [{ name: 'fp32', path: plan.model.source.path ?? '' }];
  const predicted: number[] = [];
  for (const seed of UNSEEN) {
    const decisions = unseenPlan(plan, seed);
    const exported = await exportModel(plan, decisions, path.join(folder, `unseen-${seed}.onnx`));
    if (isRefused(exported)) return reasonOf(exported);
    entries.push({ name: `unseen-${seed}`, path: exported.path });
    predicted.push(latencyOfGraph(cost, precisionGraph(plan.model, plan.roles, plan.layers, decisions)));
  }
  const { rows, busy } = await timeModels(work, entries);
  const [original, ...measured] = rows;
  const whole = latencyOfGraph(cost, precisionGraph(plan.model, plan.roles, plan.layers, allExact(plan)));
  const errors = predicted.map((milliseconds, at) => {
    // The original was timed in turns with them: its time tells how fast the machine was.
    const slower = (measured[at]?.median ?? Number.NaN) / (original?.median ?? Number.NaN);
    return milliseconds / whole / slower - 1;
  });
  const spread = Math.max(...rows.map((row) => (row.p90 - row.p10) / row.median));
  return { target, errors, misfit: cost.misfit, spread, busy };
}

/** Each output's error as emulated and as executed on the work's target. */
export async function executedErrors(work: Work): Promise<Found<ExecutedFigures>> {
  const emulated = await verifyPlan(work, { draws: 1 });
  if (isRefused(emulated)) return reasonOf(emulated);
  const executed = await verifyExecuted(work, { draws: 1 });
  if (isRefused(executed)) return reasonOf(executed);
  const found = new Map(emulated.outputs.map((one) => [one.name, one.worst.relative_l2]));
  return {
    target: work.target,
    outputs: executed.measurement.outputs.map(({ name, worst }) => ({
      output: name,
      emulated: found.get(name) ?? 0,
      executed: worst.relative_l2,
    })),
    suspicious: executed.suspicious.map(({ layer }) => layer.name),
    elsewhere: executed.placement.elsewhere.reduce((sum, { kernels }) => sum + kernels, 0),
  };
}

/** FP32, the plan and all-FP16 on the work's target. */
export async function latencies(
  work: Work,
  plan: TracedPlan,
): Promise<Found<LatencyFigures & { busy: boolean }>> {
  const benched = await benchmarkPlan(work, plan);
  if (isRefused(benched)) return reasonOf(benched);
  const { rows, busy } = benched.timed;
  return {
    target: work.target,
    medians: Object.fromEntries(rows.map((row) => [row.name, row.median])),
    busy,
  };
}

function timeModels(
  { runtime, samples: [sample], threads, target: provider }: Work,
  entries: readonly { readonly name: string; readonly path: string }[],
): Promise<Benchmark> {
  if (sample === undefined) throw new Error('a plan that was opened has a sample');
  return benchmark(runtime, entries, sample, { provider, runs: RUNS, threads });
}

/** A random half of the layers in FP16, in runs of a few. */
function unseenPlan(plan: TracedPlan, seed: number): readonly LayerDecision[] {
  let state = seed;
  let isLow = false;
  return plan.decisions.map((decision): LayerDecision => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if (state % 4 === 0) isLow = !isLow;
    const format = isLow && allowedFormats(plan.model, decision.layer).includes('fp16') ? 'fp16' : 'original';
    return { ...decision, format, overflow: 'inf' };
  });
}

function allExact(plan: TracedPlan): readonly LayerDecision[] {
  return plan.decisions.map((one): LayerDecision => ({ ...one, format: 'original' }));
}
