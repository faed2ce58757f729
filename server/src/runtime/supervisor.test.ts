/** What becomes of the calls when the process dies, is killed, or does not even start. */
import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DataType } from '../onnx/index.js';
import { foldersForTests } from '../testing/index.js';
import { CRASH_VARIABLE, LOSS_VARIABLE } from './protocol.js';
import { startRuntime, type ComputeRuntime, type RuntimeOptions } from './start.js';
import { processScript } from './testing/index.js';
import { checkFails } from './testing/failures.js';
import { bytesOf, countingModel, unaryModel } from './testing/models.js';
import type { Session, SessionRequest, TensorHandle } from './types.js';

const ABS = sessionRequest(unaryModel('Abs', DataType.FLOAT));
const COUNTING = sessionRequest(countingModel());
/** Longer than any test. */
const FOREVER = 2n ** 62n;

let script: string;
const started: ComputeRuntime[] = [];
const newFolder = foldersForTests();

beforeAll(async () => {
  script = await processScript();
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((runtime) => runtime.dispose()));
});

function start(options: RuntimeOptions = {}): ComputeRuntime {
  const runtime = startRuntime({ script, restartDelays: [0], ...options });
  started.push(runtime);
  return runtime;
}

function sessionRequest(bytes: Uint8Array): SessionRequest {
  return { model: { bytes, weightsFolder: tmpdir() }, provider: 'cpu', optimization: 'disabled', threads: 1 };
}

function put(runtime: ComputeRuntime, value = -1): Promise<TensorHandle> {
  return runtime.put(DataType.FLOAT, [1], { kind: 'bytes', bytes: bytesOf(new Float32Array([value])) });
}

/** A run that counts to `n`. */
async function prepareCounting(
  runtime: ComputeRuntime,
  n: bigint,
): Promise<{ readonly session: Session; readonly feeds: Record<string, TensorHandle> }> {
  const session = await runtime.open(COUNTING);
  const content = { kind: 'bytes', bytes: bytesOf(new BigInt64Array([n])) } as const;
  return { session, feeds: { n: await runtime.put(DataType.INT64, [], content) } };
}

/** The runtime does what it is for: a new session on a new tensor. */
async function checkWorks(runtime: ComputeRuntime): Promise<void> {
  const session = await runtime.open(ABS);
  const { y } = await runtime.run(session, { x: await put(runtime) });
  expect(y === undefined ? undefined : await runtime.readScalars([y])).toEqual([1]);
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a process that dies', () => {
  it('during a run fails that run with its signal; the next call has a new process', async () => {
    const runtime = start();
    const { session, feeds } = await prepareCounting(runtime, FOREVER);
    const pid = runtime.processId ?? 0;
    const running = runtime.run(session, feeds);
    process.kill(pid, 'SIGKILL');
    await checkFails(running, 'crashed', /during a run: signal SIGKILL/);
    expect(runtime.crashes).toBe(1);
    await checkWorks(runtime);
    expect(runtime.processId).not.toBe(pid);
  });

  it.each([
    ['open', /during session creation: (signal SIGABRT|exit code \d+)/],
    ['run', /during a run: (signal SIGABRT|exit code \d+)/],
  ])('by a native abort in %s says where', async (crash, message) => {
    const runtime = start({ environment: { [CRASH_VARIABLE]: crash } });
    const x = await put(runtime);
    const dying = runtime.open(ABS).then((session) => runtime.run(session, { x }));
    await checkFails(dying, 'crashed', message);
    expect(runtime.crashes).toBe(1);
    expect(await runtime.readScalars([await put(runtime, 5)])).toEqual([5]);
  });

  it.each(['open', 'run'])(
    'is what one becomes that lost its graphics device in %s: the next call has a new one',
    async (method) => {
      const environment: Record<string, string> = { [LOSS_VARIABLE]: method };
      const runtime = start({ environment });
      const x = await put(runtime);
      const pid = runtime.processId;
      const losing = runtime.open(ABS).then((session) => runtime.run(session, { x }));
      await checkFails(losing, 'crashed', /device was lost.*driver.*target cpu/);
      expect(runtime.crashes).toBe(1);
      environment[LOSS_VARIABLE] = '';
      await checkFails(runtime.read(x), 'stale');
      await checkWorks(runtime);
      expect(runtime.processId).not.toBe(pid);
    },
  );

  it('leaves the calls that wait: those that need it are stale, the others go on', async () => {
    const runtime = start();
    const { session, feeds } = await prepareCounting(runtime, FOREVER);
    const x = await put(runtime);
    const running = runtime.run(session, feeds);
    const reading = runtime.read(x);
    const opening = runtime.open(ABS);
    process.kill(runtime.processId ?? 0, 'SIGKILL');
    await checkFails(running, 'crashed');
    await checkFails(reading, 'stale');
    expect(await opening).toMatchObject({ inputs: ['x'] });
  });

  it('makes its handles stale, whatever identities the next one gives', async () => {
    const runtime = start();
    const old = { tensor: await put(runtime, 1), session: await runtime.open(ABS) };
    process.kill(runtime.processId ?? 0, 'SIGKILL');
    const x = await put(runtime, 2).catch(() => put(runtime, 2));
    const session = await runtime.open(ABS);
    const stale = [
      () => runtime.read(old.tensor),
      () => runtime.readScalars([x, old.tensor]),
      () => runtime.run(old.session, { x }),
      () => runtime.run(session, { x: old.tensor }),
      () => runtime.compare(x, old.tensor, [{ name: 'max_abs' }]),
      () => runtime.ranges(old.tensor),
      () =>
        runtime.rangesOf([
          { handle: x, groups: [] },
          { handle: old.tensor, groups: [] },
        ]),
      () => runtime.jitter(old.tensor, 0.1, 1),
      () => runtime.time([{ session: old.session, feeds: { x } }], 1),
      () => runtime.profile(old.session),
    ];
    for (const call of stale) await checkFails(call(), 'stale');
    await runtime.release([old.tensor]);
    await runtime.close(old.session);
    expect(await runtime.readScalars([x])).toEqual([2]);
  });

  it('again and again is started later and later, until a run succeeds', async () => {
    const runtime = start({ environment: { [CRASH_VARIABLE]: 'open' }, restartDelays: [0, 3600] });
    for (let crash = 0; crash < 2; crash++) {
      await checkFails(runtime.open(ABS), 'crashed');
    }
    const abort = new AbortController();
    const waiting = runtime.information(abort.signal);
    setTimeout(() => {
      abort.abort();
    }, 50);
    await checkFails(waiting, 'cancelled');
    expect(runtime.processId).toBeUndefined();
    const waitingForEver = runtime.information();
    setTimeout(() => void runtime.dispose(), 50);
    await checkFails(waitingForEver, 'cancelled');
  });

  it('after a success is started at once, however often', async () => {
    const runtime = start({ restartDelays: [0, 3600] });
    for (let crash = 0; crash < 3; crash++) {
      await checkWorks(runtime);
      const { session, feeds } = await prepareCounting(runtime, FOREVER);
      const running = runtime.run(session, feeds);
      process.kill(runtime.processId ?? 0, 'SIGKILL');
      await checkFails(running, 'crashed');
    }
    expect(runtime.crashes).toBe(3);
  });
});

