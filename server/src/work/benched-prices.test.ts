/** How far off a prediction is, said beside a benchmark; learnt for real where nothing is known yet. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openResultStore } from '../analysis/index.js';
import { bindTo, computeForTests, writeChain } from '../analysis/testing/index.js';
import { benchedPrices, type BenchedPrices } from './benched-prices.js';
import type { BenchedPlan } from './benchmark-plan.js';
import { openWork } from './open-work.js';
import { isRefused } from './problem.js';

const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'm.onnx'), 2);
const store = openResultStore({ folder: join(folder, 'kept') });

/** The prices beside a benchmark in which a run took so many milliseconds, and whether layers were timed for them. */
async function pricesAfter(milliseconds: number): Promise<BenchedPrices & { readonly wasLearnt: boolean }> {
  const { plan } = bindTo(model, 'input "x" = ones\naccumulate: fp32\nlayer "mul_0": fp16\n');
  const said: string[] = [];
  const progress = (_done: number, _total: number, what: string): void => void said.push(what);
  const work = await openWork(plan, { runtime, store, progress, signal: new AbortController().signal });
  if (isRefused(work)) throw new Error(work.problem.message);
  const row = (name: string) => ({
    ...{ name, median: milliseconds, p10: milliseconds, p90: milliseconds },
    ...{ optimization: 'all' as const, notes: [] },
  });
  const timed: BenchedPlan['timed'] = {
    ...{ device: 'none', graphics: '', platform: 'none', cores: 1, onnxRuntime: '1', threads: 1, runs: 1 },
    ...{ busy: false, load: 0, rows: ['fp32', 'plan', 'fp16'].map(row) },
  };
  const models = { fp32: { bytes: 1 }, plan: { bytes: 1, casts: 0 }, fp16: { bytes: 1, casts: 0 } };
  const prices = await benchedPrices(work, plan, { timed, models });
  await work.dispose();
  if (isRefused(prices)) throw new Error(prices.problem.message);
  return { ...prices, wasLearnt: said.includes('cost model') };
}

it('is not learnt where that takes minutes, and how to get it is said', async () => {
  const { predicted, sentence, wasLearnt } = await pricesAfter(60_000);
  expect([predicted, wasLearnt]).toEqual([undefined, false]);
  expect(sentence).toMatch(/not predicted: .* takes about \d{5} s; `onnx-precision predict` learns it/);
});

it('is learnt where it takes seconds, told with what the cost model is worth, and known from then on', async () => {
  const { predicted, sentence, wasLearnt } = await pricesAfter(0.01);
  expect(wasLearnt).toBe(true);
  expect(predicted?.error).toBeCloseTo((predicted?.milliseconds ?? 0) / 0.01 - 1, 9);
  expect(predicted?.misfit).toBeGreaterThanOrEqual(0);
  expect(sentence).toMatch(
    /predicts .* for the plan: off by .* %, too (low|high); on the plans that it was learnt from it is off by .* %/u,
  );
  const again = await pricesAfter(60_000);
  expect([again.wasLearnt, again.predicted?.misfit]).toEqual([false, predicted?.misfit]);
});
