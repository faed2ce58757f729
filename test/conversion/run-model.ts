/** Runs small models in ONNX Runtime itself, one thread, unoptimised, so that equal arithmetic gives equal bits. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { openModel, type Model } from '../../server/src/onnx/index.js';

export type Feeds = Readonly<Record<string, ort.Tensor>>;
export type Level = 'disabled' | 'basic' | 'extended' | 'all';

export interface RunResult {
  readonly inputs: readonly string[];
  readonly outputs: Readonly<Record<string, ort.Tensor>>;
}

/** @param folder where the weights of a variant lie. */
export async function runModel(
  bytes: Uint8Array,
  feeds: Feeds,
  folder?: string,
  level: Level = 'disabled',
): Promise<RunResult> {
  const session = await ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: level,
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    ...(folder === undefined
      ? {}
      : { extra: { session: { model_external_initializers_file_folder_path: folder } } }),
  });
  try {
    const results = await session.run(feeds);
    return { inputs: session.inputNames, outputs: results };
  } finally {
    await session.release();
  }
}

/** The bytes of each output, for comparison to the last bit. */
export function bitsOf({ outputs }: RunResult): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => {
      const { data } = tensor;
      if (!ArrayBuffer.isView(data)) throw new Error(`${name} has no numbers`);
      return [name, new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()];
    }),
  );
}

/** The numbers of an FP32 output. */
export function floatsOf({ outputs }: RunResult, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`${name} has no FP32 numbers`);
  return data;
}

/** FP32 numbers between 0 and 1 that look random and are the same each time. */
export function fakeInput(dims: readonly number[], seed = 1): ort.Tensor {
  const random = randomNumbers(seed);
  const count = dims.reduce((product, dim) => product * dim, 1);
  return new ort.Tensor('float32', Float32Array.from({ length: count }, random), dims);
}

/** Lehmer's generator: the same numbers on every machine. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** Does something with a model in a file of its own, and takes the file away. */
export async function withModelFile<Result>(
  bytes: Uint8Array,
  use: (model: Model, folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-precision-'));
  try {
    const path = join(folder, 'model.onnx');
    writeFileSync(path, bytes);
    const opened = openModel(path);
    if ('problem' in opened) throw new Error(opened.problem.message);
    try {
      return await use(opened.model, folder);
    } finally {
      opened.model.source.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
