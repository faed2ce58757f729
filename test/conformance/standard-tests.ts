/**
 * The standard's tests: a model, what it is fed, and what it must give. What ONNX Runtime makes of them in FP32 tells
 * what may be asked of a conversion.
 */
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeBf16, decodeFp16 } from '../../server/src/formats/index.js';
import {
  DataType,
  fileSource,
  inferTypes,
  openModel,
  readTensorFile,
  tensorBytes,
  type Model,
  type ValueType,
} from '../../server/src/onnx/index.js';
import {
  RuntimeFailure,
  type Runtime,
  type Session,
  type TensorHandle,
} from '../../server/src/runtime/index.js';

export interface StandardTest {
  readonly name: string;
  readonly model: Model;
  /** The folder with `input_0.pb`, `output_0.pb` and so on. */
  readonly data: string;
}

/** What a run gives: types and shapes by name, and the elements. */
export interface TestRun {
  readonly inputs: readonly string[];
  readonly outputs: Readonly<Record<string, FileTensor>>;
}

interface FileTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

/** Tests of single operators, and small models that were exported or written by hand. */
const SETS = ['node', 'simple', 'pytorch-operator', 'pytorch-converted'];

/** The tests whose model has FP32 tensors anywhere. Models are left open. */
export function floatingPointTests(folder: string): readonly StandardTest[] {
  const tests: StandardTest[] = [];
  for (const set of SETS.filter((one) => existsSync(join(folder, one)))) {
    for (const test of readdirSync(join(folder, set)).sort()) {
      const path = join(folder, set, test);
      const opened = openModel(join(path, 'model.onnx'));
      if ('problem' in opened) throw new Error(`${test}: ${opened.problem.message}`);
      const { model } = opened;
      if ([...inferTypes(model).types.values()].some(holdsFloat)) {
        tests.push({ name: test, model, data: join(path, 'test_data_set_0') });
      } else {
        model.source.close();
      }
    }
  }
  return tests;
}

function holdsFloat(type: ValueType): boolean {
  switch (type.kind) {
    case 'tensor':
    case 'sparse':
      return type.elementType === DataType.FLOAT;
    case 'sequence':
    case 'optional':
      return holdsFloat(type.element);
    case 'map':
    case 'opaque':
      return false;
  }
}

/**
 * What the runtime does with the test's own model, in FP32. `isRight`: it gives what the standard wants. Without a run there
 * is a reason: it does not load the model, or does not run it.
 */
export type Baseline =
  | { readonly loads: true; readonly run: TestRun; readonly isRight: boolean }
  | { readonly loads: boolean; readonly run: undefined; readonly reason: string };

export async function baselineOf(runtime: Runtime, test: StandardTest): Promise<Baseline> {
  const { source, graph } = test.model;
  const bytes = source.read(0, source.length);
  let loads = false;
  try {
    await loadModel(runtime, bytes);
    loads = true;
    const strange = [...graph.inputs, ...graph.outputs].find(({ type }) => type?.kind !== 'tensor');
    if (strange !== undefined) {
      return {
        loads,
        run: undefined,
        reason: `${strange.name} is no tensor, and others cannot be fed in Node`,
      };
    }
    const run = await runTest(runtime, test, bytes);
    const isRight = graph.outputs.every(({ name }, at) => {
      const given = run.outputs[name];
      return given !== undefined && isNear(given, tensorOf(join(test.data, `output_${at}.pb`)));
    });
    return { loads: true, run, isRight };
  } catch (error) {
    if (!(error instanceof RuntimeFailure) && !(error instanceof NoBytes)) throw error;
    return { loads, run: undefined, reason: error.message };
  }
}

/** Loads a model as applications do, with all optimisations, and lets it go. */
export async function loadModel(runtime: Runtime, bytes: Uint8Array): Promise<void> {
  await runtime.close(await openSession(runtime, bytes, 'all'));
}

function openSession(
  runtime: Runtime,
  bytes: Uint8Array,
  optimization: 'disabled' | 'all',
): Promise<Session> {
  return runtime.open({
    model: { bytes, weightsFolder: tmpdir() },
    provider: 'cpu',
    optimization,
    threads: 1,
  });
}

/** Loads a model, a conversion of the test's own, and runs it on the test's inputs. */
export async function runTest(
  runtime: Runtime,
  { model, data }: StandardTest,
  bytes: Uint8Array,
): Promise<TestRun> {
  const handles: TensorHandle[] = [];
  const session = await openSession(runtime, bytes, 'disabled');
  try {
    const feeds: Record<string, TensorHandle> = {};
    const files = new Set(readdirSync(data));
    for (const [at, { name }] of model.graph.inputs.entries()) {
      // What the standard leaves out has a default.
      if (!files.has(`input_${at}.pb`)) continue;
      const tensor = tensorOf(join(data, `input_${at}.pb`));
      const handle = await runtime.put(tensor.dataType, tensor.dims, { kind: 'bytes', bytes: tensor.bytes });
      handles.push(handle);
      if (session.inputs.includes(name)) feeds[name] = handle;
    }
    const results = Object.entries(await runtime.run(session, feeds));
    handles.push(...results.map(([, handle]) => handle));
    const outputs: Record<string, FileTensor> = {};
    for (const [name, handle] of results) {
      outputs[name] = { dataType: handle.dataType, dims: handle.dims, bytes: await runtime.read(handle) };
    }
    return { inputs: session.inputs, outputs };
  } finally {
    await runtime.release(handles);
    await runtime.close(session);
  }
}

/** Texts, which cannot be fed. */
class NoBytes extends Error {}

function tensorOf(path: string): FileTensor {
  const source = fileSource(path);
  try {
    const result = readTensorFile(source);
    if ('problem' in result) throw new Error(result.problem.message);
    const { tensor } = result;
    const elements = tensorBytes(tensor, undefined);
    if ('problem' in elements) throw new NoBytes(elements.problem.message);
    return { dataType: tensor.dataType, dims: tensor.dims, bytes: elements.bytes };
  } finally {
    source.close();
  }
}

/** The tolerances of the standard's own runner; what is not floating point must be equal. */
function isNear(given: FileTensor, wanted: FileTensor): boolean {
  if (given.dataType !== wanted.dataType || given.dims.join() !== wanted.dims.join()) return false;
  const [a, b] = [floatsOf(given), floatsOf(wanted)];
  if (a === undefined || b === undefined) return Buffer.compare(given.bytes, wanted.bytes) === 0;
  return a.every((value, at) => {
    const exact = b[at] ?? NaN;
    return Object.is(value, exact) || Math.abs(value - exact) <= 1e-7 + 1e-3 * Math.abs(exact);
  });
}

function floatsOf({ dataType, bytes }: FileTensor): Float32Array | Float64Array | undefined {
  const { buffer } = new Uint8Array(bytes);
  switch (dataType) {
    case DataType.FLOAT:
      return new Float32Array(buffer);
    case DataType.DOUBLE:
      return new Float64Array(buffer);
    case DataType.FLOAT16:
      return decodeFp16(new Uint16Array(buffer));
    case DataType.BFLOAT16:
      return decodeBf16(new Uint16Array(buffer));
    default:
      return undefined;
  }
}
