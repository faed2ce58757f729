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
  const missing = [{ operator: 'MatMul', format: 'fp16' }] as const;
  expect(shareWithoutKernel(plan.decisions, missing, undefined)).toBe(0.5);
  expect(shareWithoutKernel(plan.decisions, missing, timed)).toBe(0.9);
  expect(shareWithoutKernel(plan.decisions, [{ operator: 'MatMul', format: 'bf16' }], timed)).toBe(0);
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
