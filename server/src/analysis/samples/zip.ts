/**
 * The entries of a ZIP archive (PKWARE APPNOTE 6.3), as `numpy.savez` and `savez_compressed` write them: stored or
 * deflated, below 4 GiB, not encrypted. Knows nothing of what is in them.
 */
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { failure, success, type Outcome } from './types.js';

const inflate = promisify(inflateRaw);

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
/** The end record may be followed by a comment of this length. */
const LONGEST_COMMENT = 0xffff;
/** Stands for a number that is in a ZIP64 record. */
const IN_ZIP64 = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;

export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly encrypted: boolean;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly localOffset: number;
}

async function readRange(file: FileHandle, offset: number, length: number): Promise<DataView | undefined> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  return bytesRead === length ? new DataView(bytes.buffer) : undefined;
}

function damaged<T>(): Outcome<T> {
  return failure('input-missing', 'the archive is cut short or damaged');
}

/** The directory of an archive of `size` bytes. */
export async function readZipDirectory(file: FileHandle, size: number): Promise<Outcome<ZipEntry[]>> {
  const tailLength = Math.min(size, END_BYTES + LONGEST_COMMENT);
  const tail = await readRange(file, size - tailLength, tailLength);
  if (tail === undefined) return damaged();
  let end = tailLength - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END_SIGNATURE) end--;
  if (end < 0) return damaged();
  const count = tail.getUint16(end + 10, true);
  const length = tail.getUint32(end + 12, true);
  const offset = tail.getUint32(end + 16, true);
  if (offset === IN_ZIP64)
    return failure('input-missing', 'archives beyond 4 GiB are not read: save .npy files');
  const directory = offset + length <= size ? await readRange(file, offset, length) : undefined;
  return directory === undefined ? damaged() : parseDirectory(directory, count);
}

function parseDirectory(view: DataView, count: number): Outcome<ZipEntry[]> {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > view.byteLength || view.getUint32(at, true) !== ENTRY_SIGNATURE) return damaged();
    const nameLength = view.getUint16(at + 28, true);
    const next =
      at + ENTRY_BYTES + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > view.byteLength) return damaged();
    entries.push({
      name: new TextDecoder().decode(new Uint8Array(view.buffer, at + ENTRY_BYTES, nameLength)),
      method: view.getUint16(at + 10, true),
      encrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      packedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      localOffset: view.getUint32(at + 42, true),
    });
    at = next;
  }
  return success(entries);
}

/** The content of an entry. */
export async function readZipEntry(
  file: FileHandle,
  size: number,
  entry: ZipEntry,
): Promise<Outcome<Uint8Array>> {
  const { name, method, encrypted, packedBytes, bytes, localOffset } = entry;
  if (packedBytes === IN_ZIP64 || bytes === IN_ZIP64 || localOffset === IN_ZIP64) {
    return failure('input-missing', `${name} is beyond 4 GiB: save it as a .npy file`);
  }
  if (encrypted || (method !== STORED && method !== DEFLATED)) {
    return failure(
      'input-missing',
      `${name} is encrypted, or packed by method ${method}: save it with numpy.savez`,
    );
  }
  const local =
    localOffset + LOCAL_BYTES <= size ? await readRange(file, localOffset, LOCAL_BYTES) : undefined;
  if (local?.getUint32(0, true) !== LOCAL_SIGNATURE) return damaged();
  // Name and extra field are repeated there, the latter with another length.
  const start = localOffset + LOCAL_BYTES + local.getUint16(26, true) + local.getUint16(28, true);
  const packed = start + packedBytes <= size ? await readRange(file, start, packedBytes) : undefined;
  if (packed === undefined) return damaged();
  const raw = new Uint8Array(packed.buffer);
  if (method === STORED) return success(raw);
  try {
    // The size that the directory states is also the most that is unpacked.
    const unpacked = await inflate(raw, { maxOutputLength: Math.max(1, bytes) });
    return unpacked.length === bytes ? success(new Uint8Array(unpacked)) : damaged();
  } catch {
    return damaged();
  }
}
