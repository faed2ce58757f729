/** Several processes that share one folder. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { foldersForTests } from '../testing/index.js';
import { openStore } from './open-store.js';
import { filesIn } from './testing/folder.js';
import { SHARED, sharedValue, type Outcome } from './testing/shared-values.js';

const newFolder = foldersForTests();
const script = join(newFolder(), 'store-process.cjs');
const ROUNDS = 150;

beforeAll(async () => {
  await build({
    entryPoints: [join(import.meta.dirname, 'testing', 'store-process.ts')],
    bundle: true,
    outfile: script,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'silent',
  });
});

interface Started {
  readonly ready: Promise<void>;
  readonly begin: () => void;
  readonly outcome: Promise<Outcome>;
}

/** Starts a process that waits for `begin`, and gives its outcome once it has ended well. */
function start(folder: string, name: string): Started {
  const child = fork(script, [folder, name, String(ROUNDS)], { stdio: 'inherit' });
  const messages: unknown[] = [];
  const ready = new Promise<void>((resolve) => {
    child.once('message', () => {
      resolve();
    });
  });
  child.on('message', (message) => messages.push(message));
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.once('exit', (code, signal) => {
      const last = messages.at(-1);
      if (code === 0 && isOutcome(last)) resolve(last);
      else reject(new Error(`${name} ended with ${code ?? signal ?? ''}`));
    });
  });
  return { ready, begin: () => child.send('begin'), outcome };
}

function isOutcome(message: unknown): message is Outcome {
  return typeof message === 'object' && message !== null && 'wrong' in message;
}

async function share(folder: string, names: readonly string[]): Promise<Outcome[]> {
  const processes = names.map((name) => start(folder, name));
  // One that dies before it is ready must not be waited for.
  await Promise.all(processes.map(({ ready, outcome }) => Promise.race([ready, outcome])));
  for (const { begin } of processes) begin();
  return await Promise.all(processes.map(({ outcome }) => outcome));
}

describe('processes that share a store', () => {
  it('find everything that any of them stored', async () => {
    const folder = newFolder();
    const names = ['one', 'two', 'three'];
    const outcomes = await share(folder, names);
    for (const { found, wrong, problems } of outcomes) {
      expect({ wrong, problems }).toEqual({ wrong: 0, problems: [] });
      expect(found).toBeGreaterThanOrEqual(ROUNDS);
    }
    const store = openStore({ folder });
    for (let index = 0; index < SHARED; index += 1) {
      expect(await store.get('shared', { index })).toEqual(sharedValue(index));
    }
    for (const name of names) {
      for (let round = 0; round < ROUNDS; round += 1) {
        expect(await store.get('own', { name, round })).toEqual({ name, round });
      }
    }
    await store.close();
    expect(filesIn(folder).filter((path) => path.endsWith('.tmp'))).toEqual([]);
  });

  it('never see a wrong value while another one empties it', async () => {
    const folder = newFolder();
    const outcomes = await share(folder, ['one', 'two', 'collector']);
    for (const { wrong, problems } of outcomes)
      expect({ wrong, problems }).toEqual({ wrong: 0, problems: [] });
    expect(outcomes[0]?.found).toBeGreaterThan(0);
  });
});
