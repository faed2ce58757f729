/** Latencies of plans that were never run, on the pose model. How good they are, `npm run bench:targets` measures. */
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { precisionGraph, type LayerDecision, type TracedPlan } from '../../plan/index.js';
import type { Runtime } from '../compute.js';
import { withoutStore, type Results } from '../remembered.js';
import { resolveSamples } from '../samples/index.js';
import { bindTo, POSE_MODEL, realModel, startTestCompute } from '../testing/index.js';
import { knownCostModel, latencyOfGraph, type CostModel } from './index.js';

let runtime: Runtime;
let plan: TracedPlan;
let cost: CostModel;
const kept = new Map<string, unknown>();

beforeAll(async () => {
  runtime = await startTestCompute();
  ({ plan } = bindTo(realModel(POSE_MODEL), 'default: fp16\n'));
  const { samples } = await resolveSamples(plan.inputs, dirname(POSE_MODEL));
  const evaluation = (): Promise<never> => Promise.reject(new Error('nothing is compared'));
  const results: Results = {
    ...withoutStore({ runtime, samples, evaluation }),
    find: (kind, recipe) => Promise.resolve(kept.get(`${kind} ${JSON.stringify(recipe)}`)),
    keep: (kind, recipe, value) => {
      kept.set(`${kind} ${JSON.stringify(recipe)}`, value);
      return Promise.resolve();
    },
  };
  const learnt = await knownCostModel(results, plan, 'fp16', { threads: 1 });
  if ('problem' in learnt) throw new Error(learnt.problem);
  cost = learnt;
  // The second time nothing is run.
  expect(await knownCostModel({ ...results, samples: [] }, plan, 'fp16', { threads: 1 })).toBe(learnt);
});
afterAll(async () => {
  await runtime.dispose();
});

function predicted(isLow: (place: number) => boolean): number {
  const decisions = plan.decisions.map((one, place): LayerDecision => {
    return { ...one, format: isLow(place) ? 'fp16' : 'original', overflow: 'inf' };
  });
  return latencyOfGraph(cost, precisionGraph(plan.model, plan.roles, plan.layers, decisions));
}

describe('the cost model of a machine', () => {
  it('gives the original the time that it took', () => {
    expect(predicted(() => false)).toBeCloseTo(cost.whole, 9);
  });

  it('knows every layer of the main graph', () => {
    expect(cost.layers.size).toBe(plan.layers.length);
    expect([...cost.layers.values()].filter(({ fp32 }) => fp32 > 0).length).toBeGreaterThan(60);
  });

  it('counts the casts of a plan that was never run', () => {
    const few = predicted((place) => place < plan.layers.length / 3);
    const many = predicted((place) => place % 3 === 0);
    const { perCast, perByte } = cost.cast;
    expect(perCast + perByte).toBeGreaterThan(0);
    expect(many).toBeGreaterThan(few);
  });

  it('says how far it misses what it was learnt from', () => {
    expect(cost.misfit).toBeGreaterThanOrEqual(0);
    expect(cost.misfit).toBeLessThan(1);
  });
});
