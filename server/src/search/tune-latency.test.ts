/** Tuning for time and energy, by profiles of devices that no machine of ours is. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { knownCostModel, measuredAnew, openEvaluation } from '../analysis/index.js';
import { bindTo, computeForTests, randomSamples, writeChain } from '../analysis/testing/index.js';
import { energyPrices, latencyPrices } from './prices.js';
import { tune, type TuneOptions, type Tuning } from './tune.js';

const { runtime, folder } = await computeForTests();
const chain = await openEvaluation(runtime, writeChain(join(folder, 'chain.onnx'), 3), randomSamples(2));

/** A file of `trtexec` in which each product takes so long, and each Relu a tenth of it. */
function engine(products: readonly number[]): string {
  const layers = products.flatMap((time, at) => [
    { name: `mul_${at}`, averageMs: time },
    { name: `relu_${at}`, averageMs: time / 10 },
  ]);
  return JSON.stringify([{ count: 1 }, ...layers]);
}

const SOURCES = 'latency from "fp32.json" { format: fp32 }\nlatency from "fp16.json" { format: fp16 }\n';

async function tuned(
  fp32: readonly number[],
  fp16: readonly number[],
  { limit = 1, ...options }: Partial<TuneOptions> & { readonly limit?: number } = {},
): Promise<{ readonly tuning: Tuning; readonly low: readonly string[] }> {
  const files = { 'fp32.json': engine(fp32), 'fp16.json': engine(fp16) };
  const { plan } = bindTo(chain.model, `${SOURCES}tolerance "y" relative_l2 <= ${limit}\n`, files);
  const results = measuredAnew(chain);
  const costs = await knownCostModel(results, plan, 'fp16', { threads: 1 });
  if ('problem' in costs) throw new Error(costs.problem);
  const prices = latencyPrices(costs, 'fp16');
  const wishes = { strategy: 'greedy', objective: 'latency', prices, draws: 1, ...options } as const;
  const tuning = await tune(results, plan, wishes);
  if ('code' in tuning) throw new Error(tuning.message);
  return {
    tuning,
    low: tuning.decisions.filter(({ format }) => format === 'fp16').map(({ layer }) => layer.name),
  };
}

const ALL = ['mul_0', 'relu_0', 'mul_1', 'relu_1', 'mul_2', 'relu_2'];

describe('tuning for latency', () => {
  it('prices a cast with what the layers beside it take more, and never below nothing', async () => {
    const files = { 'fp32.json': engine([4, 4, 4]), 'fp16.json': engine([1, 1, 1]) };
    const { plan } = bindTo(chain.model, SOURCES, files);
    const costs = await knownCostModel(measuredAnew(chain), plan, 'fp16', { threads: 1 });
    if ('problem' in costs) throw new Error(costs.problem);
    const besideCastOf = new Map([
      ['dear', 3],
      ['cheap', -3],
    ]);
    const prices = latencyPrices({ ...costs, besideCastOf, cast: { perCast: 1, perByte: 0 } }, 'fp16');
    expect(['dear', 'cheap', 'plain'].map((tensor) => prices.cast(tensor))).toEqual([4, 0, 1]);
  });

  it('lowers everything where FP16 is faster and tolerances bear it', async () => {
    const { tuning, low } = await tuned([4, 4, 4], [1, 1, 1]);
    expect(low).toEqual(ALL);
    expect(tuning.price?.found).toBeLessThan(tuning.price?.exact ?? 0);
    expect(tuning.notWorth).toBeUndefined();
  });

  it('lowers nothing where FP16 is slower, and says why', async () => {
    const { tuning, low } = await tuned([1, 1, 1], [2, 2, 2]);
    expect(low).toEqual([]);
    expect(tuning.notWorth).toBe('predicted');
    expect(tuning.measurement.holds).toBe(true);
  });

  it('lowers no layer that is slower in FP16 than in FP32', async () => {
    const { low } = await tuned([4, 1, 4], [1, 9, 1]);
    expect(low).not.toContain('mul_1');
    expect(low).toContain('mul_0');
    expect(low).toContain('mul_2');
  });

  it.each(['greedy', 'bisect', 'amp'] as const)(
    'never gives a plan that was timed to be slower (%s)',
    async (strategy) => {
      const { tuning, low } = await tuned([4, 4, 4], [1, 1, 1], {
        strategy,
        isFaster: () => Promise.resolve(false),
      });
      expect(low).toEqual([]);
      expect(tuning.notWorth).toBe('timed');
    },
  );

  it('keeps to the tolerance all the same', async () => {
    const { tuning, low } = await tuned([4, 4, 4], [1, 1, 1], { limit: 1e-12 });
    expect(low).toEqual([]);
    expect(tuning.notWorth).toBeUndefined();
  });
});

describe('tuning for energy', () => {
  it('lowers what saves more than its casts take', async () => {
    const { low } = await tuned([1, 1, 1], [2, 2, 2], {
      objective: 'energy',
      prices: energyPrices(() => 16, 'fp16'),
    });
    expect(low).toEqual(expect.arrayContaining(['mul_0', 'mul_1', 'mul_2']));
    const dear = energyPrices(() => 1e9, 'fp16');
    const { tuning, low: nothing } = await tuned([1, 1, 1], [2, 2, 2], { objective: 'energy', prices: dear });
    expect(nothing).toEqual([]);
    expect(tuning.notWorth).toBe('predicted');
  });
});
