import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convert } from '../../convert/index.js';
import { openModel, writePieces, type Model } from '../../onnx/index.js';
import { precisionGraph } from '../../plan/index.js';
import { layerLatency, type LayerLatency } from './layer-latency.js';
import type { SessionRequest } from '../../runtime/index.js';
import type { Sample } from '../samples/index.js';
import {
  bindTo,
  computeForTests,
  failingInRuns,
  failingWhere,
  OCR_MODELS,
  POSE_MODEL,
  randomSamples,
  realModel,
  writeChain,
} from '../testing/index.js';

const { runtime, folder } = await computeForTests();

/** The model that the plan is converted to, as a file. */
async function converted(model: Model, text: string, name: string): Promise<Model> {
  const { plan } = bindTo(model, text);
  const conversion = convert(precisionGraph(model, plan.roles, plan.layers, plan.decisions));
  if ('problems' in conversion) throw new Error(conversion.problems[0]?.message);
  const path = join(folder, name);
  await writePieces(path, conversion.pieces);
  const opened = openModel(path);
  if ('problem' in opened) throw new Error(opened.problem.message);
  return opened.model;
}

function poseSample(): Sample {
  const [sample] = randomSamples(1, [1, 256, 256, 3]);
  const tensor = sample?.inputs['x'];
  if (sample === undefined || tensor === undefined) throw new Error('no sample');
  return { ...sample, inputs: { input_1: tensor } };
}

function sum(latency: LayerLatency, key: 'fp32' | 'plan' | 'casts'): number {
  return latency.layers.reduce((total, layer) => total + layer[key], 0);
}

/** Every layer has a time or a neighbour that does its work, and the parts make up the whole. */
function checkLatency(latency: LayerLatency): void {
  for (const { layer, fp32, plan, fusedInto } of latency.layers) {
    expect(fp32 > 0 || fusedInto.fp32 !== undefined, layer.name).toBe(true);
    expect(plan > 0 || fusedInto.plan !== undefined, layer.name).toBe(true);
    expect(fusedInto.fp32).not.toBe(layer);
  }
  for (const key of ['fp32', 'plan'] as const) {
    const inside = sum(latency, key) + latency.others[key] + latency.unmapped[key];
    const casts = key === 'plan' ? sum(latency, 'casts') : 0;
    expect(inside + casts + latency.outside[key]).toBeCloseTo(latency.whole[key], 9);
    // The kernels cannot take longer than the runs that they are part of.
    expect(inside + casts).toBeLessThan(latency.p90[key]);
    expect(latency.p10[key]).toBeLessThanOrEqual(latency.whole[key]);
    expect(latency.unmapped[key]).toBeLessThan(0.02 * latency.whole[key]);
  }
}

