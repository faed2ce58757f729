/** What was timed of the same decisions on this machine is not timed again; anything else is. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../store/index.js';
import type { Results } from '../remembered.js';
import { bindTo, computeForTests, randomSamples, writeChain } from '../testing/index.js';
import { latencyNumbers } from './latency-numbers.js';
import type { LatencyNumbers } from './numbers.js';

const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'chain.onnx'), 2);

/** Results of one model on one sample; `asked` gathers the recipes. */
function resultsIn(store = memoryStore()): Results & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    ...{ asked, runtime, samples: randomSamples(1) },
    evaluation: () => Promise.reject(new Error('a latency needs no evaluation')),
    find: (kind, recipe) => {
      asked.push(recipe);
      return store.get(kind, recipe);
    },
    keep: (kind, recipe, value) => store.put(kind, recipe, value),
  };
}

async function numbersOf(
  results: Results,
  text: string,
  files: Readonly<Record<string, string>> = {},
): Promise<LatencyNumbers> {
  const found = await latencyNumbers(results, runtime, bindTo(model, text, files).plan, {});
  if ('problem' in found) throw new Error(found.problem);
  return found;
}

describe('the latency of a plan', () => {
  it('is that of the store, where it has one', async () => {
    const results = resultsIn();
    const measured = await numbersOf(results, 'default: fp16\n');
    expect([...measured.layers.keys()]).toEqual(['mul_0', 'relu_0', 'mul_1', 'relu_1']);
    expect(measured.whole.plan).toBeGreaterThan(0);
    // Kept or not, as busy as the machine may have been.
    const known = { ...measured, whole: { fp32: 1, plan: 2 } };
    await results.keep('layer-latency', results.asked[0] as Record<string, unknown>, known);
    expect(await numbersOf(results, 'default: fp16\n')).toEqual(known);
  });

  it('is that of the profiles that the plan names, and nothing is timed', async () => {
    const results = resultsIn();
    const entries = ['mul_0', 'relu_0', 'mul_1', 'relu_1'].map((name, at) => ({ name, averageMs: at + 1 }));
    const files = { 'gpu.json': JSON.stringify([{ count: 1 }, ...entries]) };
    const text = 'latency from "gpu.json" { format: fp32 }\nlayer "mul_1": fp16\n';
    const found = await numbersOf(results, text, files);
    expect(results.asked).toEqual([]);
    expect([...found.layers.values()].map(({ fp32 }) => fp32)).toEqual([1, 2, 3, 4]);
    expect(found.files).toEqual(['gpu.json']);
    expect([...(found.estimated ?? [])]).toEqual(['mul_1']);
    // Layers, casts and the rest make up the run.
    const sum = [...found.layers.values()].reduce((total, one) => total + one.plan + one.casts, 0);
    expect(sum + found.others.plan + found.unmapped.plan + found.outside.plan).toBeCloseTo(
      found.whole.plan,
      9,
    );
    expect(found.whole.fp32).toBe(10);
  });

  it('is not that of this machine where the profile that the plan names cannot be read', async () => {
    const results = resultsIn();
    const { plan } = bindTo(model, 'latency from "gone.json"\ndefault: fp16\n');
    expect(await latencyNumbers(results, runtime, plan, {})).toHaveProperty(
      'problem',
      expect.stringContaining('gone.json'),
    );
    expect(results.asked).toEqual([]);
  });

  it('is that of webgpu for a plan for it, of the first target that can be timed where there are several', async () => {
    const providers = async (text: string): Promise<unknown> => {
      const results = resultsIn();
      const known = { whole: { fp32: 1, plan: 2 } };
      await numbersOf(
        { ...results, find: (kind, recipe) => results.find(kind, recipe).then(() => known) },
        text,
      );
      return (results.asked[0] as { readonly provider?: string }).provider;
    };
    expect(await providers('target webgpu\n')).toBe('webgpu');
    expect(await providers('target cuda\ntarget webgpu\ntarget cpu\n')).toBe('webgpu');
    expect(await providers('target cpu\ntarget webgpu\n')).toBeUndefined();
    expect(await providers('target cuda\n')).toBeUndefined();
  });

  it('is another one for other decisions and other threads', async () => {
    const results = resultsIn();
    for (const text of ['default: fp16\n', 'default: fp32\n', 'target cpu { threads: 3 }\ndefault: fp16\n']) {
      await numbersOf(results, text);
    }
    expect(new Set(results.asked.map((recipe) => JSON.stringify(recipe))).size).toBe(3);
  });
});