describe('cancellation', () => {
  it('of a run that goes on for ever kills the process and is no crash', async () => {
    const runtime = start();
    const { session, feeds } = await prepareCounting(runtime, FOREVER);
    const abort = new AbortController();
    const running = runtime.run(session, feeds, undefined, abort.signal);
    setTimeout(() => {
      abort.abort();
    }, 300);
    await checkFails(running, 'cancelled');
    await checkWorks(runtime);
    expect(runtime.crashes).toBe(0);
  });

  it('between two timed runs keeps the process', async () => {
    // However slow the machine, the process is not killed.
    const runtime = start({ graceMilliseconds: 2 ** 30 });
    const session = await runtime.open(ABS);
    const feeds = { x: await put(runtime) };
    const pid = runtime.processId;
    const abort = new AbortController();
    const timing = runtime.time([{ session, feeds }], 100_000_000, abort.signal);
    setTimeout(() => {
      abort.abort();
    }, 50);
    await checkFails(timing, 'cancelled');
    expect(await runtime.readScalars([feeds.x])).toEqual([-1]);
    expect(runtime.processId).toBe(pid);
  });

  it('while a call waits leaves the one that runs alone', async () => {
    const runtime = start();
    const { session, feeds } = await prepareCounting(runtime, 1000n);
    const running = runtime.run(session, feeds);
    const abort = new AbortController();
    const waiting = runtime.open(ABS, abort.signal);
    abort.abort();
    await checkFails(waiting, 'cancelled');
    const { total } = await running;
    expect(total === undefined ? undefined : await runtime.readScalars([total])).toEqual([1000]);
  });

  it('before the call does not even start a process', async () => {
    const runtime = start();
    await checkFails(runtime.information(AbortSignal.abort()), 'cancelled');
    expect(runtime.processId).toBeUndefined();
  });

  it('after the call does nothing', async () => {
    const runtime = start();
    const abort = new AbortController();
    const x = await runtime.put(
      DataType.FLOAT,
      [0],
      { kind: 'bytes', bytes: new Uint8Array() },
      abort.signal,
    );
    abort.abort();
    expect(await runtime.read(x)).toHaveLength(0);
  });
});

