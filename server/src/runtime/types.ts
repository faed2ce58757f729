/**
 * What the rest of the house sees of the compute process: a store of tensors and sessions that live in a child
 * process, addressed by handles. Only numbers and small results cross the border.
 */
import type { ValueRange } from '../formats/index.js';
import type { Figure, MetricSpecification, OwnMetric } from '../metrics/index.js';
import type { DataType } from '../onnx/index.js';
import type { ProfiledKernel } from '../profiles/index.js';
import type { GraphicsDevice } from './spoken-device.js';

export type { ProfiledKernel } from '../profiles/index.js';
export type { GraphicsDevice } from './spoken-device.js';

/** A tensor in the compute process. */
export interface TensorHandle {
  readonly id: number;
  readonly dataType: DataType;
  readonly dims: readonly number[];
}

/** Where a tensor's little-endian, C-ordered elements come from. */
export type TensorContent =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string; readonly offset: number; readonly length: number };

/** Execution providers that a plan can name, by ONNX Runtime's names for them in Node. */
export const PROVIDERS = ['cpu', 'webgpu', 'cuda', 'tensorrt', 'dml', 'coreml'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Options of a provider, by ONNX Runtime's names for them; what a plan may say of them, the language's tables know. */
export type ProviderOptions = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export type OptimizationLevel = 'disabled' | 'basic' | 'extended' | 'layout' | 'all';

export interface SessionRequest {
  /**
   * A model file, or a variant built in memory whose weights lie in `weightsFolder`. `nodeNames`: what a node of the model's own name
   * is called in the variant, where that is something else; options of a provider that name nodes are led on by it.
   */
  readonly model:
    | { readonly path: string }
    | {
        readonly bytes: Uint8Array;
        readonly weightsFolder: string;
        readonly nodeNames?: ((name: string) => readonly string[]) | undefined;
      };
  /** What it has no kernel for runs on the CPU all the same: a profile tells which nodes those are. */
  readonly provider: Provider;
  /** Passed through to ONNX Runtime. */
  readonly providerOptions?: ProviderOptions | undefined;
  readonly optimization: OptimizationLevel;
  /** Intra-op threads. */
  readonly threads: number;
  /** Keep a profile, read with `profile`. */
  readonly profile?: boolean;
  /**
   * For a benchmark: threads spin between operators and memory comes from an arena, as they would in production.
   * Otherwise both are off, so that the machine stays usable.
   */
  readonly timing?: boolean;
  /**
   * What a run frees is kept for the next run of the session: to get large tensors from the system anew each time takes as
   * long as to compute them.
   */
  readonly keepsMemory?: boolean;
}

export interface Session {
  readonly id: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface RuntimeInformation {
  readonly onnxRuntime: string;
  readonly node: string;
  readonly platform: string;
  readonly device: string;
  readonly cores: number;
  /** Changes where the graphics devices or their drivers do. */
  readonly graphics: string;
  /** Those whose libraries come with ONNX Runtime. */
  readonly providers: readonly string[];
  /** Those whose libraries have to be fetched: they may be there or not. */
  readonly unbundled: readonly string[];
}

/**
 * Groups of a tensor's elements: those that are `step` apart, `length` of each, in blocks of `length` times `step` elements.
 * Rows of the last axis have step 1; along another axis the step is the number of elements behind it.
 */
export interface SquareGroups {
  readonly length: number;
  readonly step: number;
  /** Squares of the deviations from the mean of the group, in place of squares of the values. */
  readonly centred: boolean;
}

/** A tensor whose range is asked for, and what its squares are summed over. */
export interface AskedRange {
  readonly handle: TensorHandle;
  readonly groups: readonly SquareGroups[];
}

/** What the values of a tensor are. */
export interface RangeFigures extends ValueRange {
  /** For each of the groups asked for: the largest sum of squares over a group. */
  readonly largestSquares: readonly number[];
}

/**
 * `crashed`: this very call ended the compute process.
 * `cancelled`: the caller's signal was aborted, or the runtime was disposed of.
 * `refused`: the runtime will not load the model.
 * `failed`: a call failed, the process lives on.
 * `metric`: the same, and a metric of the user's own is to blame: no other session or optimisation level mends it.
 * `unavailable`: the process, ONNX Runtime or an execution provider cannot be had on this machine.
 * `stale`: a tensor or session belongs to a process that has ended (idle, killed or crashed in another call). Make it
 * again; the call itself is not to blame.
 */
export type RuntimeFailureKind =
  'crashed' | 'cancelled' | 'refused' | 'failed' | 'metric' | 'unavailable' | 'stale';

/** The one error that the room throws. */
export class RuntimeFailure extends Error {
  constructor(
    readonly kind: RuntimeFailureKind,
    message: string,
  ) {
    super(message);
    this.name = 'RuntimeFailure';
  }
}

/** Every call takes a signal; aborting it stops the work, if need be by ending the process, and throws `cancelled`. */
export interface Runtime {
  information(signal?: AbortSignal): Promise<RuntimeInformation>;
  /**
   * The graphics device that the last session on WebGPU was opened on; undefined where none was, or where the system does not
   * tell, as Metal and Direct3D do not.
   */
  graphicsDevice(signal?: AbortSignal): Promise<GraphicsDevice | undefined>;
  put(
    dataType: DataType,
    dims: readonly number[],
    content: TensorContent,
    signal?: AbortSignal,
  ): Promise<TensorHandle>;
  /** Frees tensors. Those of an ended process are gone already: no error. */
  release(handles: readonly TensorHandle[]): Promise<void>;
  open(request: SessionRequest, signal?: AbortSignal): Promise<Session>;
  /** Frees a session. One of an ended process is gone already: no error. */
  close(session: Session): Promise<void>;
  /** Runs and keeps the named outputs (all of them if left out) in the process. */
  run(
    session: Session,
    feeds: Readonly<Record<string, TensorHandle>>,
    outputs?: readonly string[],
    signal?: AbortSignal,
  ): Promise<Record<string, TensorHandle>>;
  /** The elements of a tensor, little-endian, at an offset that is a multiple of 8. */
  read(handle: TensorHandle, signal?: AbortSignal): Promise<Uint8Array>;
  /** The first element of each tensor as a number, in one message. */
  readScalars(handles: readonly TensorHandle[], signal?: AbortSignal): Promise<readonly number[]>;
  /** The most memory that the compute process has held since it was started, in bytes: what is resident. */
  peakMemory(signal?: AbortSignal): Promise<number>;
  /**
   * Loads the module of a metric of the user's own, which only the compute process runs.
   * @throws {RuntimeFailure} `metric` where it cannot be loaded or exports no function `measure`
   */
  loadMetric(metric: OwnMetric, signal?: AbortSignal): Promise<void>;
  /** Compares an output with its reference by each metric. */
  compare(
    reference: TensorHandle,
    actual: TensorHandle,
    metrics: readonly MetricSpecification[],
    signal?: AbortSignal,
  ): Promise<readonly Figure[]>;
  /** Range of a tensor's values, with the largest sum of squares over groups of them. */
  ranges(handle: TensorHandle, groups?: readonly SquareGroups[], signal?: AbortSignal): Promise<RangeFigures>;
  /** The same of many tensors, in far fewer messages to and fro: those of a small model take longer than the figures. */
  rangesOf(asked: readonly AskedRange[], signal?: AbortSignal): Promise<readonly RangeFigures[]>;
  /**
   * A copy with noise added: uniform in plus or minus `relative` times the range (max - min) of the finite elements;
   * seeded. Tensors that are not floating point are copied as they are.
   */
  jitter(handle: TensorHandle, relative: number, seed: number, signal?: AbortSignal): Promise<TensorHandle>;
  /** Milliseconds of each of `runs` runs, the sessions taken in turns; `[session][run]`. */
  time(
    sessions: readonly {
      readonly session: Session;
      readonly feeds: Readonly<Record<string, TensorHandle>>;
    }[],
    runs: number,
    signal?: AbortSignal,
  ): Promise<readonly (readonly number[])[]>;
  /** Ends the profile of a session opened with `profile` and gives its kernels. */
  profile(session: Session, signal?: AbortSignal): Promise<readonly ProfiledKernel[]>;
  /** Ends the process; the next call starts a new one. */
  dispose(): Promise<void>;
}
