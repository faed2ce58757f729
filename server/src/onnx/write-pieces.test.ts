import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { folderForTests } from '../testing/index.js';
import { encodeBytes, type Piece } from './pieces.js';
import { fileSource, SourceFault } from './source.js';
import { writePieces, type WritableFileSystem, type WriteResult } from './write-pieces.js';

const folder = folderForTests();
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
});

const OLD = 'the old content';
const target = () => join(folder, 'out.onnx');

/** More than one chunk, in small pieces and large ones, from memory, a file and a function. */
function somePieces(): Piece[] {
  const path = join(folder, 'in.onnx');
  writeFileSync(
    path,
    Uint8Array.from({ length: 2_500_000 }, (_, index) => (index * 2654435761) >>> 24),
  );
  const source = fileSource(path);
  return [
    { kind: 'bytes', bytes: Buffer.from('start') },
    { kind: 'range', source, range: { offset: 7, length: 1_600_000 } },
    { kind: 'computed', length: 1_200_000, parts: sevens },
    { kind: 'range', source, range: { offset: 2_499_990, length: 10 } },
    { kind: 'bytes', bytes: Buffer.from('end') },
  ];
}

/** 1.2 million times seven, in parts that are one buffer. */
function* sevens(): Generator<Uint8Array> {
  const part = new Uint8Array(300_000);
  for (let made = 0; made < 1_200_000; made += part.length) {
    yield part.fill(7);
    // Whoever still looks at a part when the next one is asked for sees this.
    part.fill(9);
  }
}

function* oneMegabyteThenAFault(): Generator<Uint8Array> {
  yield new Uint8Array(2 ** 20);
  throw new SourceFault('the weights are gone', undefined);
}

type Step = 'open' | 'write' | 'fsync' | 'close' | 'rename';

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** The machine's file system, failing at one step; writes fail once `afterBytes` are written. */
function failingAt(step: Step | undefined, code: string, afterBytes = 0): WritableFileSystem {
  const fail = (at: Step): void => {
    if (at === step) throw systemError(code);
  };
  return {
    async open(path, mode) {
      fail('open');
      const handle = await open(path, 'wx', mode);
      let written = 0;
      return {
        async write(bytes) {
          // Short writes, as a file system may make them.
          const some = bytes.subarray(0, 300_000);
          if (written + some.length > afterBytes) fail('write');
          written += some.length;
          return (await handle.write(some)).bytesWritten;
        },
        async fsync() {
          fail('fsync');
          await handle.sync();
        },
        async close() {
          await handle.close();
          fail('close');
        },
      };
    },
    async rename(from, to) {
      fail('rename');
      await rename(from, to);
    },
    unlink,
  };
}

function checkRefused(result: WriteResult, message: RegExp): void {
  if (!('problem' in result)) throw new Error('it was written');
  expect(result.problem.code).toBe('cannot-write');
  expect(result.problem.message).toMatch(message);
}

function leftOvers(): string[] {
  return readdirSync(folder).filter((name) => name.includes('.tmp'));
}

describe('writing', () => {
  it('puts the pieces into the file, one after the other', async () => {
    const pieces = somePieces();
    const expected = encodeBytes(pieces);
    expect(await writePieces(target(), pieces)).toEqual({ length: expected.length });
    expect(Buffer.compare(readFileSync(target()), expected)).toBe(0);
    expect(leftOvers()).toEqual([]);
  });

  it('goes on after short writes, and tells how far it is', async () => {
    const pieces = somePieces();
    const expected = encodeBytes(pieces);
    const told: number[] = [];
    const options = { progress: (written: number) => told.push(written) };
    expect(await writePieces(target(), pieces, failingAt(undefined, ''), options)).toEqual({
      length: expected.length,
    });
    expect(Buffer.compare(readFileSync(target()), expected)).toBe(0);
    expect(told.at(-1)).toBe(expected.length);
    expect(told).toEqual([...told].sort((first, second) => first - second));
  });

  it('replaces a file and keeps its mode', async () => {
    writeFileSync(target(), OLD);
    chmodSync(target(), 0o640);
    await writePieces(target(), [{ kind: 'bytes', bytes: Buffer.from('new') }]);
    expect(readFileSync(target(), 'utf8')).toBe('new');
    expect(statSync(target()).mode & 0o777).toBe(0o640);
  });

  it('writes an empty file', async () => {
    expect(await writePieces(target(), [])).toEqual({ length: 0 });
    expect(readFileSync(target()).length).toBe(0);
  });

  it('follows a symbolic link and leaves it one', async () => {
    writeFileSync(join(folder, 'real.onnx'), OLD);
    symlinkSync('real.onnx', target());
    await writePieces(target(), [{ kind: 'bytes', bytes: Buffer.from('new') }]);
    expect(readFileSync(join(folder, 'real.onnx'), 'utf8')).toBe('new');
    expect(readdirSync(folder).sort()).toEqual(['out.onnx', 'real.onnx']);
  });
});

