/**
 * The messages between the language server and the compute process: JSON-RPC over Node's IPC channel, in V8's own
 * serialization so that byte arrays cross as bytes. Both sides import this file; it knows neither.
 *
 * | request     | what it does in the compute process                                       | answer              |
 * | ----------- | ------------------------------------------------------------------------- | ------------------- |
 * | hello       | loads ONNX Runtime; from now on identities count up from `firstId`        | RuntimeInformation  |
 * | put         | stores a tensor from bytes, or from a range of a file                     | TensorHandle        |
 * | release     | forgets tensors                                                           | null                |
 * | open        | creates a session                                                         | Session             |
 * | close       | releases a session                                                        | null                |
 * | run         | runs a session on stored tensors and stores the outputs                   | names and handles   |
 * | read        | gives the bytes of a tensor                                               | Uint8Array          |
 * | readScalars | gives the first element of each tensor                                    | numbers             |
 * | memory      | gives the most memory that the process has held so far                    | bytes               |
 * | loadMetric  | loads the module of a metric of the user's own                            | null                |
 * | compare     | measures an output against its reference                                  | Figures             |
 * | ranges      | gives the ranges of tensors' values and sums of squares over groups       | RangeFigures[]      |
 * | jitter      | stores a copy with seeded noise                                           | TensorHandle        |
 * | time        | runs sessions in turns                                                    | milliseconds        |
 * | profile     | ends the profile of a session                                             | ProfiledKernels     |
 *
 * One request is under way at a time: the runtime's calls block the process anyway, and so a crash has one cause. A
 * request is cancelled by JSON-RPC's own `$/cancelRequest`, which the process sees between two runs. An error's `data`
 * is the kind of the `RuntimeFailure`.
 */
import type { Figure, MetricSpecification, OwnMetric } from '../metrics/index.js';
import type { DataType } from '../onnx/index.js';
import type {
  ProfiledKernel,
  RangeFigures,
  RuntimeInformation,
  Session,
  SessionRequest,
  SquareGroups,
  TensorContent,
  TensorHandle,
} from './types.js';

/** Names with the identities of tensors. */
export type NamedTensors = readonly (readonly [name: string, tensor: number])[];

/** A request by its method. */
export interface Request<Parameters, Answer> {
  readonly method: string;
  /** Never set: what the compiler knows of the request. */
  readonly types?: { readonly parameters: Parameters; readonly answer: Answer };
}

export const HELLO: Request<{ firstId: number }, RuntimeInformation> = { method: 'hello' };
export const PUT: Request<
  { dataType: DataType; dims: readonly number[]; content: TensorContent },
  TensorHandle
> = { method: 'put' };
export const RELEASE: Request<{ tensors: readonly number[] }, null> = { method: 'release' };
/** `profilePrefix` is the path that the names of profile files start with; undefined for no profile. */
export const OPEN: Request<{ request: SessionRequest; profilePrefix: string | undefined }, Session> = {
  method: 'open',
};
export const CLOSE: Request<{ session: number }, null> = { method: 'close' };
export const RUN: Request<
  { session: number; feeds: NamedTensors; outputs: readonly string[] | undefined },
  readonly (readonly [string, TensorHandle])[]
> = { method: 'run' };
export const READ: Request<{ tensor: number }, Uint8Array> = { method: 'read' };
export const READ_SCALARS: Request<{ tensors: readonly number[] }, readonly number[]> = {
  method: 'readScalars',
};
/** Since the process was started. */
export const MEMORY: Request<Readonly<Record<string, never>>, number> = { method: 'memory' };
export const LOAD_METRIC: Request<OwnMetric, null> = { method: 'loadMetric' };
export const COMPARE: Request<
  { reference: number; actual: number; metrics: readonly MetricSpecification[] },
  readonly Figure[]
> = { method: 'compare' };
export const RANGES: Request<
  { asked: readonly { tensor: number; groups: readonly SquareGroups[] }[] },
  readonly RangeFigures[]
> = { method: 'ranges' };
export const JITTER: Request<{ tensor: number; relative: number; seed: number }, TensorHandle> = {
  method: 'jitter',
};
export const TIME: Request<
  { sessions: readonly { session: number; feeds: NamedTensors }[]; runs: number },
  readonly (readonly number[])[]
> = { method: 'time' };
export const PROFILE: Request<{ session: number }, readonly ProfiledKernel[]> = { method: 'profile' };

/** Identities of the nth process begin at n times this number, so that no process knows one of another. */
export const IDENTITIES = 2 ** 32;

/** The code of every error that crosses; its kind is in `data`. */
export const FAILURE_CODE = 1;

/** Set in the compute process to `open` or `run`, it makes that request abort the process: for tests of crashes. */
export const CRASH_VARIABLE = 'ONNX_PRECISION_TEST_CRASH';

/** The same, for a request that fails as it does on a graphics device that was lost. */
export const LOSS_VARIABLE = 'ONNX_PRECISION_TEST_DEVICE_LOSS';
