/** How long each layer takes on WebGPU: the time of the device, led back to layers, with casts at the borders that cause them. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planLatency, type LayerLatency, type Runtime } from '../../server/src/analysis/index.js';
import {
  bindTo,
  randomSamples,
  startTestCompute,
  testFolder,
  writeChain,
} from '../../server/src/analysis/testing/index.js';
import { webgpuEnvironment } from './webgpu-environment.js';

const folder = testFolder();
const chain = writeChain(join(folder.path, 'chain.onnx'), 4);
let runtime: Runtime;

beforeAll(async () => {
  runtime = await startTestCompute({ environment: await webgpuEnvironment() });
});
afterAll(async () => {
  await runtime.dispose();
  folder.remove();
});

async function latencyOf(text: string): Promise<LayerLatency> {
  const { plan } = bindTo(chain, text);
  const [sample] = randomSamples(1);
  if (sample === undefined) throw new Error('no sample');
  const latency = await planLatency(runtime, plan, sample, { threads: 1, target: 'webgpu', runs: 5 });
  if ('problem' in latency) throw new Error(latency.problem);
  return latency;
}

describe('latency of layers on WebGPU', () => {
  it('is that of the device, in both formats, and adds up to a run', async () => {
    const { layers, others, unmapped, outside, whole, unmappedKernels } = await latencyOf('default: fp16\n');
    for (const { layer, fp32, plan, fusedInto } of layers) {
      expect(fp32 > 0 || fusedInto.fp32 !== undefined, layer.name).toBe(true);
      expect(plan > 0 || fusedInto.plan !== undefined, layer.name).toBe(true);
    }
    for (const key of ['fp32', 'plan'] as const) {
      const inside = layers.reduce((sum, one) => sum + one[key] + (key === 'plan' ? one.casts : 0), 0);
      expect(inside + others[key] + unmapped[key] + outside[key]).toBeCloseTo(whole[key], 9);
      expect(outside[key]).toBeGreaterThanOrEqual(0);
    }
    expect(unmappedKernels.filter((name) => !name.startsWith('Memcpy'))).toEqual([]);
  });

  it('has casts at the layers whose format causes them, and nowhere else', async () => {
    const { layers } = await latencyOf('layer "mul_1", "relu_1": fp16\n');
    const cast = layers.filter(({ casts }) => casts > 0).map(({ layer }) => layer.name);
    expect(cast).toEqual(['mul_1', 'relu_1']);
  });
});
