/** Latencies of plans that were never run, on the pose model. How good they are, `npm run bench:targets` measures. */
import { dirname } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { precisionGraph, type LayerDecision, type TracedPlan } from '../../plan/index.js';
import { RuntimeFailure, type RuntimeFailureKind } from '../../runtime/index.js';
import { withoutStore, type Results } from '../remembered.js';
import { resolveSamples } from '../samples/index.js';
import { bindTo, computeForTests, POSE_MODEL, realModel } from '../testing/index.js';
import { knownCostModel, latencyOfGraph, storedCostModel, type CostModel, type LayerCost } from './index.js';

const { runtime } = await computeForTests();
let plan: TracedPlan;
let cost: CostModel;
let results: Results;
const kept = new Map<string, unknown>();

beforeAll(async () => {
  ({ plan } = bindTo(realModel(POSE_MODEL), 'default: fp16\n'));
  const { samples } = await resolveSamples(plan.inputs, dirname(POSE_MODEL));
  const evaluation = (): Promise<never> => Promise.reject(new Error('nothing is compared'));
  results = {
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

/** A layer that takes so long in FP32 and in FP16. */
function costing(fp32: number, fp16: number): LayerCost {
  return {
    measured: new Map([
      ['fp32', fp32],
      ['fp16', fp16],
    ]),
    work: { multiplyAdds: 0, elements: 0 },
    fusedInto: undefined,
  };
}

/** The latency of the plan whose low layers are these, by `model`, and how many casts it has. */
function predicted(isLow: (place: number) => boolean, model = cost) {
  const decisions = plan.decisions.map((one, place): LayerDecision => {
    return { ...one, format: isLow(place) ? 'fp16' : 'original', overflow: 'inf' };
  });
  const graph = precisionGraph(plan.model, plan.roles, plan.layers, decisions);
  return { milliseconds: latencyOfGraph(model, graph), casts: graph.casts.length };
}

describe('the cost model of a machine', () => {
  it('is kept for the options of its target', async () => {
    expect(await storedCostModel(results, plan, 'fp16', { threads: 1 })).toBe(cost);
    const target = { name: 'cpu', threads: undefined, options: { useArena: false } };
    const other = { ...plan, targets: [target] };
    expect(await storedCostModel(results, other, 'fp16', { threads: 1 })).toBeUndefined();
  });

  it('that fits badly is learnt anew, three times at most', async () => {
    const own = { ...plan, targets: [{ name: 'cpu', threads: undefined, options: { useArena: true } }] };
    let stored: CostModel | undefined = { ...cost, busy: false, misfit: 99, attempts: 2 };
    let learnt = 0;
    const watched: Results = {
      ...results,
      find: () => Promise.resolve(stored),
      keep: (_kind, _recipe, value) => {
        learnt += 1;
        stored = value as CostModel;
        return Promise.resolve();
      },
    };
    const again = await knownCostModel(watched, own, 'fp16', { threads: 1 });
    expect(learnt).toBe(1);
    expect(stored).toBe(again);
    // What a busy machine taught is not preferred, and is no attempt.
    expect(stored.attempts).toBe(stored.misfit === 99 ? 2 : 3);
    stored = { ...cost, busy: false, misfit: 99, attempts: 3 };
    expect(await knownCostModel(watched, own, 'fp16', { threads: 1 })).toBe(stored);
    stored = { ...cost, busy: false, misfit: 0.09, attempts: 1 };
    expect(await knownCostModel(watched, own, 'fp16', { threads: 1 })).toBe(stored);
    expect(learnt).toBe(1);
  });

  it('of FP16 stands for that of BF16 where BF16 cannot be timed, and is found as such', async () => {
    const untimed = { ...results, samples: [] };
    expect(await storedCostModel(untimed, plan, 'bf16', { threads: 1 })).toBeUndefined();
    expect(await knownCostModel(untimed, plan, 'bf16', { threads: 1 })).toBe(cost);
    expect(await storedCostModel(untimed, plan, 'bf16', { threads: 1 })).toBe(cost);
  });

  it('of FP16 is not kept as that of BF16 where BF16 may be timed another time', async () => {
    const found = new Map<string, CostModel>();
    const own = {
      ...results,
      find: (kind: string, recipe: Readonly<Record<string, unknown>>) =>
        Promise.resolve(recipe['format'] === 'fp16' ? cost : found.get(kind)),
      keep: (kind: string, _: unknown, value: unknown) => {
        found.set(kind, value as CostModel);
        return Promise.resolve();
      },
    };
    const failing = (kind: RuntimeFailureKind): Results => ({
      ...own,
      runtime: { ...runtime, open: () => Promise.reject(new RuntimeFailure(kind, 'none')) },
    });
    expect(await knownCostModel(failing('crashed'), plan, 'bf16', { threads: 1 })).toBe(cost);
    expect(found.size).toBe(0);
    expect(await knownCostModel(failing('refused'), plan, 'bf16', { threads: 1 })).toBe(cost);
    expect(found.size).toBe(1);
  });

  it('gives the original the time that it took', () => {
    expect(predicted(() => false).milliseconds).toBeCloseTo(cost.whole, 9);
  });

  it('knows every layer of the main graph', () => {
    expect(cost.layers.size).toBe(plan.layers.length);
    expect(
      [...cost.layers.values()].filter(({ measured }) => (measured.get('fp32') ?? 0) > 0).length,
    ).toBeGreaterThan(60);
  });

  it('adds up layers by their format and the casts of a plan that was never run', () => {
    const layers = new Map(plan.layers.map(({ name }) => [name, costing(3, 1)]));
    const even = { ...cost, layers, cast: { perCast: 10, perByte: 0 }, rest: { fp32: 7, low: 7 } };
    for (const every of [2, 3, 7]) {
      const { milliseconds, casts } = predicted((place) => place % every === 0, even);
      const low = Math.ceil(plan.layers.length / every);
      expect(casts).toBeGreaterThan(0);
      expect(milliseconds).toBeCloseTo(7 + low + 3 * (plan.layers.length - low) + 10 * casts, 6);
    }
    // A third of the layers, cast at two borders instead of at each of them.
    const third = plan.layers.length / 3;
    expect(predicted((place) => place < third, even).casts).toBeLessThan(
      predicted((place) => place % 3 === 0, even).casts,
    );
  });

  it('counts what layers take more beside casts, in the format that they have there', () => {
    const beside = new Map([
      ['fp32', 100],
      ['fp16', 10],
    ] as const);
    const layers = new Map(plan.layers.map(({ name }) => [name, { ...costing(3, 1), besideCasts: beside }]));
    const even = { ...cost, layers, cast: { perCast: 0, perByte: 0 }, rest: { fp32: 0, low: 0 } };
    const all = 3 * plan.layers.length;
    expect(predicted(() => false, even).milliseconds).toBe(all);
    // The first layer by itself reads a cast and writes one, which the second reads.
    expect(predicted((place) => place === 0, even).milliseconds).toBe(all - 3 + 1 + 10 + 100);
  });

  it('knows by tensor what both ends of a cast take more, whichever of them is low', () => {
    const more = (name: string): number => {
      const beside = [...(cost.layers.get(name)?.besideCasts?.values() ?? [])];
      expect(beside).toHaveLength(2);
      return beside.reduce((sum, one) => sum + one, 0) / 2;
    };
    const ends = more('conv2d_6/Conv') + more('re_lu_6/Relu6');
    expect(cost.besideCastOf?.get('conv2d_6/Conv_output')).toBeCloseTo(ends, 9);
  });

  it('counts the bytes that casts read and write', () => {
    const bytes = { ...cost, layers: new Map(), cast: { perCast: 0, perByte: 1 }, rest: { fp32: 0, low: 0 } };
    const { milliseconds, casts } = predicted((place) => place === 0, bytes);
    const [first] = plan.layers;
    const tensors = [...(first?.node.inputs ?? []).slice(0, 1), ...(first?.node.outputs ?? [])];
    const elements = tensors.map((name) => cost.elements.get(name) ?? 0);
    expect(casts).toBe(2);
    // Four bytes of FP32 and two of FP16 for each element.
    expect(milliseconds).toBe(elements.reduce((sum, count) => sum + 6 * count, 0));
  });

  it('says how far it misses what it was learnt from', () => {
    expect(cost.misfit).toBeGreaterThanOrEqual(0);
    expect(cost.misfit).toBeLessThan(Number.POSITIVE_INFINITY);
  });
});
