/**
 * The runtime as the rest of the house sees it: each call becomes a request, each answer a value with handles. Knows
 * nothing of how the process lives.
 */
import { join, resolve } from 'node:path';
import { RESTART_DELAYS } from './back-off.js';
import { aligned } from './elements.js';
import { inNamesOf } from './node-options.js';
import * as protocol from './protocol.js';
import { Supervisor } from './supervisor.js';
import {
  RuntimeFailure,
  type AskedRange,
  type RangeFigures,
  type Runtime,
  type Session,
  type TensorHandle,
} from './types.js';

/** The process hears nothing while it looks at so many elements: some ten milliseconds. */
const ELEMENTS_OF_A_MESSAGE = 4 * 1024 * 1024;

export interface RuntimeOptions {
  /** Path of the Node that computes; the one that runs this by default. */
  readonly node?: string;
  /** The script of the compute process; `runtime-process.js` beside this script by default. */
  readonly script?: string;
  /** Variables for the process beside those of this one. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Starts, ends and what the process writes to its output, line by line. */
  readonly log?: (line: string) => void;
  /** The process ends when it has had nothing to do for so long; two minutes by default. */
  readonly idleSeconds?: number;
  /** Let others have the processor first, as far as the system allows it; false by default. */
  readonly lowPriority?: boolean;
  /** What a cancelled call has to stop by itself before the process is killed; 250 by default. */
  readonly graceMilliseconds?: number;
  /** Seconds from the nth crash in a row to the next start; 0, 1, 5, 30 by default. */
  readonly restartDelays?: readonly number[];
}

export interface ComputeRuntime extends Runtime {
  /** How often the process ended by itself. */
  readonly crashes: number;
  /** The operating system's number of the process, while there is one. */
  readonly processId: number | undefined;
}

/** A runtime; its process starts with the first call. */
export function startRuntime(options: RuntimeOptions = {}): ComputeRuntime {
  const supervisor = new Supervisor({
    node: options.node ?? process.execPath,
    script: options.script ?? join(__dirname, 'runtime-process.js'),
    environment: options.environment ?? {},
    log: options.log ?? ((): void => undefined),
    idleSeconds: options.idleSeconds ?? 120,
    lowPriority: options.lowPriority ?? false,
    graceMilliseconds: options.graceMilliseconds ?? 250,
    restartDelays: options.restartDelays ?? RESTART_DELAYS,
  });
  return runtimeOn(supervisor);
}

