/**
 * Bytes read by range: files in pages of 64 KB with a small cache, and buffers. Knows nothing of what the bytes
 * mean. Returned bytes are views that callers must not write into.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ByteSource } from './model.js';

/** The unit of reading: whoever walks a file asks for aligned pages and gets them without a copy. */
export const PAGE_SIZE = 65_536;
const CACHED_PAGES = 16;
/** What is read a few bytes at a time goes over pages; what is larger is read where it is wanted. */
const SMALL_READ = 4096;
/** `readSync` takes no more than 2^31 - 1 bytes at once. */
const LARGEST_READ = 1 << 30;

/** Bytes could not be had: beyond the end, or the system refused (`systemCode`: `ENOENT`, `EIO`, ...). */
export class SourceFault extends RangeError {
  constructor(
    message: string,
    readonly systemCode: string | undefined,
  ) {
    super(message);
    this.name = 'SourceFault';
  }
}

/** The code of a system error, undefined for any other error. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** @throws SourceFault if the path names no readable regular file. The caller closes the source. */
export function fileSource(path: string): ByteSource {
  return new FileSource(resolve(path));
}

export function bufferSource(bytes: Uint8Array, path?: string): ByteSource {
  return {
    path,
    length: bytes.length,
    read(offset, length) {
      checkRange(offset, length, bytes.length);
      return bytes.subarray(offset, offset + length);
    },
    close() {
      // Nothing is held open.
    },
  };
}

/** Fills `target` with the bytes of a source at `offset`, without making a buffer where the source can do without. */
export function readInto(source: ByteSource, offset: number, target: Uint8Array): void {
  if (source.readInto === undefined) target.set(source.read(offset, target.length));
  else source.readInto(offset, target);
}

function checkRange(offset: number, length: number, available: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= available)) {
    throw new SourceFault(`bytes ${offset} to ${offset + length} of ${available} were asked for`, undefined);
  }
}

class FileSource implements ByteSource {
  readonly length: number;
  private readonly descriptor: number;
  private readonly identity: string;
  /** By page number, the page used longest ago first. */
  private readonly pages = new Map<number, Uint8Array>();
  private closed = false;

  constructor(readonly path: string) {
    try {
      // Asked before opening: opening a named pipe would wait for a writer.
      if (!statSync(path).isFile()) throw new SourceFault(`${path} is not a regular file`, 'EISDIR');
      this.descriptor = openSync(path, 'r');
    } catch (error) {
      if (error instanceof SourceFault) throw error;
      throw new SourceFault(describe(error), systemErrorCode(error));
    }
    const status = fstatSync(this.descriptor, { bigint: true });
    this.length = Number(status.size);
    this.identity = `${status.dev}:${status.ino}:${status.size}:${status.mtimeNs}`;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(offset, length, this.length);
    const page = Math.floor(offset / PAGE_SIZE);
    const start = offset - page * PAGE_SIZE;
    if (start + length > PAGE_SIZE) return this.readFile(offset, length);
    return this.page(page).subarray(start, start + length);
  }

  readInto(offset: number, target: Uint8Array): void {
    // Thousands of small weights mostly lie side by side.
    if (target.length <= SMALL_READ) {
      target.set(this.read(offset, target.length));
      return;
    }
    checkRange(offset, target.length, this.length);
    this.fill(offset, target);
  }

  changed(): boolean {
    try {
      const status = statSync(this.path, { bigint: true });
      return `${status.dev}:${status.ino}:${status.size}:${status.mtimeNs}` !== this.identity;
    } catch {
      return true;
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.pages.clear();
    closeSync(this.descriptor);
  }

  private page(number: number): Uint8Array {
    const cached = this.pages.get(number);
    if (cached !== undefined) {
      this.pages.delete(number);
      this.pages.set(number, cached);
      return cached;
    }
    const offset = number * PAGE_SIZE;
    const page = this.readFile(offset, Math.min(PAGE_SIZE, this.length - offset));
    if (this.pages.size >= CACHED_PAGES) {
      for (const oldest of this.pages.keys()) {
        this.pages.delete(oldest);
        break;
      }
    }
    this.pages.set(number, page);
    return page;
  }

  private readFile(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.fill(offset, bytes);
    return bytes;
  }

  private fill(offset: number, bytes: Uint8Array): void {
    if (this.closed) throw new SourceFault(`${this.path} was closed`, undefined);
    let done = 0;
    while (done < bytes.length) {
      const wanted = Math.min(bytes.length - done, LARGEST_READ);
      let got: number;
      try {
        got = readSync(this.descriptor, bytes, done, wanted, offset + done);
      } catch (error) {
        throw new SourceFault(describe(error), systemErrorCode(error));
      }
      if (got === 0) throw new SourceFault(`${this.path} has become shorter since it was opened`, undefined);
      done += got;
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
