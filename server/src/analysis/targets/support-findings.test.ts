/** What targets were found to do with layers, as diagnostics of a plan; and how to get a target that is missing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderForTests } from '../../testing/index.js';
import { boundPlan } from '../live/testing.js';
import { PROVIDERS } from '../sessions/compute.js';
import { writeChain } from '../testing/index.js';
import { wayToDevice, wayToProvider } from './how-to-get.js';
import type { SupportOutcome } from './layer-trial.js';
import { supportFindings, type SupportOnTarget } from './support-findings.js';

const folder = folderForTests();
const model = writeChain(join(folder, 'model.onnx'), 2);

const HEAD = 'input "x" = zeros\n';

function planOf(text: string) {
  return boundPlan(join(folder, 'p.precision'), model, HEAD + text);
}

function found(layers: Readonly<Record<string, SupportOutcome>>): SupportOnTarget {
  const tried = Object.entries(layers).map(
    ([name, outcome]) => [name, { outcome, detail: 'DmlExecutionProvider' }] as const,
  );
  return { target: 'webgpu', format: 'fp16', layers: new Map(tried) };
}

describe('layers that a target does not run in their format', () => {
  const support = found({
    mul_0: 'through casts',
    relu_0: 'native',
    mul_1: 'elsewhere',
    relu_1: 'refused',
  });

  it('are told on the statement that decides, the gravest first, with FP32 as the way out', () => {
    const plan = planOf('target webgpu\ndefault: fp16\nlayer "mul_0": fp16 { pinned: true }\n');
    const findings = supportFindings(plan, [support]);
    expect(findings.map(({ code, severity, layers }) => [code, severity, layers])).toEqual([
      ['unsupported-on-target', 'warning', ['relu_1', 'mul_1']],
      ['unsupported-on-target', 'warning', ['mul_0']],
    ]);
    expect(findings[0]?.message).toBe(
      'webgpu does not run 2 layers in fp16: Relu not at all: DmlExecutionProvider; MatMul on DmlExecutionProvider, since webgpu has no kernel at all: the data goes there and back',
    );
    expect(findings[1]?.message).toBe(
      'webgpu does not run this layer in fp16: MatMul in FP32 between casts, since webgpu has no kernel for fp16',
    );
    expect(findings.every((one) => one.runIn === undefined)).toBe(true);
  });

  it('are none where the plan runs them in another format, or natively', () => {
    expect(supportFindings(planOf('target webgpu\ndefault: bf16\n'), [support])).toEqual([]);
    expect(supportFindings(planOf('layer "relu_0": fp16\n'), [support])).toEqual([]);
  });
});

describe('how to get a target', () => {
  it('is told for each on each platform', () => {
    for (const platform of ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64']) {
      for (const name of PROVIDERS) {
        expect(wayToProvider(name, platform)).toMatch(/onnxruntime-node/);
        expect(wayToDevice(name, platform, 'It does not start.').length).toBeGreaterThan(20);
      }
    }
  });

  it('names the step that fits what is wrong', () => {
    const missing = 'libonnxruntime_providers_cuda.so is not installed in /none';
    expect(wayToDevice('cuda', 'linux-x64', missing)).toMatch(
      /`node node_modules\/onnxruntime-node\/script\/install\.js --onnxruntime-node-install=cuda12`.*NuGet.*into that folder.*libcudnn9/,
    );
    expect(existsSync('node_modules/onnxruntime-node/script/install.js')).toBe(true);
    expect(wayToDevice('cuda', 'linux-x64', 'libcudnn.so.9: cannot open')).toMatch(
      /CUDA 12 and cuDNN 9.*libcudnn9-cuda-12.*LD_LIBRARY_PATH/,
    );
    expect(wayToDevice('tensorrt', 'linux-x64', 'libnvinfer.so.10: cannot open')).toMatch(/libnvinfer10/);
    expect(wayToDevice('webgpu', 'linux-x64', 'No adapter')).toMatch(/mesa-vulkan-drivers.*VK_DRIVER_FILES/);
    expect(wayToDevice('webgpu', 'win32-x64', 'No adapter')).not.toMatch(/mesa/);
    expect(wayToProvider('dml', 'linux-x64')).toMatch(/Windows on x64.*`webgpu` runs on the same devices/);
    expect(wayToProvider('cuda', 'darwin-arm64')).toMatch(/Linux on x64, not here.*latency from/);
  });
});
