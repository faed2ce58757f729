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
import type { ProfiledKernel, Provider, ProviderOptions, Runtime } from '../../runtime/index.js';
import { putSample } from '../evaluation.js';
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

/** Runs it without optimisation. `scalars`: the first element of each output. Throws the runtime's `RuntimeFailure`. */
export async function runOnce(
  runtime: Runtime,
  bytes: Uint8Array,
  inputs: Readonly<Record<string, SampleTensor>>,
  { provider, providerOptions, signal }: SmallRunTarget,
  weightsFolder = '.',
): Promise<{ readonly kernels: readonly ProfiledKernel[]; readonly scalars: readonly number[] }> {
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
      const floating = results.filter(({ dataType }) => dataType === DataType.FLOAT);
      const scalars = await runtime.readScalars(floating, signal);
      return { kernels: await runtime.profile(session, signal), scalars };
    } finally {
      await runtime.release([...Object.values(feeds), ...results]);
    }
  } finally {
    await runtime.close(session);
  }
}
