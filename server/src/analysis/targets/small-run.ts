/** A few nodes, run once on a target and profiled: how experiments on a target are made. Knows no experiment. */
import {
  DataType,
  encodeBytes,
  encodeFreshSteps,
  finish,
  makeGraph,
  type Node,
  type ValueInfo,
} from '../../onnx/index.js';
import {
  RuntimeFailure,
  type ProfiledKernel,
  type Provider,
  type ProviderOptions,
  type Runtime,
} from '../../runtime/index.js';
import { putSample } from '../sessions/evaluation.js';
import type { SampleTensor } from '../samples/index.js';

export interface SmallModelParts {
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** Where a few nodes are run. */
export interface SmallRunTarget {
  readonly provider: Provider;
  readonly providerOptions?: ProviderOptions | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Every operator of the experiments is there at this opset, and FP16 with it. */
const OPSET = 17;

/** The bytes of a model without weights. */
export function smallModel(parts: SmallModelParts): Uint8Array {
  const graph = makeGraph({ name: 'experiment', initializers: [], ...parts });
  const opsets = new Map([['', OPSET]]);
  return encodeBytes(finish(encodeFreshSteps({ irVersion: 8, opsets, functions: [], graph })));
}

/** A tensor of FP32 values. */
export function floats(values: ArrayLike<number>, dims: readonly number[]): SampleTensor {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  return {
    dataType: DataType.FLOAT,
    dims,
    content: { kind: 'bytes', bytes },
    origin: 'experiment',
    sha256: '',
  };
}

/** What came of a small run. */
export interface SmallRun {
  readonly kernels: readonly ProfiledKernel[];
  /** The first element of each output in FP32 that has any. */
  readonly scalars: readonly number[];
}

/** Times that a run is begun again because the process ended between two of its calls. */
const MOST_LOSSES = 3;

/**
 * Runs it without optimisation; again where the process was lost to somebody else's work, and once where it crashed: one crash may
 * have another's fault, the second is the model's. Throws the runtime's `RuntimeFailure`.
 */
export async function runOnce(
  runtime: Runtime,
  bytes: Uint8Array,
  inputs: Readonly<Record<string, SampleTensor>>,
  target: SmallRunTarget,
  weightsFolder = '.',
): Promise<SmallRun> {
  for (let losses = 0, crashes = 0; ;) {
    try {
      return await run(runtime, bytes, inputs, target, weightsFolder);
    } catch (error) {
      if (!(error instanceof RuntimeFailure)) throw error;
      if (error.kind === 'stale' && losses < MOST_LOSSES) losses += 1;
      else if (error.kind === 'crashed' && crashes === 0) crashes += 1;
      else throw error;
    }
  }
}

async function run(
  runtime: Runtime,
  bytes: Uint8Array,
  inputs: Readonly<Record<string, SampleTensor>>,
  { provider, providerOptions, signal }: SmallRunTarget,
  weightsFolder: string,
): Promise<SmallRun> {
  const settings = {
    provider,
    providerOptions,
    optimization: 'disabled',
    threads: 1,
    profile: true,
  } as const;
  const session = await runtime.open({ model: { bytes, weightsFolder }, ...settings }, signal);
  try {
    const sample = { index: 0, name: 'experiment', key: '', inputs };
    const feeds = await putSample(runtime, sample, signal);
    const results = [];
    try {
      results.push(...Object.values(await runtime.run(session, feeds, undefined, signal)));
      const floating = results.filter(
        ({ dataType, dims }) => dataType === DataType.FLOAT && !dims.includes(0),
      );
      const scalars = await runtime.readScalars(floating, signal);
      return { kernels: await runtime.profile(session, signal), scalars };
    } finally {
      await runtime.release([...Object.values(feeds), ...results]);
    }
  } finally {
    await runtime.close(session);
  }
}
