import { existsSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldersForTests } from '../testing/index.js';
import { collectFolder } from './collect.js';
import { machine, type StoreFileSystem } from './file-system.js';
import { keyOf } from './key.js';
import { entryPath, temporaryPath } from './layout.js';
import { openStore } from './open-store.js';
import { entriesIn, filesIn, systemError } from './testing/folder.js';

const newFolder = foldersForTests();
const NOW = 1_700_000_000_000;
const BLOCK = 4096;

/** Writes a file that was last used so many milliseconds before `NOW`. */
function write(path: string, size: number, age: number): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, new Uint8Array(size));
  const seconds = (NOW - age) / 1000;
  utimesSync(path, seconds, seconds);
  return path;
}

const entry = (folder: string, name: unknown): string => entryPath(folder, keyOf('kind', name));

describe('collecting a folder', () => {
  it('keeps what was used last: as much as the budget holds, and nothing too old', async () => {
    const anyEntry = fc.record({
      blocks: fc.integer({ min: 1, max: 5 }),
      age: fc.integer({ min: 0, max: 100_000 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(anyEntry, { maxLength: 12, selector: ({ age }) => age }),
        fc.nat({ max: 40 }),
        async (entries, budget) => {
          const folder = newFolder();
          const limits = { budgetBytes: budget * BLOCK, age: 80_000 };
          const files = entries
            .map(({ blocks, age }) => ({ blocks, age, path: entry(folder, age) }))
            .sort((a, b) => a.age - b.age);
          for (const { path, blocks, age } of files) write(path, blocks * BLOCK - 7, age);
          const collected = await collectFolder(machine, folder, limits, NOW);

          // From the one used last: all that are young enough and fit, up to the first that does not.
          let blocks = 0;
          const kept = files.filter((file) => {
            blocks += file.blocks;
            return file.age <= 80_000 && blocks <= budget;
          });
          expect(entriesIn(folder)).toEqual(kept.map(({ path }) => path).sort());
          expect(collected.removedEntries).toBe(files.length - kept.length);
          expect(collected.keptBytes).toBe(kept.reduce((sum, file) => sum + file.blocks * BLOCK, 0));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('goes by age among thousands, and by name among those of one age', async () => {
    const folder = newFolder();
    const paths = Array.from({ length: 2500 }, (_, index) =>
      write(entry(folder, index), 10, 90_000 - Math.floor(index / 100) * 1000),
    );
    const limits = { budgetBytes: 1150 * BLOCK, age: 1e9 };
    expect((await collectFolder(machine, folder, limits, NOW)).removedEntries).toBe(1350);
    const kept = [...paths.slice(1300, 1400).sort().slice(50), ...paths.slice(1400)];
    expect(entriesIn(folder)).toEqual(kept.sort());
  });

  it('removes what a dead process was writing, after an hour', async () => {
    const folder = newFolder();
    const old = write(temporaryPath(entry(folder, 1)), 10, 3_700_000);
    const recent = write(temporaryPath(entry(folder, 1)), 10, 3_500_000);
    await collectFolder(machine, folder, { budgetBytes: 1e9, age: 1e9 }, NOW);
    expect([existsSync(old), existsSync(recent)]).toEqual([false, true]);
  });

  it('touches nothing that is not of the store', async () => {
    const folder = newFolder();
    const elsewhere = write(entry(newFolder(), 1), 10, 1e9);
    const foreign = ['notes.txt', 'ab/notes.txt', 'photos/1.jpg', `${'a'.repeat(64)}.result`];
    for (const name of foreign) write(join(folder, name), 10, 1e9);
    symlinkSync(dirname(elsewhere), join(folder, 'cd'));
    const before = filesIn(folder);
    write(entry(folder, 1), 10, 1e9);
    const store = openStore({ folder });
    expect(await store.clear()).toEqual({ removedEntries: 1, removedBytes: BLOCK, keptBytes: 0 });
    await store.close();
    expect(filesIn(folder).filter((path) => !path.endsWith('CACHEDIR.TAG'))).toEqual(before);
    expect(existsSync(elsewhere)).toBe(true);
  });

  it('counts what another process removes meanwhile, and leaves what it may not remove', async () => {
    const folder = newFolder();
    const [first, second, third] = [1, 2, 3].map((name) => write(entry(folder, name), BLOCK, 1000 - name));
    const remove: StoreFileSystem['remove'] = async (path) => {
      if (path === first) throw systemError('EBUSY');
      await machine.remove(path);
      if (path === second) throw systemError('ENOENT');
    };
    const limits = { budgetBytes: 2 * BLOCK, age: 1e9 };
    const collected = await collectFolder({ ...machine, remove }, folder, limits, NOW);
    expect(collected).toEqual({ removedEntries: 1, removedBytes: BLOCK, keptBytes: 2 * BLOCK });
    expect([first, second, third].map((path) => existsSync(path ?? ''))).toEqual([true, false, true]);
  });

  it('finds nothing in a folder that is not there', async () => {
    const collected = await collectFolder(machine, join(newFolder(), 'no'), { budgetBytes: 0, age: 0 }, NOW);
    expect(collected).toEqual({ removedEntries: 0, removedBytes: 0, keptBytes: 0 });
  });
});
