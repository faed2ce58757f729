/** What is said of a benchmark, and what of it is known the next time. Small runs for real. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openResultStore } from '../analysis/index.js';
import { bindTo, computeForTests, writeChain } from '../analysis/testing/index.js';
import type { TracedPlan } from '../plan/index.js';
import { benchmarkPlan } from './benchmark-plan.js';
import { explainBenchmark, reasonsOf, shareWithoutKernel } from './explain-benchmark.js';
import { openWork, type Work, type WorkParts } from './open-work.js';
import { isRefused } from './problem.js';
import { timeLayers, type TimedLayers } from './time-layers.js';

const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'm.onnx'), 2);

function planOf(decisions: string): TracedPlan {
  return bindTo(model, `input "x" = ones\naccumulate: fp32\n${decisions}`).plan;
}

/** What was asked for, since nothing stands in its way here. */
function found<T extends object>(result: T): Exclude<T, { readonly problem: unknown }> {
  if (isRefused(result)) throw new Error(result.problem.message);
  return result as Exclude<T, { readonly problem: unknown }>;
}

async function workOn(plan: TracedPlan, parts: Partial<WorkParts> = {}): Promise<Work> {
  return found(await openWork(plan, { runtime, signal: new AbortController().signal, ...parts }));
}

/** The layers of a plan, timed, of which each seems to take longer in it than in the original. */
async function seemingSlower(plan: TracedPlan): Promise<TimedLayers> {
  const { latency } = found(await timeLayers(await workOn(plan), plan));
  const { plan: whole } = latency.whole;
  const layers = latency.layers.map((one) => ({ ...one, plan: one.fp32 + whole, casts: whole }));
  return { latency: { ...latency, layers }, withoutKernel: [] };
}

describe('why a plan is slow', () => {
  it('is said of its layers where it lowers any', async () => {
    const plan = planOf('default: fp16\n');
    const reasons = reasonsOf(plan, await seemingSlower(plan), plan.decisions, []);
    expect(reasons.join(' ')).toMatch(/Casts take .* MatMul takes .* longer in FP16 \(2 layers/);
  });

  it('is said of the formats that the plan has, of what rounds to them, too', async () => {
    const plan = planOf('default: int8\n');
    const timed = await seemingSlower(plan);
    const { whole } = timed.latency;
    const latency = { ...timed.latency, others: { fp32: 0, plan: whole.plan / 2 } };
    const reasons = reasonsOf(plan, { ...timed, latency }, plan.decisions, []).join(' ');
    expect(reasons).toMatch(
      /^Rounding to INT8 and back, in nodes of its own, takes 50 % of the plan's time\./u,
    );
    expect(reasons).toMatch(/MatMul takes .* longer in INT8 \(2 layers/u);
    expect(reasons).not.toMatch(/FP16/);
    const work = await workOn(plan);
    const explained = found(
      await explainBenchmark(work, plan, found(await benchmarkPlan(work, plan, { runs: 1 }))),
    );
    expect(explained.speed?.sentence).toMatch(/^Whether INT8 pays/u);
    expect([explained.notTimed, explained.kept.modelPath]).toEqual([undefined, model.source.path]);
    const multiplied = explained.layers?.latency.layers.filter(({ layer }) => layer.node.opType === 'MatMul');
    expect(multiplied?.map((one) => one.plan > 0)).toEqual([true, true]);
    expect(explained.kept.model).toMatch(/^[0-9a-f]{64}$/u);
    await work.dispose();
  });

  it('is no difference between FP32 and FP32, where it lowers none', async () => {
    const judged = planOf('default: fp16\n').decisions;
    const plan = planOf('default: fp32\n');
    expect(reasonsOf(plan, await seemingSlower(plan), judged, [])).toEqual([]);
  });
});

it('layers without a kernel count by their time', async () => {
  const plan = planOf('default: fp16\n');
  const { latency } = found(await timeLayers(await workOn(plan), plan));
  const isMatMul = (one: (typeof latency.layers)[number]) => one.layer.node.opType === 'MatMul';
  const layers = latency.layers.map((one) => ({ ...one, fp32: isMatMul(one) ? 9 : 1 }));
  const timed = { latency: { ...latency, layers }, withoutKernel: [] };
  const products = plan.layers.filter(({ node }) => node.opType === 'MatMul');
  const missing = (format: 'fp16' | 'bf16') => products.map((layer) => ({ layer, format }));
  expect(shareWithoutKernel(plan.decisions, missing('fp16'), undefined)).toBe(0.5);
  expect(shareWithoutKernel(plan.decisions, missing('fp16'), timed)).toBe(0.9);
  expect(shareWithoutKernel(plan.decisions, missing('bf16'), timed)).toBe(0);
});

it.each(['fp16', 'fp32'])(
  'operators that were tried for a plan in %s are not tried again',
  async (format) => {
    const plan = planOf(`default: ${format}\n`);
    const store = openResultStore({ folder: join(folder, `store ${format}`) });
    const said: string[] = [];
    const tries = async (): Promise<number> => {
      said.length = 0;
      const work = await workOn(plan, { store, progress: (_done, _total, what) => said.push(what) });
      const benched = found(await benchmarkPlan(work, plan, { runs: 1 }));
      found(await explainBenchmark(work, plan, benched));
      await work.dispose();
      return said.filter((what) => what.startsWith('operators on')).length;
    };
    expect(await tries()).toBeGreaterThan(0);
    expect(await tries()).toBe(0);
  },
);
