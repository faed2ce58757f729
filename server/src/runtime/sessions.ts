/** The sessions that the compute process keeps, and how they are created and run. Knows nothing of the protocol. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { failureBecause } from './failure-causes.js';
import { cleanedMessage } from './native-errors.js';
import type { Library } from './onnx-runtime.js';
import type { NamedTensors } from './protocol.js';
import { libraryProblem } from './provider-libraries.js';
import { toFeed, type TensorStore } from './tensors.js';
import { RuntimeFailure, type Session, type SessionRequest } from './types.js';

export interface StoredSession {
  readonly session: InferenceSession;
  /** What the name of its profile's file starts with, until the profile is read. */
  profilePrefix: string | undefined;
}

export type Feeds = Readonly<Record<string, Tensor>>;

export class SessionStore {
  private readonly sessions = new Map<number, StoredSession>();

  constructor(private readonly nextId: () => number) {}

  /**
   * Creates a session.
   * @throws {RuntimeFailure} `unavailable` for a provider that this machine does not have, `refused` with ONNX
   * Runtime's reason for a model that it will not load
   */
  async open(library: Library, request: SessionRequest, profilePrefix: string | undefined): Promise<Session> {
    const { model, provider } = request;
    const backend = library.listSupportedBackends().find(({ name }) => name === provider);
    if (backend === undefined) {
      throw new RuntimeFailure('unavailable', `ONNX Runtime has no ${provider} provider on this platform.`);
    }
    const options = sessionOptions(request, profilePrefix);
    let session: InferenceSession;
    try {
      session = await ('path' in model
        ? library.InferenceSession.create(model.path, options)
        : library.InferenceSession.create(model.bytes, options));
    } catch (error) {
      const failure = failureBecause('refused', cleanedMessage(error));
      const reason = failure.kind === 'unavailable' ? libraryProblem(provider) : undefined;
      throw reason === undefined ? failure : new RuntimeFailure('unavailable', reason);
    }
    const impossible = session.outputNames.find((name) => name in Object.prototype);
    if (impossible !== undefined) {
      await session.release();
      // Its JavaScript interface looks outputs up in a plain object and finds the object's own things instead.
      throw new RuntimeFailure('refused', `ONNX Runtime for Node cannot give an output named ${impossible}.`);
    }
    const id = this.nextId();
    this.sessions.set(id, { session, profilePrefix });
    return { id, inputs: [...session.inputNames], outputs: [...session.outputNames] };
  }

  /** @throws {RuntimeFailure} `failed` if the session was closed */
  get(id: number): StoredSession {
    const stored = this.sessions.get(id);
    if (stored === undefined) throw new RuntimeFailure('failed', `Session ${id} was closed.`);
    return stored;
  }

  /** Releases a session; undefined if it was closed already. */
  async close(id: number): Promise<StoredSession | undefined> {
    const stored = this.sessions.get(id);
    this.sessions.delete(id);
    await stored?.session.release();
    return stored;
  }
}

function sessionOptions(
  request: SessionRequest,
  profilePrefix: string | undefined,
): InferenceSession.SessionOptions {
  const { model, provider, providerOptions = {}, optimization, threads, timing = false } = request;
  const keepsMemory = request.keepsMemory === true && !isElectronOnMac();
  const weights =
    'path' in model ? {} : { model_external_initializers_file_folder_path: model.weightsFolder };
  return {
    executionProviders: [{ name: provider, ...providerOptions }],
    graphOptimizationLevel: optimization,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // One large allocation at once ends an Electron process on macOS; the arena and its patterns make such ones.
    enableCpuMemArena: timing || keepsMemory,
    // DirectML does without: its documentation wants patterns off.
    enableMemPattern: timing && provider !== 'dml',
    logSeverityLevel: 4,
    ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    // Spinning threads wait faster, and take the machine from everyone else.
    extra: { session: { ...weights, intra_op: { allow_spinning: timing ? '1' : '0' } } },
  };
}

function isElectronOnMac(): boolean {
  return process.platform === 'darwin' && 'electron' in process.versions;
}

/**
 * The feeds of a session from stored tensors.
 * @throws {RuntimeFailure} `failed` for names that the session does not have, names left out, and types that cannot
 * be fed
 */
export function feedsOf(
  library: Library,
  session: InferenceSession,
  feeds: NamedTensors,
  tensors: TensorStore,
): Feeds {
  const given = new Map(feeds);
  for (const name of given.keys()) {
    if (!session.inputNames.includes(name)) {
      throw new RuntimeFailure('failed', `The model has no input ${JSON.stringify(name)}.`);
    }
  }
  return Object.fromEntries(
    session.inputNames.map((name) => {
      const id = given.get(name);
      if (id === undefined) throw new RuntimeFailure('failed', `Input ${JSON.stringify(name)} is not fed.`);
      return [name, toFeed(library, name, tensors.get(id))];
    }),
  );
}

/**
 * Runs a session once. Blocks the process for the length of the run.
 * @throws {RuntimeFailure} `failed` with ONNX Runtime's reason
 */
export async function runSession(
  session: InferenceSession,
  feeds: Feeds,
  outputs: readonly string[] | undefined,
): Promise<readonly (readonly [string, Tensor])[]> {
  try {
    const results =
      outputs === undefined
        ? await session.run(feeds)
        : outputs.length === 0
          ? {}
          : await session.run(feeds, outputs);
    return Object.entries(results);
  } catch (error) {
    throw failureBecause('failed', cleanedMessage(error));
  }
}
