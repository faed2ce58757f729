/**
 * Keeps one compute process at hand: starts it at the first call, ends it when idle, starts it again after a crash,
 * and gives each call one meaning of failure. Knows nothing of what the calls do.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { restartDelay } from './back-off.js';
import { CallQueue, cancelled } from './call-queue.js';
import { ComputeProcess, ProcessEnded, type Ending, type ProcessOptions } from './compute-process.js';
import { failureBecause } from './failure-causes.js';
import { HELLO, IDENTITIES, MEMORY, type Request } from './protocol.js';
import type { GraphicsDevice } from './spoken-device.js';
import { RuntimeFailure, type RuntimeInformation } from './types.js';

export interface SupervisorOptions extends ProcessOptions {
  readonly idleSeconds: number;
  /** Seconds, see `back-off.ts`. */
  readonly restartDelays: readonly number[];
}

/** A started process that said hello. */
interface Ready {
  readonly process: ComputeProcess;
  readonly information: RuntimeInformation;
}

interface Generation {
  /** All identities of this process lie in `number * IDENTITIES` and the next ones. */
  readonly number: number;
  readonly process: ComputeProcess;
  readonly ready: Promise<Ready>;
  profileFolder: string | undefined;
}

export interface Call<Parameters, Answer> {
  readonly type: Request<Parameters, Answer>;
  /** Made when the call begins: it may ask for the path that the name of a profile is to start with. */
  readonly parameters: (profilePrefix: () => string) => Parameters;
  /** Tensors and sessions that the call needs. */
  readonly needs: readonly number[];
  /** What the process was doing, should it die: `while it created a session`. */
  readonly during: string;
  /** The identities of what an answer made. */
  readonly discard?: (answer: Answer) => void;
  /** Native code ran: the process is a healthy one. */
  readonly provesHealth?: boolean;
}

/** What a start has, in milliseconds: enough for a slow disk, and the end of waiting for what is no Node. */
const START_LIMIT = 120_000;

export class Supervisor {
  /** How often a process ended that we had not ended. */
  crashes = 0;
  private readonly queue = new CallQueue((busy) => {
    this.onBusy(busy);
  });
  private current: Generation | undefined;
  private generations = 0;
  private profiles = 0;
  private crashesInRow = 0;
  private lastCrash = 0;
  private idleTimer: NodeJS.Timeout | undefined;
  private disposal = new AbortController();

  constructor(private readonly options: SupervisorOptions) {}

  get pid(): number | undefined {
    return this.current?.process.pid;
  }

  /** Performs a call in its turn. */
  call<Parameters, Answer>(call: Call<Parameters, Answer>, signal?: AbortSignal): Promise<Answer> {
    return this.queue.add(() => this.perform(call, signal), signal);
  }

  information(signal?: AbortSignal): Promise<RuntimeInformation> {
    return this.queue.add(async () => (await this.ready(signal)).information, signal);
  }

  /** The graphics device that sessions of the present process compute on; undefined where there is no process, or it told of none. */
  graphicsDevice(signal?: AbortSignal): Promise<GraphicsDevice | undefined> {
    return this.queue.add(async () => {
      if (this.current === undefined) return undefined;
      const { process } = await this.ready(signal);
      // Any request: what it said before is read by the time that this is answered.
      try {
        await process.request(MEMORY, {}, signal);
      } catch (error) {
        if (!(error instanceof ProcessEnded)) throw error;
      }
      return process.graphicsDevice;
    }, signal);
  }

  /** Whether the process that this identity belongs to is gone. */
  isStale(id: number): boolean {
    return this.current?.number !== Math.floor(id / IDENTITIES);
  }

  /** Ends the process and everything that waits for it. */
  async dispose(): Promise<void> {
    this.queue.clear(disposed());
    this.disposal.abort();
    this.disposal = new AbortController();
    const process = this.current?.process;
    process?.keepParentAlive(true);
    process?.kill();
    await process?.ended;
  }

  private async perform<Parameters, Answer>(
    { type, parameters, needs, during, discard, provesHealth }: Call<Parameters, Answer>,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    if (needs.some((id) => this.isStale(id))) throw stale();
    const { process } = await this.ready(signal);
    // The process may have ended while we waited for it, and another one stands ready.
    if (needs.some((id) => this.isStale(id))) throw stale();
    try {
      const message = parameters(() => this.profilePrefix());
      const answer = await process.request(type, message, signal, discard);
      if (provesHealth === true) this.crashesInRow = 0;
      return answer;
    } catch (error) {
      if (error instanceof ProcessEnded) throw endedDuring(error.ending, during);
      // The device that it computes on is lost: what the process holds there is gone, though it lives.
      if (error instanceof RuntimeFailure && error.kind === 'crashed') this.abandon(process);
      throw error;
    }
  }

