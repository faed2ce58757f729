/** A file that is replaced has the old text or the new one, whatever fails. */
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { WritableFileSystem } from '../onnx/index.js';
import { foldersForTests } from '../testing/index.js';
import { editFile, replaceFile } from './replace-file.js';

const newFolder = foldersForTests();
let folder: string;
let path: string;

beforeEach(() => {
  folder = newFolder();
  path = join(folder, 'p.precision');
  writeFileSync(path, 'old');
});

type Step = 'open' | 'write' | 'fsync' | 'rename';

/** The machine's file system, whose disk is full at one step. */
function fullAt(step: Step): WritableFileSystem {
  const fail = (at: Step): void => {
    if (at === step) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  };
  return {
    async open(target, mode) {
      fail('open');
      const handle = await open(target, 'wx', mode);
      return {
        write: async (bytes) => {
          const { bytesWritten } = await handle.write(bytes.subarray(0, 2));
          fail('write');
          return bytesWritten;
        },
        fsync: async () => {
          fail('fsync');
          await handle.sync();
        },
        close: () => handle.close(),
      };
    },
    async rename(from, to) {
      fail('rename');
      await rename(from, to);
    },
    unlink,
  };
}

describe('replacing a file', () => {
  it('writes the whole text, in UTF-8, and keeps the mode', async () => {
    chmodSync(path, 0o640);
    await replaceFile(path, '# größer\n');
    expect(readFileSync(path, 'utf8')).toBe('# größer\n');
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual(['p.precision']);
  });

  it('makes a file that was not there', async () => {
    await replaceFile(join(folder, 'new'), 'text');
    expect(readFileSync(join(folder, 'new'), 'utf8')).toBe('text');
  });

  it('writes through a symbolic link', async () => {
    symlinkSync(path, join(folder, 'link'));
    await replaceFile(join(folder, 'link'), 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  it.each<Step>(['open', 'write', 'fsync', 'rename'])('that fails at %s leaves the old one', async (step) => {
    const replaced = await replaceFile(path, 'a text that is longer', fullAt(step));
    expect(replaced).toMatchObject({ problem: { kind: 'input', code: 'cannot-write', path } });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['p.precision']);
  });
});

describe('editing a file', () => {
  const edits = [{ range: { start: 0, end: 3 }, newText: 'new' }];

  it('applies edits to the text that was read', async () => {
    await editFile({ path, text: 'old' }, edits);
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  it('leaves a file alone that was saved or removed meanwhile', async () => {
    const refusal = { problem: { kind: 'input', code: 'changed-meanwhile', path } };
    writeFileSync(path, 'saved in the editor');
    expect(await editFile({ path, text: 'old' }, edits)).toMatchObject(refusal);
    expect(readFileSync(path, 'utf8')).toBe('saved in the editor');
    rmSync(path);
    expect(await editFile({ path, text: 'old' }, edits)).toMatchObject(refusal);
    expect(readdirSync(folder)).toEqual([]);
  });
});
