/**
 * What of the targets that a plan can name there is on this machine: found by running a model of one node on each, never
 * assumed from a list. Knows providers and how to get one; no plan and no model of the user's.
 */
import { DataType, makeNode, makeTensorType, makeValueInfo } from '../../onnx/index.js';
import { PROVIDERS, RuntimeFailure, type Provider, type Runtime } from '../../runtime/index.js';
import { providerOfKernels } from './placement.js';
import { floats, runOnce, smallModel } from './small-run.js';

export interface TargetState {
  readonly name: Provider;
  /** A model runs there. */
  readonly usable: boolean;
  /** One sentence: what it runs on, or what is missing. */
  readonly summary: string;
  /** How to get what is missing; undefined for a target that is usable. */
  readonly advice: string | undefined;
}

/** The state of every target, in the order of the language. */
export async function targetStates(runtime: Runtime, signal?: AbortSignal): Promise<readonly TargetState[]> {
  const states: TargetState[] = [];
  for (const name of PROVIDERS) states.push(await targetState(runtime, name, signal));
  return states;
}

/** The state of one target. A runtime that cannot be started at all throws its `RuntimeFailure`. */
export async function targetState(
  runtime: Runtime,
  name: Provider,
  signal?: AbortSignal,
): Promise<TargetState> {
  const { onnxRuntime, platform, device, providers } = await runtime.information(signal);
  if (!providers.includes(name)) {
    const summary = `ONNX Runtime ${onnxRuntime} for Node has no ${name} provider on ${platform}.`;
    return { name, usable: false, summary, advice: ADVICE[name].provider };
  }
  try {
    const ran = await runOneNode(runtime, name, signal);
    if (ran !== name) {
      const summary = `ONNX Runtime loads the ${name} provider and runs a model on ${ran ?? 'another one'} instead.`;
      return { name, usable: false, summary, advice: ADVICE[name].device };
    }
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || error.kind === 'cancelled') throw error;
    const summary = `ONNX Runtime ${onnxRuntime} has the ${name} provider, which does not start: ${error.message}`;
    return { name, usable: false, summary, advice: ADVICE[name].device };
  }
  const on = name === 'cpu' ? device : `the ${name} device of this machine`;
  return {
    name,
    usable: true,
    summary: `ONNX Runtime ${onnxRuntime} runs models on ${on}.`,
    advice: undefined,
  };
}

/** What to do where ONNX Runtime lacks the provider, and where it has it and finds nothing to run on. */
const ADVICE: Readonly<Record<Provider, { readonly provider: string; readonly device: string }>> = {
  cpu: {
    provider: 'Use a platform for which the npm package onnxruntime-node has a binary.',
    device: 'Use a platform for which the npm package onnxruntime-node has a binary.',
  },
  webgpu: {
    provider: 'The package onnxruntime-node has WebGPU for Windows, macOS and Linux on x64 processors.',
    device:
      "Install the graphics driver; on Linux one with Vulkan, or Mesa's software driver (mesa-vulkan-drivers, version 25 or newer).",
  },
  cuda: {
    provider:
      'On Linux x64, let the install script of onnxruntime-node fetch its CUDA libraries: npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12. Elsewhere, profile on the device and read the profile.',
    device: 'Install the NVIDIA driver, CUDA 12 and cuDNN 9.',
  },
  tensorrt: {
    provider:
      'On Linux x64, let the install script of onnxruntime-node fetch its CUDA and TensorRT libraries: npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12.',
    device: 'Install the NVIDIA driver, CUDA 12 and TensorRT 10.',
  },
  dml: {
    provider: 'DirectML is there on Windows only; webgpu runs on the same devices.',
    device: 'Install a graphics driver for DirectX 12.',
  },
  coreml: {
    provider: 'Core ML is there on macOS only.',
    device: 'Use macOS 12 or newer.',
  },
};

/** y = x + x, run once; the provider that it really ran on. */
async function runOneNode(
  runtime: Runtime,
  provider: Provider,
  signal: AbortSignal | undefined,
): Promise<Provider | undefined> {
  const type = makeTensorType(DataType.FLOAT, [4]);
  const bytes = smallModel({
    nodes: [makeNode({ opType: 'Add', name: 'add', inputs: ['x', 'x'], outputs: ['y'] })],
    inputs: [makeValueInfo('x', type)],
    outputs: [makeValueInfo('y', type)],
  });
  const { kernels } = await runOnce(runtime, bytes, { x: floats([0, 0, 0, 0], [4]) }, provider, signal);
  return providerOfKernels(kernels);
}