describe('the life of the process', () => {
  it('begins with the first call and ends with dispose, which ends the calls too', async () => {
    const runtime = start();
    expect(runtime.processId).toBeUndefined();
    const { session, feeds } = await prepareCounting(runtime, FOREVER);
    const pid = runtime.processId;
    expect(isAlive(pid)).toBe(true);
    const calls = [runtime.run(session, feeds), runtime.open(ABS)];
    const outcomes = Promise.allSettled(calls);
    await runtime.dispose();
    expect(isAlive(pid)).toBe(false);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { kind: 'cancelled' } });
    }
    await runtime.dispose();
    await checkWorks(runtime);
  });

  it('ends when there is nothing to do, and begins again', async () => {
    const runtime = start({ idleSeconds: 0.05 });
    const x = await put(runtime);
    const pid = runtime.processId;
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    await checkFails(runtime.read(x), 'stale');
    await runtime.release([x]);
    await checkWorks(runtime);
    expect(runtime.crashes).toBe(0);
  });

  it('does not keep a program alive, and ends with it', async () => {
    const pid = Number(await outputOfProgram('await runtime.information(); console.log(runtime.processId);'));
    expect(pid).toBeGreaterThan(0);
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it('keeps a program alive that waits for its end', async () => {
    const output = await outputOfProgram(
      'await runtime.information(); await runtime.dispose(); console.log("ended", runtime.processId);',
    );
    expect(output).toBe('ended undefined\n');
  });
});

/** What a program writes that does this with a `runtime` and then has nothing left to do. */
async function outputOfProgram(statements: string): Promise<string> {
  const folder = newFolder();
  const program = join(folder, 'program.cjs');
  const start = `startRuntime({ script: ${JSON.stringify(script)} })`;
  await build({
    stdin: {
      contents: `import { startRuntime } from './start.js';
        async function main() { const runtime = ${start}; ${statements} }
        void main();`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: program,
  });
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  return stdout;
}

describe('priority', () => {
  it('is that of this process, and below it where that is asked for', async () => {
    for (const [lowPriority, expected] of [
      [undefined, getPriority()],
      [true, constants.priority.PRIORITY_BELOW_NORMAL],
    ] as const) {
      const runtime = start(lowPriority === undefined ? {} : { lowPriority });
      await runtime.information();
      expect(getPriority(runtime.processId)).toBe(expected);
    }
  });
});

describe('a process that does not start', () => {
  it.each([
    ['a Node that is not there', { node: '/no/such/node' }, /there is no Node at \/no\/such\/node/],
    [
      'a script that is not there',
      { script: '/no/such/script.cjs' },
      /no\/such\/script\.cjs.*Cannot find module/s,
    ],
  ])('for want of %s is unavailable', async (_, options, message) => {
    const runtime = start(options);
    for (let attempt = 0; attempt < 2; attempt++) {
      await checkFails(runtime.information(), 'unavailable', message);
    }
  });

  it('because it is killed meanwhile is started once more at once', async () => {
    const { killed, starts } = killedWhileStarting(1);
    const runtime = start({ script: killed, restartDelays: [3600] });
    await checkWorks(runtime);
    expect([starts(), runtime.crashes]).toEqual([2, 1]);
  });

  it('because it is always killed meanwhile is unavailable after the second time, and says how it ended', async () => {
    const { killed, starts } = killedWhileStarting(Number.POSITIVE_INFINITY);
    const runtime = start({ script: killed });
    await checkFails(runtime.open(ABS), 'unavailable', /does not start .*: signal SIGKILL/);
    expect([starts(), runtime.crashes]).toEqual([2, 2]);
  });

  it('with ONNX Runtime is unavailable, and says on what machine', async () => {
    const folder = newFolder();
    const alone = join(folder, 'runtime-process.cjs');
    copyFileSync(script, alone);
    const runtime = start({ script: alone });
    const message = new RegExp(
      `does not load on ${process.platform}-${process.arch}, Node .*onnxruntime-node`,
      's',
    );
    await checkFails(runtime.open(ABS), 'unavailable', message);
    await checkFails(runtime.information(), 'unavailable', message);
    expect(runtime.crashes).toBe(0);
  });
});

/** The script of a process that is killed while it starts, so often, and how often it was started. */
function killedWhileStarting(times: number): { readonly killed: string; readonly starts: () => number } {
  const folder = newFolder();
  const log = join(folder, 'starts');
  const killed = join(folder, 'killed.cjs');
  writeFileSync(log, '');
  writeFileSync(
    killed,
    `const { appendFileSync, readFileSync } = require('node:fs');
    appendFileSync(${JSON.stringify(log)}, '.');
    if (readFileSync(${JSON.stringify(log)}).length <= ${times}) process.kill(process.pid, 'SIGKILL');
    else require(${JSON.stringify(script)});`,
  );
  return { killed, starts: () => readFileSync(log).length };
}