describe('when a step fails, the old file is whole and nothing else is left', () => {
  const faults: readonly (readonly [Step, string, number, RegExp])[] = [
    ['open', 'EACCES', 0, /no permission to write in/],
    ['open', 'EROFS', 0, /read-only disk/],
    ['write', 'ENOSPC', 0, /the disk is full; free space or choose another folder/],
    ['write', 'ENOSPC', 1_300_000, /the disk is full/],
    ['write', 'ENOSPC', 2_700_000, /the disk is full/],
    ['write', 'EDQUOT', 1, /the disk is full/],
    ['write', 'EIO', 500_000, /the system reports EIO/],
    ['write', 'EFBIG', 500_000, /files of this size/],
    ['fsync', 'EIO', 0, /the system reports EIO/],
    ['close', 'ENOSPC', 0, /the disk is full/],
    ['rename', 'EISDIR', 0, /it is a folder/],
    ['rename', 'EBUSY', 0, /another program has it open/],
  ];

  it.each(faults)('%s, %s after %d bytes', async (step, code, afterBytes, message) => {
    writeFileSync(target(), OLD);
    checkRefused(await writePieces(target(), somePieces(), failingAt(step, code, afterBytes)), message);
    expect(readFileSync(target(), 'utf8')).toBe(OLD);
    expect(leftOvers()).toEqual([]);
  });

  it.each(faults)(
    '%s, %s after %d bytes, where there was no file',
    async (step, code, afterBytes, message) => {
      checkRefused(await writePieces(target(), somePieces(), failingAt(step, code, afterBytes)), message);
      expect(readdirSync(folder)).toEqual(['in.onnx']);
    },
  );

  it('a part that cannot be read', async () => {
    writeFileSync(target(), OLD);
    const parts = (): Iterable<Uint8Array> => {
      throw new SourceFault('the weights are gone', undefined);
    };
    const pieces = [...somePieces(), { kind: 'computed', length: 4, parts } as const];
    checkRefused(await writePieces(target(), pieces), /a part of it cannot be read: the weights are gone/);
    for (const made of [3, 5]) {
      const wrong: Piece = { kind: 'computed', length: 4, parts: () => [new Uint8Array(made)] };
      checkRefused(
        await writePieces(target(), [wrong]),
        new RegExp(`${made} bytes were made where 4 were announced`),
      );
    }
    expect(readFileSync(target(), 'utf8')).toBe(OLD);
    expect(leftOvers()).toEqual([]);
  });

  it('a part that cannot be read while the one before is written: the file is closed behind the write', async () => {
    const steps: string[] = [];
    const note = (step: string): Promise<void> => {
      steps.push(step);
      return Promise.resolve();
    };
    const write = async (bytes: Uint8Array): Promise<number> => {
      await setImmediate();
      steps.push('written');
      return bytes.length;
    };
    const file = { write, fsync: () => note('fsync'), close: () => note('close') };
    const fileSystem: WritableFileSystem = {
      open: () => Promise.resolve(file),
      rename: () => note('rename'),
      unlink: () => note('unlink'),
    };
    const pieces: Piece[] = [{ kind: 'computed', length: 2 ** 21, parts: oneMegabyteThenAFault }];
    checkRefused(await writePieces(target(), pieces, fileSystem), /the weights are gone/);
    expect(steps).toEqual(['written', 'close', 'unlink']);
  });

  it('a disk that becomes full while many small parts are gathered', async () => {
    const small: Piece = { kind: 'bytes', bytes: new Uint8Array(10) };
    const pieces: Piece[] = [{ kind: 'bytes', bytes: new Uint8Array(2 ** 20) }];
    for (let count = 0; count < 50_000; count += 1) pieces.push(small);
    checkRefused(await writePieces(target(), pieces, failingAt('write', 'ENOSPC', 0)), /the disk is full/);
    expect(leftOvers()).toEqual([]);
  });

  it('a model that changes while it is read', async () => {
    const pieces = somePieces();
    const touch = {
      progress: () => {
        utimesSync(join(folder, 'in.onnx'), 1, 1);
      },
    };
    checkRefused(await writePieces(target(), pieces, undefined, touch), /has changed since it was opened/);
    expect(readdirSync(folder)).toEqual(['in.onnx']);
  });

  it('being cancelled', async () => {
    writeFileSync(target(), OLD);
    const controller = new AbortController();
    const options = {
      signal: controller.signal,
      progress: () => {
        controller.abort();
      },
    };
    expect(await writePieces(target(), somePieces(), undefined, options)).toMatchObject({
      problem: { code: 'cancelled' },
    });
    expect(readFileSync(target(), 'utf8')).toBe(OLD);
    expect(leftOvers()).toEqual([]);
  });

  it('an error of ours, which is not hidden', async () => {
    const parts = (): Iterable<Uint8Array> => {
      throw new TypeError('a bug');
    };
    await expect(writePieces(target(), [{ kind: 'computed', length: 1, parts }])).rejects.toThrow('a bug');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('refused before anything is written', () => {
  const pieces: Piece[] = [{ kind: 'bytes', bytes: Buffer.from('new') }];

  it('a folder that does not exist', async () => {
    checkRefused(
      await writePieces(join(folder, 'none', 'out.onnx'), pieces),
      /the folder .*none does not exist/,
    );
  });

  it('a file in place of a folder', async () => {
    writeFileSync(target(), OLD);
    checkRefused(
      await writePieces(join(target(), 'out.onnx'), pieces),
      /the folder .*out\.onnx does not exist/,
    );
  });

  it('a folder', async () => {
    checkRefused(await writePieces(folder, pieces), /it is a folder/);
  });

  it('a device', async () => {
    checkRefused(await writePieces('/dev/null', pieces), /not a regular file/);
  });

  it('a name that is too long', async () => {
    checkRefused(await writePieces(join(folder, 'x'.repeat(300)), pieces), /too long/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['the model that is read', 'in.onnx'],
    ['a link to it', 'link.onnx'],
    ['a hard link to it', 'hard.onnx'],
  ])('%s', async (_, name) => {
    const reading = somePieces();
    const before = readFileSync(join(folder, 'in.onnx'));
    symlinkSync('in.onnx', join(folder, 'link.onnx'));
    linkSync(join(folder, 'in.onnx'), join(folder, 'hard.onnx'));
    checkRefused(
      await writePieces(join(folder, name), reading),
      /it is the model that is read; choose another name/,
    );
    expect(Buffer.compare(readFileSync(join(folder, 'in.onnx')), before)).toBe(0);
  });
});
