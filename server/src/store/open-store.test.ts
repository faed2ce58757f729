import { isDeepStrictEqual } from 'node:util';
import {
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldersForTests } from '../testing/index.js';
import { machine, type StoreFileSystem } from './file-system.js';
import { keyOf } from './key.js';
import { entryPath, tagPath } from './layout.js';
import { memoryStore, openStore, type Store, type StoreOptions } from './open-store.js';
import { anyJson, anyValue } from './testing/arbitrary-values.js';
import { entriesIn, filesIn, systemError } from './testing/folder.js';

const newFolder = foldersForTests();
const DAY_SECONDS = 86_400;

/** A store that remembers nothing: what it finds, it found on disk. */
function diskStore(folder: string, more: StoreOptions = {}): Store {
  return openStore({ folder, memoryBytes: 0, ...more });
}

/** Stores one value and tells which file it is in. */
async function storedFile(folder: string, value: unknown = { error: 0.1 }): Promise<string> {
  const store = diskStore(folder);
  await store.put('kind', 'recipe', value);
  await store.close();
  return entryPath(folder, keyOf('kind', 'recipe'));
}

const look = (folder: string): Promise<unknown> => diskStore(folder).get('kind', 'recipe');

describe('a store', () => {
  it('gives back what was put into it, from memory and from disk', async () => {
    const folder = newFolder();
    const first = openStore({ folder });
    const second = diskStore(folder);
    await fc.assert(
      fc.asyncProperty(fc.string(), anyJson, anyValue, async (kind, recipe, value) => {
        await first.put(kind, recipe, value);
        for (const store of [first, second]) {
          const back = await store.get(kind, recipe);
          if (!isDeepStrictEqual(back, value)) expect(back).toStrictEqual(value);
        }
      }),
      { numRuns: 300 },
    );
    await first.close();
  });

  it('finds nothing under another kind or recipe', async () => {
    const store = openStore({ folder: newFolder() });
    await store.put('kind', { a: 1 }, 'value');
    expect(await store.get('kind', { a: 2 })).toBeUndefined();
    expect(await store.get('other', { a: 1 })).toBeUndefined();
    await store.close();
  });

  it('asks the disk once', async () => {
    const folder = newFolder();
    const file = await storedFile(folder);
    const store = openStore({ folder });
    await store.get('kind', 'recipe');
    rmSync(folder, { recursive: true });
    expect(await store.get('kind', 'recipe')).toEqual({ error: 0.1 });
    expect(existsSync(file)).toBe(false);
  });

  it('shares nothing with its callers', async () => {
    const store = openStore({ folder: newFolder() });
    const value = { list: [1], bytes: Uint8Array.of(1) };
    const putting = store.put('kind', 'recipe', value);
    value.list.push(2);
    value.bytes.fill(2);
    await putting;
    const expected = { list: [1], bytes: Uint8Array.of(1) };
    const back = await store.get('kind', 'recipe');
    expect(back).toEqual(expected);
    Object.assign(back ?? {}, { list: 'other' });
    expect(await store.get('kind', 'recipe')).toEqual(expected);
    await store.close();
  });

  it('keeps folders and files from other users', async () => {
    if (process.platform === 'win32') return;
    const folder = join(newFolder(), 'new', 'store');
    const file = await storedFile(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('finds and stores nothing once it is closed', async () => {
    const folder = newFolder();
    const store = openStore({ folder });
    await store.put('kind', 'recipe', 1);
    await store.close();
    expect(await store.get('kind', 'recipe')).toBeUndefined();
    await store.put('kind', 'other', 1);
    expect(entriesIn(folder)).toHaveLength(1);
  });

  it('waits for unfinished puts when it closes', async () => {
    const folder = newFolder();
    const store = openStore({ folder });
    const putting = Array.from({ length: 20 }, (_, index) => store.put('kind', index, index));
    await store.close();
    expect(entriesIn(folder)).toHaveLength(20);
    await Promise.all(putting);
  });

  it('can be in memory only', async () => {
    const store = memoryStore();
    await store.put('kind', 'recipe', [1]);
    expect(await store.get('kind', 'recipe')).toEqual([1]);
    await store.clear();
    expect(await store.get('kind', 'recipe')).toBeUndefined();
  });

  it('tells of what cannot be stored, and goes on', async () => {
    const problems: unknown[] = [];
    const store = openStore({ folder: newFolder(), onProblem: (problem) => problems.push(problem) });
    await store.put('kind', 'recipe', { at: new Date(0) });
    await store.put('kind', () => 1, 1);
    expect(await store.get('kind', 'recipe')).toBeUndefined();
    expect(problems).toEqual([
      {
        code: 'not-storable',
        message: 'A result is not stored: the value.at is an instance of Date, which cannot be stored.',
      },
    ]);
    await store.close();
  });
});

describe('a file of the store', () => {
  it('is a miss with any bit changed', async () => {
    const folder = newFolder();
    const file = await storedFile(folder);
    const whole = readFileSync(file);
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      writeFileSync(file, bytes);
      expect(await look(folder), `bit ${bit}`).toBeUndefined();
    }
    writeFileSync(file, whole);
    expect(await look(folder)).toEqual({ error: 0.1 });
  });

  it('is a miss at any other length', async () => {
    const folder = newFolder();
    const file = await storedFile(folder);
    const whole = readFileSync(file);
    for (let length = whole.length - 1; length >= 0; length -= 1) {
      truncateSync(file, length);
      expect(await look(folder), `${length} bytes`).toBeUndefined();
    }
    writeFileSync(file, Buffer.concat([whole, Buffer.of(0)]));
    expect(await look(folder)).toBeUndefined();
    // A file system that lost the end of a file may have put zeros in its place.
    writeFileSync(file, Buffer.concat([whole.subarray(0, 90), Buffer.alloc(whole.length - 90)]));
    expect(await look(folder)).toBeUndefined();
  });

  it('is a miss under the name of another', async () => {
    const folder = newFolder();
    const store = diskStore(folder);
    await store.put('kind', 'recipe', 1);
    await store.put('kind', 'other', 2);
    const [one, two] = ['recipe', 'other'].map((recipe) => entryPath(folder, keyOf('kind', recipe)));
    copyFileSync(one ?? '', two ?? '');
    expect(await store.get('kind', 'other')).toBeUndefined();
    expect(await store.get('kind', 'recipe')).toBe(1);
    await store.close();
  });

  it('that is broken is replaced by the next put', async () => {
    const folder = newFolder();
    writeFileSync(await storedFile(folder), 'torn');
    expect(await look(folder)).toBeUndefined();
    await storedFile(folder);
    expect(await look(folder)).toEqual({ error: 0.1 });
  });

  it('is marked as used when it is read, once a day', async () => {
    const folder = newFolder();
    const file = await storedFile(folder);
    const seconds = Math.floor(Date.now() / 1000);
    const touchedAfter = async (age: number): Promise<boolean> => {
      utimesSync(file, seconds - age, seconds - age);
      await look(folder);
      return statSync(file).mtimeMs / 1000 !== seconds - age;
    };
    expect(await touchedAfter(2 * DAY_SECONDS)).toBe(true);
    expect(await touchedAfter(DAY_SECONDS / 2)).toBe(false);
  });
});

describe('a file system that fails', () => {
  /** Puts and looks under a file system with faults: neither may fail, and each problem is told once. */
  async function checkFails(
    faults: (folder: string) => Partial<StoreFileSystem>,
    expected: readonly { readonly code: string; readonly message: string }[],
    found: unknown,
  ): Promise<void> {
    const folder = newFolder();
    const problems: unknown[] = [];
    const fileSystem = { ...machine, ...faults(folder) };
    const store = diskStore(folder, { fileSystem, onProblem: (problem) => problems.push(problem) });
    for (let time = 0; time < 3; time += 1) {
      await store.put('kind', 'recipe', 'value');
      expect(await store.get('kind', 'recipe')).toBe(found);
    }
    await store.collect();
    await store.close();
    expect(problems).toEqual(
      expected.map(({ code, message }) => ({ code, message: message.replace('$FOLDER', folder) })),
    );
    expect(filesIn(folder).filter((path) => path.endsWith('.tmp'))).toEqual([]);
  }

  const unwritable = (reason: string): { code: string; message: string } => ({
    code: 'store-unwritable',
    message: `The store in $FOLDER cannot be written (${reason}): results are computed again.`,
  });

  it('full, in the middle of a file', async () => {
    const create: StoreFileSystem['create'] = async (path, parts) => {
      await machine.create(
        path,
        parts.map((part) => part.subarray(0, part.length / 2)),
      );
      throw systemError('ENOSPC');
    };
    await checkFails(() => ({ create }), [unwritable('ENOSPC')], undefined);
  });

  it.each(['makeFolder', 'create', 'rename'] as const)('refusing: %s', async (step) => {
    const refuse = (): Promise<never> => Promise.reject(systemError('EACCES'));
    await checkFails(() => ({ [step]: refuse }), [unwritable('EACCES')], undefined);
  });

  it('refusing everything', async () => {
    const refuse = (): Promise<never> => Promise.reject(systemError('EROFS'));
    const all = { makeFolder: refuse, create: refuse, rename: refuse, remove: refuse, touch: refuse };
    await checkFails(() => ({ ...all, list: refuse, status: refuse }), [unwritable('EROFS')], undefined);
  });

  it('that cannot read', async () => {
    const read = (): Promise<never> => Promise.reject(systemError('EIO'));
    const message = 'The store in $FOLDER cannot be read (EIO): results are computed again.';
    await checkFails(() => ({ read }), [{ code: 'store-unreadable', message }], undefined);
  });

  it('that does not replace a file which is open, as on Windows', async () => {
    const rename: StoreFileSystem['rename'] = async (from, to) => {
      if (existsSync(to)) throw systemError('EPERM');
      await machine.rename(from, to);
    };
    await checkFails(() => ({ rename }), [], 'value');
  });

  it('from which files vanish while they are read, and while they are written', async () => {
    const vanish = (path: string): Promise<never> => {
      rmSync(path, { force: true });
      return Promise.reject(systemError('ENOENT'));
    };
    await checkFails(() => ({ read: vanish }), [], undefined);
    await checkFails(() => ({ rename: vanish }), [], undefined);
    await checkFails(() => ({ touch: vanish }), [], 'value');
    // Looked at while the store is tidied up, which may come before the value is asked for: so it is not really gone.
    const isGone = (): Promise<never> => Promise.reject(systemError('ENOENT'));
    await checkFails(() => ({ status: isGone }), [], 'value');
  });

  it('in which the folder is a file', async () => {
    const folder = join(newFolder(), 'file');
    writeFileSync(folder, '');
    const problems: string[] = [];
    const store = diskStore(folder, { onProblem: ({ code }) => problems.push(code) });
    await store.put('kind', 'recipe', 1);
    expect(await store.get('kind', 'recipe')).toBeUndefined();
    await store.close();
    expect(problems).toEqual(['store-unwritable']);
  });

  it('in which someone deletes the folder again and again', async () => {
    const folder = newFolder();
    const problems: string[] = [];
    const store = diskStore(folder, { onProblem: ({ message }) => problems.push(message) });
    let found = 0;
    for (let round = 0; round < 50; round += 1) {
      const values = Array.from({ length: 10 }, (_, index) => round * 10 + index);
      const working = values.map(async (value) => {
        await store.put('kind', value, { value });
        const back = await store.get('kind', value);
        if (back === undefined) return;
        found += 1;
        expect(back).toEqual({ value });
      });
      await working[round % 10];
      // Moved away: what is being written to it would keep it from being removed.
      const gone = `${folder}.${round}`;
      if (existsSync(folder)) renameSync(folder, gone);
      await Promise.all(working);
      rmSync(gone, { recursive: true, force: true });
    }
    await store.close();
    expect(problems).toEqual([]);
    expect(found).toBeGreaterThan(0);
  });
});

describe('collecting in the background', () => {
  const age = (path: string, days: number): void => {
    const seconds = Date.now() / 1000 - days * DAY_SECONDS;
    utimesSync(path, seconds, seconds);
  };

  it('happens with the first put, unless some process did so within the hour', async () => {
    const folder = newFolder();
    const old = await storedFile(folder);
    age(old, 31);
    const put = async (recipe: string): Promise<void> => {
      const store = diskStore(folder);
      await store.put('kind', recipe, 1);
      await store.close();
    };
    await put('one');
    expect(existsSync(old)).toBe(true);
    age(tagPath(folder), 1);
    await put('two');
    expect(existsSync(old)).toBe(false);
    expect(entriesIn(folder)).toHaveLength(2);
    expect(readFileSync(tagPath(folder), 'utf8')).toContain('Signature: 8a477f597d28d172789f06886806bc55');
  });

  it('keeps a process that writes much within its budget', async () => {
    const folder = newFolder();
    const store = diskStore(folder, { budgetBytes: 1e6 });
    for (let index = 0; index < 40; index += 1) await store.put('kind', index, new Uint8Array(1e5));
    await store.close();
    const bytes = entriesIn(folder).reduce((sum, path) => sum + statSync(path).size, 0);
    expect(bytes).toBeLessThan(1.3e6);
    expect(bytes).toBeGreaterThan(0.5e6);
  });

  it('is not asked of a value that exceeds the whole budget', async () => {
    const folder = newFolder();
    const problems: string[] = [];
    const store = diskStore(folder, { budgetBytes: 1000, onProblem: ({ code }) => problems.push(code) });
    await store.put('kind', 'recipe', new Uint8Array(2000));
    expect(entriesIn(folder)).toEqual([]);
    expect(problems).toEqual(['value-too-large']);
    await store.close();
  });
});