  /**
   * The process, started if need be. One that ends while it starts (the system was short of memory, somebody killed it) is
   * started once more at once. An aborted signal ends the waiting, not the start.
   */
  private async ready(signal: AbortSignal | undefined): Promise<Ready> {
    const { disposal } = this;
    if (this.current?.process.isEnding === true) await this.current.process.ended;
    if (this.current === undefined) {
      const wait = restartDelay(this.crashesInRow, Date.now() - this.lastCrash, this.options.restartDelays);
      if (wait > 0) await pause(wait, [signal, disposal.signal]);
      if (signal?.aborted === true) throw cancelled();
      if (disposal.signal.aborted) throw disposed();
      this.current = this.start();
    }
    const { process, ready } = this.current;
    try {
      return await unlessAborted(ready, signal);
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
      // Without a number there never was a process, and there will be none the next time.
      if (process.pid === undefined) throw notStarted(this.options, error.ending);
    }
    if (disposal.signal.aborted) throw disposed();
    this.current ??= this.start();
    try {
      return await unlessAborted(this.current.ready, signal);
    } catch (error) {
      throw error instanceof ProcessEnded ? notStarted(this.options, error.ending) : error;
    }
  }

  private start(): Generation {
    this.generations += 1;
    const number = this.generations;
    const process = this.spawn((ending) => {
      this.onEnd(generation, ending);
    });
    const ready = this.greet(process, number);
    // Whoever waits for it sees the failure; a start that nobody waits for any more may fail in silence.
    ready.catch(() => undefined);
    const generation: Generation = { number, process, ready, profileFolder: undefined };
    return generation;
  }

  private spawn(onEnd: (ending: Ending) => void): ComputeProcess {
    try {
      return new ComputeProcess(this.options, onEnd);
    } catch (error) {
      const how = error instanceof Error ? error.message : String(error);
      throw notStarted(this.options, { intended: false, how, lastWords: [] });
    }
  }

  /** @throws {ProcessEnded} where it ended by itself before it answered */
  private async greet(process: ComputeProcess, number: number): Promise<Ready> {
    const limit = new AbortController();
    const timer = setTimeout(() => {
      limit.abort();
      process.kill();
    }, START_LIMIT).unref();
    try {
      const information = await process.request(HELLO, { firstId: number * IDENTITIES });
      this.options.log(
        `compute process ${process.pid ?? ''}: ONNX Runtime ${information.onnxRuntime}, Node ${information.node}`,
      );
      return { process, information };
    } catch (error) {
      if (error instanceof ProcessEnded) {
        const silent = limit.signal.aborted;
        if (silent) throw notStarted(this.options, { ...error.ending, how: 'no answer' });
        throw error.ending.intended ? disposed() : error;
      }
      process.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private onEnd(generation: Generation, ending: Ending): void {
    if (this.current === generation) this.current = undefined;
    if (generation.profileFolder !== undefined) removeFolder(generation.profileFolder);
    this.options.log(`compute process ${generation.process.pid ?? ''} ended: ${ending.how}`);
    if (!ending.intended) this.countCrash();
  }

  /** Ends a process that is of no use any more; it counts as a crash. */
  private abandon(process: ComputeProcess): void {
    process.kill();
    this.countCrash();
  }

  private countCrash(): void {
    this.crashes += 1;
    this.crashesInRow += 1;
    this.lastCrash = Date.now();
  }

  private profilePrefix(): string {
    if (this.current === undefined) throw stale();
    this.current.profileFolder ??= makeFolder();
    this.profiles += 1;
    return join(this.current.profileFolder, `profile-${this.profiles}`);
  }

  private onBusy(busy: boolean): void {
    clearTimeout(this.idleTimer);
    // Someone waits for the end of a process that is ending.
    this.current?.process.keepParentAlive(busy || this.current.process.isEnding);
    if (busy) return;
    this.idleTimer = setTimeout(() => {
      this.current?.process.kill();
    }, this.options.idleSeconds * 1000).unref();
  }
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'onnx-precision-'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeFailure('failed', `There is no folder for the profile: ${reason}`);
  }
}

function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Windows may hold a file for a moment after its process has ended; the temporary folder is the system's to clear.
  }
}

async function unlessAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(cancelled());
    };
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort);
    });
  });
}

function stale(): RuntimeFailure {
  return new RuntimeFailure('stale', 'The compute process that held this tensor or session has ended.');
}

function disposed(): RuntimeFailure {
  return new RuntimeFailure('cancelled', 'The compute process was ended.');
}

function endedDuring({ intended, how, lastWords }: Ending, during: string): RuntimeFailure {
  if (intended) return disposed();
  const message = [`The compute process died ${during}: ${how}.`, ...lastWords].join('\n');
  return new RuntimeFailure('crashed', failureBecause('crashed', message).message);
}

function notStarted({ node, script }: ProcessOptions, { how, lastWords }: Ending): RuntimeFailure {
  // The system names the program that it was to start, whichever of the two files is missing.
  const what = /^spawn .* ENOENT$/.test(how) ? `there is no Node at ${node}` : how;
  const message = `The compute process does not start (${node} ${script}): ${what}.`;
  return new RuntimeFailure('unavailable', [message, ...lastWords].join('\n'));
}

/** Waits, or until one of the signals is aborted. */
function pause(milliseconds: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    for (const signal of signals) signal?.addEventListener('abort', end, { once: true });
    if (signals.some((signal) => signal?.aborted === true)) end();
  });
}
