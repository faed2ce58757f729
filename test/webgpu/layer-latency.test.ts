/** How long each layer takes on WebGPU: the time of the device, led back to layers, with casts at the borders that cause them. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  planLatency,
  withOptionsOf,
  withoutStore,
  type LayerLatency,
  type Runtime,
} from '../../server/src/analysis/index.js';
import {
  bindTo,
  computeForTests,
  floatTensor,
  latencyNumbers,
  randomSamples,
  randomValues,
  writeChain,
  writeModel,
} from '../../server/src/analysis/testing/index.js';
import { makeNode } from '../../server/src/onnx/index.js';
import { webgpuEnvironment } from './webgpu-environment.js';

const { runtime, folder } = await computeForTests({ environment: await webgpuEnvironment() });
const chain = writeChain(join(folder, 'chain.onnx'), 4);

/**
 * Layers that take far longer than the steps of a device's clock, which are coarse on purpose (65 microseconds): `mul_0`, `relu_0`,
 * `mul_1`, ..., of so many rows of so many numbers.
 */
const [ROWS, WIDE] = [1024, 128];
const long = writeModel(join(folder, 'long.onnx'), {
  nodes: [0, 1, 2].flatMap((at) => [
    makeNode({
      ...{ opType: 'MatMul', name: `mul_${at}` },
      inputs: [at === 0 ? 'x' : `r${at - 1}`, 'w'],
      outputs: [`m${at}`],
    }),
    makeNode({
      ...{ opType: 'Relu', name: `relu_${at}` },
      inputs: [`m${at}`],
      outputs: [at === 2 ? 'y' : `r${at}`],
    }),
  ]),
  weights: [floatTensor('w', [WIDE, WIDE], randomValues(WIDE * WIDE, 1))],
  inputs: { x: [ROWS, WIDE] },
  outputs: { y: [ROWS, WIDE] },
});

async function latencyOf(text: string): Promise<LayerLatency> {
  const { plan } = bindTo(long, text);
  const [sample] = randomSamples(1, [ROWS, WIDE]);
  if (sample === undefined) throw new Error('no sample');
  const latency = await planLatency(runtime, plan, sample, { threads: 1, target: 'webgpu', runs: 5 });
  if ('problem' in latency) throw new Error(latency.problem);
  return latency;
}

describe('latency of layers on WebGPU', () => {
  it('is that of the device, in both formats, and adds up to a run', async () => {
    const { layers, others, unmapped, outside, whole, unmappedKernels } = await latencyOf('default: fp16\n');
    for (const key of ['fp32', 'plan'] as const) {
      for (const one of layers) expect(one[key], one.layer.name).toBeGreaterThan(0);
      const inside = layers.reduce((sum, one) => sum + one[key] + (key === 'plan' ? one.casts : 0), 0);
      expect(inside + others[key] + unmapped[key] + outside[key]).toBeCloseTo(whole[key], 9);
      expect(outside[key]).toBeGreaterThanOrEqual(0);
    }
    expect(unmappedKernels.filter((name) => !name.startsWith('Memcpy'))).toEqual([]);
  });

  it('is what an editor shows of a plan for it, with the options that the plan states', async () => {
    const { plan } = bindTo(chain, 'target webgpu { preferredLayout: NHWC }\ndefault: fp16\n');
    const evaluation = (): Promise<never> => Promise.reject(new Error('a latency needs no evaluation'));
    const results = withoutStore({ runtime, samples: randomSamples(1), evaluation });
    const asked: unknown[] = [];
    const find = (_: string, recipe: unknown): Promise<undefined> => {
      asked.push(recipe);
      return Promise.resolve(undefined);
    };
    const found = await latencyNumbers({ ...results, find }, runtime, plan, {});
    expect(asked).toMatchObject([{ provider: 'webgpu', options: { preferredLayout: 'NHWC' } }]);
    expect(found).toMatchObject({ target: 'webgpu' });
  });

  it('is of nodes on the processor where the plan keeps them there, whatever they are called while they are timed', async () => {
    const { plan } = bindTo(chain, 'target webgpu { forceCpuNodeNames: ["relu_2"] }\ndefault: fp16\n');
    const [sample] = randomSamples(1);
    if (sample === undefined) throw new Error('no sample');
    const places = new Set<string>();
    const watched: Runtime = {
      ...runtime,
      profile: async (session, signal) => {
        const kernels = await runtime.profile(session, signal);
        for (const { opType, provider } of kernels) places.add(`${opType} ${provider}`);
        return kernels;
      },
    };
    const options = { threads: 1, target: 'webgpu', runs: 1 } as const;
    await planLatency(withOptionsOf(plan.targets, watched), plan, sample, options);
    expect(places).toContain('Relu CPUExecutionProvider');
    expect(places).not.toContain('MatMul CPUExecutionProvider');
  });

  it('has casts at the layers whose format causes them, and nowhere else', async () => {
    const { layers } = await latencyOf('layer "mul_1", "relu_1": fp16\n');
    const cast = layers.filter(({ casts }) => casts > 0).map(({ layer }) => layer.name);
    expect(cast).toEqual(['mul_1', 'relu_1']);
  });
});