describe('latency of layers', () => {
  it('of the pose model: convolutions take the time, and Clips are fused into them', async () => {
    const model = realModel(POSE_MODEL);
    const plan = 'default: fp16\nbetween "conv2d_1/Conv" and "conv2d_10/Conv": fp32\n';
    const mixed = await converted(model, plan, 'pose.onnx');
    const latency = await layerLatency(runtime, model, mixed, poseSample(), { threads: 1, runs: 5 });
    checkLatency(latency);
    const convolutions = latency.layers.filter(({ layer }) => layer.node.opType === 'Conv');
    expect(convolutions.reduce((total, layer) => total + layer.fp32, 0)).toBeGreaterThan(
      0.5 * sum(latency, 'fp32'),
    );
    const clip = latency.layers.find(({ layer }) => layer.name === 're_lu/Relu6');
    expect(clip?.fusedInto.fp32?.name).toBe('conv2d/Conv');
    // Without FP16 kernels the runtime casts round every layer that is in FP16, and only there.
    expect(sum(latency, 'casts')).toBeGreaterThan(0);
    const inside = latency.layers.find(({ layer }) => layer.name === 'conv2d_5/Conv');
    expect(inside?.casts).toBe(0);
  });

  it('of a model with Constant nodes, movement and unnamed kernels', async () => {
    const model = realModel(join(OCR_MODELS, 'ch_PP-OCRv4_rec_infer.onnx'));
    const mixed = await converted(model, 'default: fp16 { overflow: saturate }\n', 'ocr.onnx');
    const [sample] = randomSamples(1, [1, 3, 48, 160]);
    if (sample === undefined) throw new Error('no sample');
    const latency = await layerLatency(runtime, model, mixed, sample, { threads: 1, runs: 3 });
    checkLatency(latency);
  });

  it('is taken one level lower where a model loads and does not run', async () => {
    const model = writeChain(join(folder, 'chain.onnx'), 2);
    const mixed = await converted(model, 'default: fp16\n', 'low-chain.onnx');
    const [sample] = randomSamples(1);
    if (sample === undefined) throw new Error('no sample');
    // The second session is that in which the converted model is tried at the highest level.
    let opened = 0;
    const failing = failingInRuns(runtime, () => (++opened === 2 ? 'failed' : undefined));
    const latency = await layerLatency(failing, model, mixed, sample, { threads: 1, runs: 1 });
    expect(latency.optimization).toEqual({ fp32: 'all', plan: 'layout' });
    expect(latency.notes).toEqual([
      expect.stringMatching(/failed in a run at optimisation level all: no kernel/),
    ]);
  });

  it('names nodes and tensors of the model in what it says of a level that failed', async () => {
    const model = writeChain(join(folder, 'named.onnx'), 1);
    const mixed = await converted(model, 'default: fp16\n', 'low-named.onnx');
    const [sample] = randomSamples(1);
    if (sample === undefined) throw new Error('no sample');
    let opened = 0;
    const failing = failingInRuns(
      runtime,
      () => (++opened === 1 ? 'failed' : undefined),
      "Name:'node_1_' reads tensor_1_",
    );
    const { notes } = await layerLatency(failing, model, mixed, sample, { threads: 1, runs: 1 });
    expect(notes[0]).toMatch(/Name:'relu_0' reads (x|w_0|m_0|y)\./);
  });

  it('names nodes of the model that it is of where it fails while times are taken', async () => {
    const model = writeChain(join(folder, 'timed.onnx'), 1);
    const mixed = await converted(model, 'layer "relu_0": fp16\n', 'low-timed.onnx');
    const [sample] = randomSamples(1);
    if (sample === undefined) throw new Error('no sample');
    let opened = 0;
    // Each model was run once before.
    const failing = failingInRuns(
      runtime,
      () => (++opened > 2 ? 'failed' : undefined),
      "Name:'node_1_' and node_0low_",
    );
    const [first] = mixed.graph.nodes;
    await expect(layerLatency(failing, model, mixed, sample, { threads: 1, runs: 1 })).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining(`Name:'relu_0' and ${first?.name}`) as string,
    });
  });

  it.each([
    [
      'crashed',
      true,
      /crashed in a profiled run at optimisation level all: .* fault is that of [^,]*, not of the model\.$/,
    ],
    ['failed', true, /failed in a profiled run at optimisation level all: .*, not of the model\.$/],
    ['crashed', false, /crashed in a run at optimisation level all: .*graphOptimizationLevel to layout\.$/],
  ] as const)(
    'is taken one level lower of the model that only %s after its first run, while it is profiled (%s)',
    async (kind, profiled, note) => {
      const name = `brittle-${kind}-${String(profiled)}.onnx`;
      const model = writeChain(join(folder, name), 1);
      const mixed = await converted(model, 'default: fp16\n', `low-${name}`);
      const [sample] = randomSamples(1);
      if (sample === undefined) throw new Error('no sample');
      const isConverted = ({ model: file }: SessionRequest): boolean =>
        'bytes' in file && Buffer.from(file.bytes).includes('low_');
      const brittle = failingWhere(runtime, (request) =>
        isConverted(request) && request.optimization === 'all' && (!profiled || request.profile === true)
          ? { during: 'timed run', kind }
          : undefined,
      );
      const latency = await layerLatency(brittle, model, mixed, sample, { threads: 1, runs: 1 });
      expect(latency.optimization).toEqual({ fp32: 'all', plan: 'layout' });
      expect(latency.notes).toEqual([expect.stringMatching(note)]);
    },
  );

  it('of a model that does not run here names the layer for which that is so', async () => {
    const model = realModel(POSE_MODEL);
    const mixed = await converted(model, 'layer "add/add": bf16\n', 'bf16.onnx');
    const sample = poseSample();
    await expect(layerLatency(runtime, model, mixed, sample, { threads: 1, runs: 1 })).rejects.toThrow(
      /Could not find an implementation for Add.*'add\/add'/,
    );
  });
});
