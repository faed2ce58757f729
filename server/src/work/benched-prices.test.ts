/** How far off a prediction is, said beside a benchmark; learnt for real where nothing is known yet. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openResultStore } from '../analysis/index.js';
import { bindTo, computeForTests, writeChain } from '../analysis/testing/index.js';
import { benchedPrices, type BenchedPrices } from './benched-prices.js';
import type { BenchedPlan } from './benchmark-plan.js';
import { openWork, type Work } from './open-work.js';
import { isRefused } from './problem.js';

const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'm.onnx'), 2);
const store = openResultStore({ folder: join(folder, 'kept') });

/** The prices beside a benchmark in which a run took so many milliseconds, and whether layers were timed for them. */
async function pricesAfter(
  milliseconds: number,
  text = '',
  files: Readonly<Record<string, string>> = {},
): Promise<BenchedPrices & { readonly wasLearnt: boolean; readonly lookedUp: number }> {
  const { plan } = bindTo(model, `input "x" = ones\naccumulate: fp32\nlayer "mul_0": fp16\n${text}`, files);
  const said: string[] = [];
  const progress = (_done: number, _total: number, what: string): void => void said.push(what);
  const work = await openWork(plan, { runtime, store, progress, signal: new AbortController().signal });
  if (isRefused(work)) throw new Error(work.problem.message);
  let lookedUp = 0;
  const counting: Work = {
    ...work,
    results: async () => {
      const results = await work.results();
      return {
        ...results,
        find: async (kind, recipe) => {
          if (kind === 'cost-model') lookedUp += 1;
          return await results.find(kind, recipe);
        },
      };
    },
  };
  const row = (name: string) => ({
    ...{ name, median: milliseconds, p10: milliseconds, p90: milliseconds },
    ...{ optimization: 'all' as const, notes: [] },
  });
  const timed: BenchedPlan['timed'] = {
    ...{
      device: 'none',
      graphics: '',
      graphicsDevice: undefined,
      platform: 'none',
      cores: 1,
      onnxRuntime: '1',
      threads: 1,
      runs: 1,
    },
    ...{ busy: false, load: 0, rows: ['fp32', 'plan', 'fp16'].map(row) },
  };
  const models = { fp32: { bytes: 1 }, plan: { bytes: 1, casts: 0 }, fp16: { bytes: 1, casts: 0 } };
  const prices = await benchedPrices(counting, plan, { timed, models });
  await work.dispose();
  if (isRefused(prices)) throw new Error(prices.problem.message);
  return { ...prices, wasLearnt: said.includes('cost model'), lookedUp };
}

it('is not learnt where that takes minutes, and how to get it is said', async () => {
  const { predicted, sentence, wasLearnt } = await pricesAfter(60_000);
  expect([predicted, wasLearnt]).toEqual([undefined, false]);
  expect(sentence).toMatch(/not predicted: .* takes about \d{5} s; `onnx-precision predict` learns it/);
});

it('is learnt where it takes seconds, told with what the cost model is worth, and known from then on', async () => {
  const { predicted, sentence, wasLearnt, lookedUp } = await pricesAfter(0.01);
  expect([wasLearnt, lookedUp]).toEqual([true, 1]);
  expect(predicted?.error).toBeCloseTo((predicted?.milliseconds ?? 0) / 0.01 - 1, 9);
  expect(predicted?.misfit).toBeGreaterThanOrEqual(0);
  expect(sentence).toMatch(
    /predicts .* for the plan: off by .* %, too (low|high); on the plans that it was learnt from it is off by .* %/u,
  );
  const again = await pricesAfter(60_000);
  expect([again.wasLearnt, again.predicted?.misfit]).toEqual([false, predicted?.misfit]);
});

it('is told of the device that profiles are from, beside what is known of this one', async () => {
  const took = (name: string, averageMs: number) => ({ name, timeMs: 10 * averageMs, averageMs });
  const engine = (scale: number): string =>
    JSON.stringify([
      { count: 10 },
      ...['mul_0', 'relu_0', 'mul_1', 'relu_1'].map((name) => took(name, scale)),
    ]);
  const files = { 'a.json': engine(3), 'b.json': engine(2) };
  const { sentence } = await pricesAfter(
    1,
    'latency from "a.json"\nlatency from "b.json" { format: fp16 }\n',
    files,
  );
  expect(sentence).toMatch(
    /On the device of a\.json, b\.json, the plan is predicted to take 11\.\d* ms, and in FP32 12\.?0* ms\.$/,
  );
});

it('takes nothing of this machine where the profile that the plan names is not there', async () => {
  const { sentence, wasLearnt } = await pricesAfter(0.01, 'latency from "gone.json"\n');
  expect(wasLearnt).toBe(false);
  expect(sentence).toContain('nothing can be read of gone.json, from which the plan takes its times');
});
