/**
 * One child process from its start to its end: requests, cancellation, and what it said when it died. Knows nothing
 * of other processes, of restarts and of what the requests mean.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import type { Readable } from 'node:stream';
import {
  CancellationTokenSource,
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  ResponseError,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { cancelled } from './call-queue.js';
import type { Request } from './protocol.js';
import { isLoaderLine, speakingLoader, spokenDevice, type GraphicsDevice } from './spoken-device.js';
import { RuntimeFailure, type RuntimeFailureKind } from './types.js';

/** How long the last lines of a process that has exited are waited for. */
const LAST_WORDS_MILLISECONDS = 1000;

export interface ProcessOptions {
  /** Path of a Node. */
  readonly node: string;
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly lowPriority: boolean;
  /** What a cancelled request has until the process is killed. */
  readonly graceMilliseconds: number;
  readonly log: (line: string) => void;
}

/** How a process ended. */
export interface Ending {
  /** We ended it. */
  readonly intended: boolean;
  /** `signal SIGSEGV`, `exit code 1`. */
  readonly how: string;
  /** The last lines of its stderr. */
  readonly lastWords: readonly string[];
}

/** A request that never gets an answer because the process ended. */
export class ProcessEnded extends Error {
  constructor(readonly ending: Ending) {
    super(ending.how);
  }
}

const LINES_KEPT = 20;
const KINDS: ReadonlySet<string> = new Set<RuntimeFailureKind>([
  'crashed',
  'cancelled',
  'refused',
  'failed',
  'metric',
  'unavailable',
  'stale',
]);

export class ComputeProcess {
  readonly ended: Promise<Ending>;
  /** Set once the process is gone. */
  private ending: Ending | undefined;
  private readonly pending = new Set<(ended: ProcessEnded) => void>();
  private readonly child: ChildProcess;
  private readonly connection: MessageConnection;
  private readonly lastWords: string[] = [];
  private intended = false;
  private spoken: GraphicsDevice | undefined;