function runtimeOn(supervisor: Supervisor): ComputeRuntime {
  const release = async (handles: readonly TensorHandle[]): Promise<void> => {
    const tensors = identities(handles).filter((id) => !supervisor.isStale(id));
    if (tensors.length === 0) return;
    await unlessGone(
      supervisor.call({
        type: protocol.RELEASE,
        parameters: () => ({ tensors }),
        needs: tensors,
        during: 'while it released tensors',
      }),
    );
  };
  const close = async (session: Session): Promise<void> => {
    if (supervisor.isStale(session.id)) return;
    await unlessGone(
      supervisor.call({
        type: protocol.CLOSE,
        parameters: () => ({ session: session.id }),
        needs: [session.id],
        during: 'while it closed a session',
      }),
    );
  };
  const discardTensors = (handles: readonly TensorHandle[]): void => void release(handles);
  const discardSession = (session: Session): void => void close(session);
  const rangesOf: Runtime['rangesOf'] = async (asked, signal) => {
    const found: RangeFigures[] = [];
    for (const some of inMessages(asked)) {
      const figures = await supervisor.call(
        {
          type: protocol.RANGES,
          parameters: () => ({ asked: some.map(({ handle, groups }) => ({ tensor: handle.id, groups })) }),
          needs: some.map(({ handle }) => handle.id),
          during: 'while it looked at the ranges of tensors',
        },
        signal,
      );
      found.push(...figures);
    }
    return found;
  };

  return {
    release,
    close,
    get crashes() {
      return supervisor.crashes;
    },
    get processId() {
      return supervisor.pid;
    },
    information: (signal) => supervisor.information(signal),
    graphicsDevice: (signal) => supervisor.graphicsDevice(signal),
    put: (dataType, dims, content, signal) =>
      supervisor.call(
        {
          type: protocol.PUT,
          parameters: () => ({
            dataType,
            dims,
            content: content.kind === 'file' ? { ...content, path: resolve(content.path) } : content,
          }),
          needs: [],
          during: 'while it stored a tensor',
          discard: (handle) => {
            discardTensors([handle]);
          },
        },
        signal,
      ),
    open: (request, signal) => {
      const { model } = request;
      const absolute =
        'path' in model
          ? { path: resolve(model.path) }
          : { bytes: model.bytes, weightsFolder: resolve(model.weightsFolder) };
      return supervisor.call(
        {
          type: protocol.OPEN,
          parameters: (profilePrefix) => ({
            request: {
              ...request,
              model: absolute,
              providerOptions: inNamesOf(model, request.providerOptions),
            },
            profilePrefix: request.profile === true ? profilePrefix() : undefined,
          }),
          needs: [],
          during: 'during session creation',
          discard: discardSession,
        },
        signal,
      );
    },
    run: async (session, feeds, outputs, signal) => {
      const results = await supervisor.call(
        {
          type: protocol.RUN,
          parameters: () => ({ session: session.id, feeds: named(feeds), outputs }),
          needs: [session.id, ...identities(Object.values(feeds))],
          during: 'during a run',
          discard: (answer) => {
            discardTensors(answer.map(([, handle]) => handle));
          },
          provesHealth: true,
        },
        signal,
      );
      return Object.fromEntries(results);
    },
    read: async (handle, signal) => {
      const bytes = await supervisor.call(
        {
          type: protocol.READ,
          parameters: () => ({ tensor: handle.id }),
          needs: [handle.id],
          during: 'while it read a tensor',
        },
        signal,
      );
      // Messages begin where they like; the caller may want to see the bytes as numbers.
      return aligned(bytes);
    },
    loadMetric: async (metric, signal) => {
      await supervisor.call(
        {
          type: protocol.LOAD_METRIC,
          parameters: () => metric,
          needs: [],
          during: 'while it loaded a metric',
        },
        signal,
      );
    },
    peakMemory: (signal) =>
      supervisor.call(
        {
          type: protocol.MEMORY,
          parameters: () => ({}),
          needs: [],
          during: 'while it told its memory',
        },
        signal,
      ),
    readScalars: (handles, signal) =>
      supervisor.call(
        {
          type: protocol.READ_SCALARS,
          parameters: () => ({ tensors: identities(handles) }),
          needs: identities(handles),
          during: 'while it read tensors',
        },
        signal,
      ),
    compare: (reference, actual, metrics, signal) =>
      supervisor.call(
        {
          type: protocol.COMPARE,
          parameters: () => ({ reference: reference.id, actual: actual.id, metrics }),
          needs: [reference.id, actual.id],
          during: 'during a comparison',
        },
        signal,
      ),
    ranges: async (handle, groups = [], signal) => {
      const [figures] = await rangesOf([{ handle, groups }], signal);
      if (figures === undefined) throw new RangeError('no figures of a tensor');
      return figures;
    },
    rangesOf,
    jitter: (handle, relative, seed, signal) =>
      supervisor.call(
        {
          type: protocol.JITTER,
          parameters: () => ({ tensor: handle.id, relative, seed }),
          needs: [handle.id],
          during: 'while it added noise to a tensor',
          discard: (copy) => {
            discardTensors([copy]);
          },
        },
        signal,
      ),
    time: (sessions, runs, signal) =>
      supervisor.call(
        {
          type: protocol.TIME,
          parameters: () => ({
            sessions: sessions.map(({ session, feeds }) => ({ session: session.id, feeds: named(feeds) })),
            runs,
          }),
          needs: sessions.flatMap(({ session, feeds }) => [session.id, ...identities(Object.values(feeds))]),
          during: 'during a timed run',
          provesHealth: true,
        },
        signal,
      ),
    profile: (session, signal) =>
      supervisor.call(
        {
          type: protocol.PROFILE,
          parameters: () => ({ session: session.id }),
          needs: [session.id],
          during: 'while it wrote a profile',
        },
        signal,
      ),
    dispose: () => supervisor.dispose(),
  };
}

function identities(handles: readonly { readonly id: number }[]): number[] {
  return handles.map(({ id }) => id);
}

function named(feeds: Readonly<Record<string, TensorHandle>>): protocol.NamedTensors {
  return Object.entries(feeds).map(([name, handle]) => [name, handle.id]);
}

/** Freeing what the process took with it succeeds: nothing is left to be freed. */
async function unlessGone(freeing: Promise<null>): Promise<void> {
  try {
    await freeing;
  } catch (error) {
    const gone = error instanceof RuntimeFailure && ['stale', 'crashed', 'cancelled'].includes(error.kind);
    if (!gone) throw error;
  }
}

/** A few at a time, none of them split. */
function* inMessages(asked: readonly AskedRange[]): Iterable<readonly AskedRange[]> {
  let some: AskedRange[] = [];
  let elements = 0;
  for (const one of asked) {
    const own = one.handle.dims.reduce((product, dim) => product * dim, 1);
    if (some.length > 0 && elements + own > ELEMENTS_OF_A_MESSAGE) {
      yield some;
      some = [];
      elements = 0;
    }
    some.push(one);
    elements += own;
  }
  if (some.length > 0) yield some;
}
