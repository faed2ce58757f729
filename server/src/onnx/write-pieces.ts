/**
 * Writes a file so that at every moment either the old content or the whole new one is there: to a temporary name in
 * the same folder, then renamed. Memory stays constant whatever the pieces weigh. Knows no ONNX.
 */
import { randomBytes } from 'node:crypto';
import { open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ByteSource } from './model.js';
import { computedParts, piecesLength, type Piece } from './pieces.js';
import { readInto, SourceFault, systemErrorCode } from './source.js';

/** What is written at once; twice as much is held. */
const CHUNK = 1 << 20;
/** Many small parts fill what is written at once: whoever shares this process is let in after so many of them. */
const PARTS_PER_TURN = 64;
const NEW_FILE_MODE = 0o666;

/** What is written with; tests put in one that fails. Failures are rejections with a system `code`. */
export interface WritableFileSystem {
  /** Creates a file that must not exist yet. */
  open(path: string, mode: number): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

export interface WritableFile {
  /** Appends some of the bytes and tells how many. */
  write(bytes: Uint8Array): Promise<number>;
  fsync(): Promise<void>;
  close(): Promise<void>;
}

export interface WriteProblem {
  readonly code: 'cannot-write' | 'cancelled';
  readonly message: string;
}

export type WriteResult = { readonly length: number } | { readonly problem: WriteProblem };

export interface WriteOptions {
  readonly signal?: AbortSignal;
  /** Told now and then how many bytes are written. */
  readonly progress?: (written: number, of: number) => void;
}

/** The file system of the machine. */
const machine: WritableFileSystem = {
  async open(path, mode) {
    const handle = await open(path, 'wx', mode);
    return {
      write: async (bytes) => (await handle.write(bytes)).bytesWritten,
      fsync: () => handle.sync(),
      close: () => handle.close(),
    };
  },
  rename,
  unlink,
};

/**
 * Writes `pieces` to `path`, over a file that may be there unless one of the pieces is read from it. On any problem
 * the path is as it was before and no temporary file is left.
 */
export async function writePieces(
  path: string,
  pieces: readonly Piece[],
  fileSystem: WritableFileSystem = machine,
  options: WriteOptions = {},
): Promise<WriteResult> {
  try {
    const target = await findTarget(resolve(path), pieces);
    if ('problem' in target) return target;
    await replaceFile(target, pieces, fileSystem, options);
    return { length: piecesLength(pieces) };
  } catch (error) {
    if (error instanceof Cancelled)
      return { problem: { code: 'cancelled', message: `writing ${path} was cancelled` } };
    const reason =
      error instanceof SourceFault
        ? `a part of it cannot be read: ${error.message}`
        : systemReason(path, error);
    if (reason === undefined) throw error;
    return refused(`${path} cannot be written: ${reason}`);
  }
}

class Cancelled extends Error {}

interface Target {
  readonly path: string;
  readonly mode: number;
}

/** Follows a symbolic link, so that it stays one, and refuses what must not be written over. */
async function findTarget(
  path: string,
  pieces: readonly Piece[],
): Promise<Target | { problem: WriteProblem }> {
  let target: string;
  try {
    target = await realpath(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    return { path, mode: NEW_FILE_MODE };
  }
  const status = await stat(target, { bigint: true });
  if (status.isDirectory()) return refused(`${path} cannot be written: it is a folder`);
  if (!status.isFile()) return refused(`${path} cannot be written: it is not a regular file`);
  for (const source of sourcesOf(pieces)) {
    if (source.path === undefined) continue;
    const other = await stat(source.path, { bigint: true }).catch(() => undefined);
    if (other?.dev === status.dev && other.ino === status.ino) {
      return refused(`${path} cannot be written: it is the model that is read; choose another name`);
    }
  }
  return { path: target, mode: Number(status.mode) & 0o777 };
}

function sourcesOf(pieces: readonly Piece[]): Set<ByteSource> {
  return new Set(pieces.flatMap((piece) => (piece.kind === 'range' ? [piece.source] : [])));
}

async function replaceFile(
  target: Target,
  pieces: readonly Piece[],
  fileSystem: WritableFileSystem,
  options: WriteOptions,
): Promise<void> {
  // Short, because the name of the target may be as long as names can be.
  const temporary = join(dirname(target.path), `.onnx-precision-${randomBytes(6).toString('hex')}.tmp`);
  const file = await fileSystem.open(temporary, target.mode);
  try {
    try {
      await writeAll(file, pieces, options);
      await file.fsync();
    } finally {
      await file.close();
    }
    checkUnchanged(pieces);
    checkCancelled(options);
    await fileSystem.rename(temporary, target.path);
  } catch (error) {
    // The first problem is the one to tell; that the rest cannot be removed either adds nothing.
    await fileSystem.unlink(temporary).catch(() => undefined);
    throw error;
  }
}

async function writeAll(file: WritableFile, pieces: readonly Piece[], options: WriteOptions): Promise<void> {
  const of = piecesLength(pieces);
  let written = 0;
  // While the system writes one buffer, the other one is filled.
  let buffer = new Uint8Array(CHUNK);
  let other = new Uint8Array(CHUNK);
  let filled = 0;
  let parts = 0;
  let writing = Promise.resolve();
  const flush = async (): Promise<void> => {
    checkCancelled(options);
    await writing;
    const full = buffer.subarray(0, filled);
    writing = writeFully(file, full).then(() => {
      written += full.length;
      options.progress?.(written, of);
    });
    // A failure is told when the write is waited for, whatever else is waited for before.
    writing.catch(() => undefined);
    [buffer, other] = [other, buffer];
    filled = 0;
  };
  try {
    for (const piece of pieces) {
      for (const part of partsOf(piece)) {
        parts += 1;
        if (parts % PARTS_PER_TURN === 0) await setImmediate();
        for (let done = 0; done < part.length;) {
          const step = Math.min(part.length - done, CHUNK - filled);
          part.copy(done, buffer.subarray(filled, filled + step));
          done += step;
          filled += step;
          if (filled === CHUNK) await flush();
        }
      }
    }
    await flush();
    await writing;
  } catch (error) {
    // The file is not to be closed under a write. Of two failures the first is the one to tell.
    await writing.catch(() => undefined);
    throw error;
  }
}

interface Part {
  readonly length: number;
  /** Fills `target` with the bytes from `start` on. */
  copy(start: number, target: Uint8Array): void;
}

/** A piece in parts that can be copied for as long as the next one is not asked for. */
function* partsOf(piece: Piece): Generator<Part, void> {
  if (piece.kind === 'range') {
    const { source, range } = piece;
    const copy = (start: number, target: Uint8Array): void => {
      readInto(source, range.offset + start, target);
    };
    yield { length: range.length, copy };
    return;
  }
  for (const bytes of piece.kind === 'computed' ? computedParts(piece) : [piece.bytes]) {
    const copy = (start: number, target: Uint8Array): void => {
      target.set(bytes.subarray(start, start + target.length));
    };
    yield { length: bytes.length, copy };
  }
}

async function writeFully(file: WritableFile, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const written = await file.write(bytes.subarray(done));
    if (written <= 0) throw new SourceFault('the system took no bytes', undefined);
    done += written;
  }
}

function checkUnchanged(pieces: readonly Piece[]): void {
  for (const source of sourcesOf(pieces)) {
    if (source.changed?.() === true) {
      throw new SourceFault(`${source.path ?? 'the model'} has changed since it was opened`, undefined);
    }
  }
}

function checkCancelled(options: WriteOptions): void {
  if (options.signal?.aborted === true) throw new Cancelled();
}

/** What a failure of the system means, with a way out; undefined for what is no failure of the system. */
function systemReason(path: string, error: unknown): string | undefined {
  const code = systemErrorCode(error);
  switch (code) {
    case undefined:
      return undefined;
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full; free space or choose another folder';
    case 'EFBIG':
      return 'the file system does not take files of this size';
    case 'EACCES':
    case 'EPERM':
      return `there is no permission to write in ${dirname(path)}`;
    case 'EROFS':
      return `${dirname(path)} is on a read-only disk`;
    case 'ENOENT':
    case 'ENOTDIR':
      return `the folder ${dirname(path)} does not exist`;
    case 'EISDIR':
      return 'it is a folder';
    case 'ENAMETOOLONG':
      return `the name ${basename(path).slice(0, 40)}... is too long`;
    case 'EBUSY':
    case 'ETXTBSY':
      return 'another program has it open';
    default:
      return `the system reports ${code}`;
  }
}

function refused(message: string): { problem: WriteProblem } {
  return { problem: { code: 'cannot-write', message } };
}
