/**
 * The compute process: answers the requests of `protocol.ts`. Started by `compute-process.ts` as a script of its own;
 * nobody imports it. It ends when its parent does.
 */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  ResponseError,
  type CancellationToken,
} from 'vscode-jsonrpc/node';
import { compareTensors } from './compare.js';
import { toNumbers, typeName } from './elements.js';
import { failureBecause } from './failure-causes.js';
import { jittered } from './jitter.js';
import { describe, loadLibrary, type Library } from './onnx-runtime.js';
import { dropProfile, takeProfile } from './profile.js';
import { loadOwnMetric } from './own-metrics.js';
import * as protocol from './protocol.js';
import { rangesOf } from './ranges.js';
import { feedsOf, runSession, SessionStore } from './sessions.js';
import { fromOutput, tensorFromContent, TensorStore } from './tensors.js';
import { timeSessions } from './timing.js';
import { RuntimeFailure } from './types.js';

/** What Dawn says of a device that is gone. */
const DEVICE_LOST = 'Device is lost';

let lastId = 0;
const nextId = (): number => (lastId += 1);
const tensors = new TensorStore(nextId);
const sessions = new SessionStore(nextId);
const profileFolders = new Set<string>();
let loaded: Library | undefined;

const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));

/** Answers requests of one type; every failure crosses with its kind. */
function serve<Parameters, Answer>(
  type: protocol.Request<Parameters, Answer>,
  answer: (parameters: NoInfer<Parameters>, stop: () => void) => NoInfer<Answer> | Promise<NoInfer<Answer>>,
): void {
  connection.onRequest(type.method, async (parameters: Parameters, token: CancellationToken) => {
    const stop = (): void => {
      if (token.isCancellationRequested) throw new RuntimeFailure('cancelled', 'Cancelled.');
    };
    try {
      if (process.env[protocol.CRASH_VARIABLE] === type.method) process.abort();
      if (process.env[protocol.LOSS_VARIABLE] === type.method) throw failureBecause('failed', DEVICE_LOST);
      return await answer(parameters, stop);
    } catch (error) {
      const kind = error instanceof RuntimeFailure ? error.kind : 'failed';
      const message = error instanceof Error ? error.message : String(error);
      return new ResponseError(protocol.FAILURE_CODE, message, kind);
    }
  });
}

function library(): Library {
  if (loaded === undefined) throw new RuntimeFailure('unavailable', 'ONNX Runtime is not loaded.');
  return loaded;
}

/** The elements of a tensor as numbers, or a failure that says why there are none. */
function numbers(id: number): Float32Array | Float64Array {
  const { dataType } = tensors.get(id);
  const values = toNumbers(dataType, tensors.bytes(id));
  if (values === undefined) {
    throw new RuntimeFailure(
      'failed',
      `The elements of a ${typeName(dataType)} tensor are not read as numbers.`,
    );
  }
  return values;
}

serve(protocol.HELLO, async ({ firstId }) => {
  lastId = firstId;
  loaded = await loadLibrary();
  return describe(loaded);
});

serve(protocol.PUT, ({ dataType, dims, content }) => tensors.add(tensorFromContent(dataType, dims, content)));

serve(protocol.RELEASE, (parameters) => {
  for (const id of parameters.tensors) tensors.release(id);
  return null;
});

serve(protocol.OPEN, ({ request, profilePrefix }) => {
  if (profilePrefix !== undefined) profileFolders.add(dirname(profilePrefix));
  return sessions.open(library(), request, profilePrefix);
});

serve(protocol.CLOSE, async (parameters) => {
  const closed = await sessions.close(parameters.session);
  if (closed?.profilePrefix !== undefined) dropProfile(closed.profilePrefix);
  return null;
});

serve(protocol.RUN, async (parameters) => {
  const { session } = sessions.get(parameters.session);
  const feeds = feedsOf(library(), session, parameters.feeds, tensors);
  const results = await runSession(session, feeds, parameters.outputs);
  const kept = results.map(([name, output]) => [name, fromOutput(name, output)] as const);
  return kept.map(([name, tensor]) => [name, tensors.add(tensor)] as const);
});

serve(protocol.READ, ({ tensor }) => tensors.bytes(tensor));

serve(protocol.READ_SCALARS, (parameters) =>
  parameters.tensors.map((id) => {
    const first = numbers(id)[0];
    if (first === undefined) throw new RuntimeFailure('failed', 'An empty tensor has no first element.');
    return first;
  }),
);

const BYTES_PER_KILOBYTE = 1024;
serve(protocol.MEMORY, () => process.resourceUsage().maxRSS * BYTES_PER_KILOBYTE);

serve(protocol.LOAD_METRIC, async (metric) => {
  await loadOwnMetric(metric);
  return null;
});

serve(protocol.COMPARE, ({ reference, actual, metrics }) =>
  compareTensors(
    { dims: tensors.get(reference).dims, values: numbers(reference) },
    { dims: tensors.get(actual).dims, values: numbers(actual) },
    metrics,
  ),
);

serve(protocol.RANGES, ({ asked }) => asked.map(({ tensor, groups }) => rangesOf(numbers(tensor), groups)));

serve(protocol.JITTER, ({ tensor, relative, seed }) => {
  const stored = tensors.get(tensor);
  if (stored.elements.kind === 'strings') return tensors.add(stored);
  const bytes = jittered(stored.dataType, stored.elements.bytes, relative, seed);
  return tensors.add({ ...stored, elements: { kind: 'bytes', bytes } });
});

serve(protocol.TIME, (parameters, stop) => {
  const prepared = parameters.sessions.map((one) => {
    const { session } = sessions.get(one.session);
    return { session, feeds: feedsOf(library(), session, one.feeds, tensors) };
  });
  return timeSessions(prepared, parameters.runs, stop);
});

serve(protocol.PROFILE, (parameters) => {
  const stored = sessions.get(parameters.session);
  const prefix = stored.profilePrefix;
  if (prefix === undefined) {
    throw new RuntimeFailure('failed', 'The session keeps no profile, or its profile was read already.');
  }
  stored.profilePrefix = undefined;
  stored.session.endProfiling();
  return takeProfile(prefix);
});

// Ctrl+C in a terminal reaches the whole group; the parent decides what it means.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => {
  for (const folder of profileFolders) rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
connection.listen();
