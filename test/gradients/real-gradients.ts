/** Runs a real model and its backward graph in the compute process, weights by byte range, and reads what comes out. */
import { observedShapes, type Runtime } from '../../server/src/analysis/index.js';
import { sampleOf } from '../../server/src/analysis/testing/index.js';
import { backwardModel, backwardVariant, type BackwardModel } from '../../server/src/gradients/index.js';
import { DataType, makeValueInfo, weightsFolder, type Model } from '../../server/src/onnx/index.js';

export interface FloatTensor {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}
export type FloatTensors = Readonly<Record<string, FloatTensor>>;

export interface RealGradients {
  readonly backward: BackwardModel;
  /** Runs the model and its backward graph; gives the tensors of the model asked for, and gradients of others by their names. */
  run(probes: FloatTensors): Promise<{ readonly tensors: FloatTensors; readonly gradients: FloatTensors }>;
  close(): Promise<void>;
}

export interface GradientsWanted {
  readonly outputs: readonly string[];
  readonly gradients: readonly string[];
  readonly tensors?: readonly string[];
  readonly probes: number;
}

/** The gradients of a model at one point, ready to run for any probes. */
export async function openGradients(
  runtime: Runtime,
  model: Model,
  point: FloatTensors,
  { outputs, gradients, tensors = [], probes }: GradientsWanted,
): Promise<RealGradients> {
  const observed = await observedShapes(runtime, model, sampleOf(0, point));
  const shapes = new Map([...observed].map(([name, shape]) => [name, shape.map(Number)]));
  const backward = backwardModel({ model, shapes, probes, outputs, wanted: gradients });
  const named = gradients.flatMap((tensor) => {
    const gradient = backward.gradientOf(tensor);
    return gradient === undefined ? [] : [[tensor, gradient] as const];
  });
  const given = new Set([...tensors, ...named.map(([, gradient]) => gradient)]);
  const variant = backwardVariant(
    backward,
    [...given].map((name) => makeValueInfo(name, undefined)),
  );
  const session = await runtime.open({
    model: { bytes: variant.bytes, weightsFolder: weightsFolder(model) ?? '.' },
    ...{ provider: 'cpu', optimization: 'disabled', threads: 1 },
  });
  return {
    backward,
    async run(probed) {
      const values = Object.entries(probed).map(([output, tensor]) => {
        const name = backward.probeOf.get(output);
        if (name === undefined) throw new Error(`${output} has no probes`);
        return [name, tensor] as const;
      });
      const found = await runFloats(runtime, session, { ...point, ...Object.fromEntries(values) });
      const read = (name: string): FloatTensor => {
        const tensor = found[name];
        if (tensor === undefined) throw new Error(`${name} was not given`);
        return tensor;
      };
      return {
        tensors: Object.fromEntries(tensors.map((name) => [name, read(name)])),
        gradients: Object.fromEntries(named.map(([tensor, gradient]) => [tensor, read(gradient)])),
      };
    },
    close: () => runtime.close(session),
  };
}

/** Runs a session on FP32 tensors; all its outputs. */
export async function runFloats(
  runtime: Runtime,
  session: Awaited<ReturnType<Runtime['open']>>,
  inputs: FloatTensors,
): Promise<FloatTensors> {
  const feeds = Object.fromEntries(
    await Promise.all(
      Object.entries(inputs).map(async ([name, { dims, values }]) => {
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        return [name, await runtime.put(DataType.FLOAT, dims, { kind: 'bytes', bytes })] as const;
      }),
    ),
  );
  const outputs = await runtime.run(session, feeds);
  const read = await Promise.all(
    Object.entries(outputs).map(async ([name, handle]) => {
      const bytes = await runtime.read(handle);
      const values = new Float32Array(
        bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
      );
      return [name, { dims: handle.dims, values }] as const;
    }),
  );
  await runtime.release([...Object.values(feeds), ...Object.values(outputs)]);
  return Object.fromEntries(read);
}

/** The sum of products, in FP64. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}
