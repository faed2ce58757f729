/** A plan is converted for the time of the measurement only, and a plan that cannot be converted has no latency. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeNode, type Model } from '../../onnx/index.js';
import { planLatency, type PlanLatencyOptions } from './plan-latency.js';
import {
  bindTo,
  computeForTests,
  floatTensor,
  randomSamples,
  writeChain,
  writeModel,
} from '../testing/index.js';

const { runtime, folder } = await computeForTests();

beforeAll(() => {
  // Of its own: another test may leave something in that of all.
  for (const variable of ['TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(variable, folder);
});
afterAll(() => {
  vi.unstubAllEnvs();
});

function latencyOf(model: Model, text: string, options: Partial<PlanLatencyOptions> = {}) {
  const [sample] = randomSamples(1);
  if (sample === undefined) throw new Error('no sample');
  return planLatency(runtime, bindTo(model, text).plan, sample, { threads: 1, runs: 3, ...options });
}

function foldersLeft(): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('onnx-precision-latency-'));
}

describe('latency of a plan', () => {
  it('is that of its converted model, of which nothing is left', async () => {
    const before = foldersLeft();
    const latency = await latencyOf(writeChain(join(folder, 'chain.onnx'), 3), 'default: fp16\n');
    if ('problem' in latency) throw new Error(latency.problem);
    expect(latency.layers.map(({ layer }) => layer.name)).toEqual([
      ...['mul_0', 'relu_0', 'mul_1', 'relu_1', 'mul_2', 'relu_2'],
    ]);
    expect(latency.whole.plan).toBeGreaterThan(0);
    // The input is cast: the runtime has that kernel in the converted model only.
    expect(latency.layers.some(({ casts }) => casts > 0)).toBe(true);
    expect(foldersLeft()).toEqual(before);
  });

  it('is the reason for which there is no such model', async () => {
    const model = writeModel(join(folder, 'beyond.onnx'), {
      nodes: [makeNode({ opType: 'Mul', name: 'mul', inputs: ['x', 'w'], outputs: ['y'] })],
      weights: [floatTensor('w', [1, 16], new Float32Array(16).fill(1e6))],
      inputs: { x: [1, 16] },
      outputs: { y: [1, 16] },
    });
    expect(await latencyOf(model, 'default: fp16\n')).toEqual({
      problem: expect.stringContaining('"w"') as string,
    });
    expect(await latencyOf(model, 'default: fp32\n', { mostBytes: 100 })).toEqual({
      problem: 'the converted model is larger than 0.0001 MB',
    });
  });

  it('leaves nothing behind where it is stopped', async () => {
    const before = foldersLeft();
    const abort = new AbortController();
    const model = writeChain(join(folder, 'stopped.onnx'), 3);
    const progress = (): void => {
      abort.abort();
    };
    await expect(
      latencyOf(model, 'default: fp16\n', { signal: abort.signal, progress }),
    ).rejects.toMatchObject({ kind: 'cancelled' });
    expect(foldersLeft()).toEqual(before);
  });
});
