/** Texts that are kept, and files that change behind our back. */
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { foldersForTests } from '../testing/index.js';
import { TextCache } from './text-cache.js';

const newFolder = foldersForTests();
let folder: string;

beforeEach(() => {
  folder = newFolder();
});

function counting() {
  const read: string[] = [];
  const cache = new TextCache((path) => {
    read.push(path);
    return readFileSync(path, 'utf8');
  });
  return { cache, read };
}

describe('texts of files', () => {
  it('are read once, while the file stays the same', () => {
    const { cache, read } = counting();
    const path = join(folder, 'team.precision');
    writeFileSync(path, 'default: fp16\n');
    for (let times = 0; times < 3; times += 1) expect(cache.read(path)).toBe('default: fp16\n');
    expect(read).toEqual([path]);
  });

  it('are read again at once when the file is written, replaced, removed or made', () => {
    const { cache } = counting();
    const path = join(folder, 'team.precision');
    expect(cache.read(path)).toBeUndefined();
    writeFileSync(path, 'default: fp16\n');
    expect(cache.read(path)).toBe('default: fp16\n');
    // Of the same length, and from a moment as near as the clock of the disk tells.
    const { atime, mtimeMs } = statSync(path);
    writeFileSync(path, 'default: fp32\n');
    utimesSync(path, atime, new Date(mtimeMs + 1));
    expect(cache.read(path)).toBe('default: fp32\n');
    const other = join(folder, 'other.precision');
    writeFileSync(other, 'default: bf16\n');
    renameSync(other, path);
    expect(cache.read(path)).toBe('default: bf16\n');
    rmSync(path);
    expect(cache.read(path)).toBeUndefined();
  });

  it('of files that were not asked for in a long while are let go', () => {
    const { cache, read } = counting();
    const paths = Array.from({ length: 65 }, (_, index) => join(folder, `${index}.precision`));
    for (const path of paths) {
      writeFileSync(path, path);
      cache.read(path);
    }
    cache.read(paths[64] ?? '');
    expect(read).toHaveLength(65);
    cache.read(paths[0] ?? '');
    expect(read).toHaveLength(66);
  });

  it('that cannot be read are none', () => {
    expect(new TextCache().read(folder)).toBeUndefined();
    expect(new TextCache().read(join(folder, 'a\0b'))).toBeUndefined();
  });
});
