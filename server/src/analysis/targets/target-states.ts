/**
 * What of the targets that a plan can name there is on this machine: found by running a model of one node on each, never
 * assumed from a list. Knows providers; no plan and no model of the user's.
 */
import { DataType, makeNode, makeTensorType, makeValueInfo } from '../../onnx/index.js';
import {
  deviceWords,
  PROVIDERS,
  RuntimeFailure,
  type Provider,
  type ProviderOptions,
  type Runtime,
} from '../../runtime/index.js';
import { wayToDevice, wayToProvider } from './how-to-get.js';
import { providerOfKernels } from './placement.js';
import { floats, runOnce, smallModel, type SmallRunTarget } from './small-run.js';

export interface TargetState {
  readonly name: Provider;
  /** A model runs there. */
  readonly usable: boolean;
  /** What it computes on; undefined for a target that is not usable, and where the system does not tell. */
  readonly device: TargetDevice | undefined;
  /** One sentence: what it runs on, or what is missing. */
  readonly summary: string;
  /** How to get what is missing; undefined for a target that is usable. */
  readonly advice: string | undefined;
}

export interface TargetDevice {
  readonly name: string;
  /** Known to stand in for a graphics card on the processor. */
  readonly isSoftware: boolean;
}

/** The state of every target, in the order of the language. */
export async function targetStates(runtime: Runtime, signal?: AbortSignal): Promise<readonly TargetState[]> {
  const states: TargetState[] = [];
  for (const name of PROVIDERS) states.push(await targetState(runtime, name, signal));
  return states;
}

/**
 * The state of one target, with options of its provider. A runtime that cannot be started at all, or that is lost to others' work
 * time and again, throws its `RuntimeFailure`: that says nothing of the target.
 */
export async function targetState(
  runtime: Runtime,
  name: Provider,
  signal?: AbortSignal,
  providerOptions?: ProviderOptions,
): Promise<TargetState> {
  const { onnxRuntime, platform, device, providers, unbundled } = await runtime.information(signal);
  const missing = { name, usable: false, device: undefined } as const;
  if (![...providers, ...unbundled].includes(name)) {
    const summary = `ONNX Runtime ${onnxRuntime} for Node has no ${name} provider on ${platform}.`;
    return { ...missing, summary, advice: wayToProvider(name, platform) };
  }
  try {
    const ran = await runOneNode(runtime, { provider: name, providerOptions, signal });
    if (ran !== name) {
      const summary = `ONNX Runtime loads the ${name} provider and runs a model on ${ran ?? 'another one'} instead.`;
      return { ...missing, summary, advice: wayToDevice(name, platform, '') };
    }
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || error.kind === 'cancelled' || error.kind === 'stale')
      throw error;
    const reason = sentence(error.message);
    const summary = `ONNX Runtime ${onnxRuntime} has the ${name} provider, which does not start: ${reason}`;
    return { ...missing, summary, advice: wayToDevice(name, platform, reason) };
  }
  const on = name === 'cpu' ? { name: device, isSoftware: false } : await graphicsOf(runtime, name, signal);
  const words =
    on === undefined ? `the ${name} device of this machine, which is not told by name` : deviceWords(on);
  return {
    ...{ name, usable: true, device: on },
    summary: `ONNX Runtime ${onnxRuntime} runs models on ${words}.`,
    advice: undefined,
  };
}

/** What the model that just ran did so on, where that is told: of WebGPU alone. */
async function graphicsOf(
  runtime: Runtime,
  name: Provider,
  signal: AbortSignal | undefined,
): Promise<TargetDevice | undefined> {
  return name === 'webgpu' ? await runtime.graphicsDevice(signal) : undefined;
}

/** As the first of two, whatever a runtime ends its messages with. */
function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

/** y = x + x, run once; the provider that it really ran on. */
async function runOneNode(runtime: Runtime, target: SmallRunTarget): Promise<Provider | undefined> {
  const type = makeTensorType(DataType.FLOAT, [4]);
  const bytes = smallModel({
    nodes: [makeNode({ opType: 'Add', name: 'add', inputs: ['x', 'x'], outputs: ['y'] })],
    inputs: [makeValueInfo('x', type)],
    outputs: [makeValueInfo('y', type)],
  });
  const { kernels } = await runOnce(runtime, bytes, { x: floats([0, 0, 0, 0], [4]) }, target);
  return providerOfKernels(kernels);
}