  /** @param onEnd called before anyone who waits for `ended` or for an answer goes on */
  constructor(
    private readonly options: ProcessOptions,
    onEnd: (ending: Ending) => void,
  ) {
    this.child = fork(options.script, [], {
      execPath: options.node,
      // Not the inspector of the parent, nor the hooks of a test runner.
      execArgv: [],
      // Under VS Code the parent runs on Electron's binary, which is a Node only if asked.
      env: {
        ...process.env,
        ...options.environment,
        ...speakingLoader({ ...process.env, ...options.environment }),
        ELECTRON_RUN_AS_NODE: '1',
      },
      serialization: 'advanced',
      // The parent's stdout may carry a protocol.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const killWithParent = (): void => void this.child.kill('SIGKILL');
    process.on('exit', killWithParent);
    this.connection = createMessageConnection(
      new IPCMessageReader(this.child),
      new IPCMessageWriter(this.child),
    );
    // A message that cannot be sent is followed by the end of the process, which is what callers wait for.
    this.connection.onError(([error]) => {
      options.log(`compute process: ${error.message}`);
    });
    this.ended = new Promise((resolve) => {
      let belated: NodeJS.Timeout | undefined;
      const end = (how: string): void => {
        if (this.ending !== undefined) return;
        clearTimeout(belated);
        process.off('exit', killWithParent);
        const ending = { intended: this.intended, how, lastWords: [...this.lastWords] };
        this.ending = ending;
        onEnd(ending);
        for (const reject of this.pending) reject(new ProcessEnded(ending));
        resolve(ending);
        this.connection.dispose();
      };
      const describe = (code: number | null, signal: NodeJS.Signals | null): string =>
        signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
      // Not `exit`: the last lines of stderr come after it.
      this.child.once('close', (code, signal) => {
        end(describe(code, signal));
      });
      // A pipe that somebody else holds open keeps `close` from ever coming; the process is gone all the same.
      this.child.once('exit', (code, signal) => {
        belated = setTimeout(() => {
          end(describe(code, signal));
        }, LAST_WORDS_MILLISECONDS);
      });
      this.child.on('error', (error) => {
        if (this.child.pid === undefined) end(error.message);
      });
    });
    this.readLines(this.child.stdout);
    this.readLines(this.child.stderr);
    this.connection.listen();
    if (options.lowPriority) this.lowerPriority();
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /**
   * The answer to a request. When `signal` is aborted the process is told, and killed if that does not help within
   * the grace; the promise rejects only when the work has stopped.
   * @param discard frees what a request made whose answer came in spite of being cancelled
   * @throws {RuntimeFailure} as the process answers it, or `cancelled`
   * @throws {ProcessEnded} if the process ended by itself
   */
  async request<Parameters, Answer>(
    type: Request<Parameters, Answer>,
    parameters: Parameters,
    signal?: AbortSignal,
    discard?: (answer: Answer) => void,
  ): Promise<Answer> {
    const cancellation = new CancellationTokenSource();
    let timer: NodeJS.Timeout | undefined;
    const abort = (): void => {
      cancellation.cancel();
      timer = setTimeout(() => {
        this.kill();
      }, this.options.graceMilliseconds);
    };
    const isAborted = (): boolean => signal?.aborted === true;
    if (isAborted()) throw cancelled();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const answer = await this.unlessEnded(() =>
        this.connection.sendRequest<Answer>(type.method, parameters, cancellation.token),
      );
      if (!isAborted()) return answer;
      discard?.(answer);
      throw cancelled();
    } catch (error) {
      if (isAborted()) throw cancelled();
      if (error instanceof ResponseError) throw failureOf(error);
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      cancellation.dispose();
    }
  }

  /** Whether it was killed by us; `ended` tells when it is gone. */
  get isEnding(): boolean {
    return this.intended;
  }

  /**
   * The last graphics device that it was heard to make. What it said before an answer has been read when the next answer comes, since
   * both are read in one loop.
   */
  get graphicsDevice(): GraphicsDevice | undefined {
    return this.spoken;
  }

  /** Ends the process at once. */
  kill(): void {
    this.intended = true;
    this.child.kill('SIGKILL');
  }

  /** Whether the process keeps its parent alive: it should while someone waits for it. */
  keepParentAlive(keep: boolean): void {
    const act = keep ? 'ref' : 'unref';
    this.child[act]();
    this.child.channel?.[act]();
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream instanceof Socket) stream[act]();
    }
  }

  /** Not a race with `ended`, which would keep every answer in memory as long as the process lives. */
  private unlessEnded<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    const { ending } = this;
    if (ending !== undefined) return Promise.reject(new ProcessEnded(ending));
    return new Promise((resolve, reject) => {
      this.pending.add(reject);
      send()
        .then(resolve, reject)
        .finally(() => this.pending.delete(reject));
    });
  }

  private readLines(stream: Readable | null): void {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(-2000);
      for (const line of lines) this.keepLine(line);
    });
    stream?.once('end', () => {
      this.keepLine(rest);
    });
  }

  private keepLine(line: string): void {
    const trimmed = line.trimEnd();
    if (trimmed === '') return;
    this.spoken = spokenDevice(trimmed) ?? this.spoken;
    if (isLoaderLine(trimmed)) return;
    this.options.log(`compute process: ${trimmed}`);
    this.lastWords.push(trimmed);
    if (this.lastWords.length > LINES_KEPT) this.lastWords.shift();
  }

  private lowerPriority(): void {
    try {
      if (this.pid !== undefined) setPriority(this.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // Not allowed everywhere; the process then competes like any other.
    }
  }
}

function failureOf(error: ResponseError<unknown>): RuntimeFailure {
  const kind = error.data;
  // Without a kind it comes from JSON-RPC: the message did not cross.
  return new RuntimeFailure(typeof kind === 'string' && isKind(kind) ? kind : 'failed', error.message);
}

function isKind(kind: string): kind is RuntimeFailureKind {
  return KINDS.has(kind);
}
