/**
 * The files that hold arrays: `.npy`, `.npz` (the array of the input's name, or the only one) and `.pb`. What kind a
 * file is, its first bytes say; only tensors of ONNX have none that are their own. Knows where elements are, not what
 * is wanted of them.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { npyHeaderLength, parseNpyHeader, PREAMBLE_BYTES, type NpyHeader } from './npy.js';
import { parseTensorFile } from './tensor-file.js';
import { failure, success, type Outcome } from './types.js';
import { readZipDirectory, readZipEntry, type ZipEntry } from './zip.js';

export interface ArrayFile {
  readonly path: string;
  /** Its offset is one in the file, or in `bytes`. */
  readonly header: NpyHeader;
  /** What holds the array where it does not lie in the file as it is: an unpacked entry, a decoded tensor. */
  readonly bytes: Uint8Array | undefined;
}

/** What the system says of a file that cannot be read, in words. */
function readingFault<T>(error: unknown): Outcome<T> {
  return failure('input-missing', error instanceof Error ? error.message : String(error));
}

/** Fills `bytes` from a file; false where the file ends before. */
export async function readExactly(file: FileHandle, offset: number, bytes: Uint8Array): Promise<boolean> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}

/** Opens a file for `work`; what the system refuses is a fault. */
export async function withFile<T>(path: string, work: (file: FileHandle) => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    const file = await open(path, 'r');
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    return readingFault(error);
  }
}

const ZIP_START = [0x50, 0x4b];
const PICTURE_STARTS = [
  [0x89, 0x50, 0x4e, 0x47],
  [0xff, 0xd8, 0xff],
];

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

async function openNpy(path: string, file: FileHandle, size: number): Promise<Outcome<ArrayFile>> {
  const preamble = new Uint8Array(Math.min(PREAMBLE_BYTES, size));
  await readExactly(file, 0, preamble);
  const length = npyHeaderLength(preamble);
  if (!length.ok) return length;
  if (length.value > size) return failure('input-missing', `the file ends inside its header, after ${size} bytes`);
  const bytes = new Uint8Array(length.value);
  await readExactly(file, 0, bytes);
  const header = parseNpyHeader(bytes, size);
  return header.ok ? success({ path, header: header.value, bytes: undefined }) : header;
}

/** The array that is called like the input; an archive of one array need not name it. */
function chooseEntry(entries: readonly ZipEntry[], input: string): Outcome<ZipEntry> {
  const [first, second] = entries;
  if (first === undefined) return failure('input-missing', 'the archive holds no array');
  const named = entries.find(({ name }) => name === `${input}.npy`);
  if (named !== undefined) return success(named);
  if (second === undefined) return success(first);
  const names = entries.map(({ name }) => name.replace(/\.npy$/, ''));
  return failure('input-missing', `no array of the archive is called ${input}; it holds ${names.join(', ')}`);
}

async function openNpz(path: string, file: FileHandle, size: number, input: string): Promise<Outcome<ArrayFile>> {
  const directory = await readZipDirectory(file, size);
  if (!directory.ok) return directory;
  const entry = chooseEntry(directory.value, input);
  if (!entry.ok) return entry;
  const unpacked = await readZipEntry(file, size, entry.value);
  if (!unpacked.ok) return unpacked;
  const bytes = unpacked.value;
  const length = npyHeaderLength(bytes.subarray(0, PREAMBLE_BYTES));
  if (!length.ok) return failure(length.fault.code, `${entry.value.name}: ${length.fault.message}`);
  const header = parseNpyHeader(bytes.subarray(0, length.value), bytes.length);
  if (!header.ok) return failure(header.fault.code, `${entry.value.name}: ${header.fault.message}`);
  return success({ path, header: header.value, bytes });
}

async function openTensor(path: string, file: FileHandle, size: number): Promise<Outcome<ArrayFile>> {
  const bytes = new Uint8Array(size);
  await readExactly(file, 0, bytes);
  const tensor = parseTensorFile(bytes);
  if (!tensor.ok) return tensor;
  const { dataType, dims, elements } = tensor.value;
  const header = { dataType, dims, bigEndian: false, fortranOrder: false, offset: 0 };
  return success({ path, header, bytes: elements });
}

/** The array in a file that is meant for an input. */
export function openArray(path: string, input: string): Promise<Outcome<ArrayFile>> {
  return withFile(path, async (file) => {
    const { size } = await file.stat();
    const start = new Uint8Array(Math.min(4, size));
    await readExactly(file, 0, start);
    if (startsWith(start, ZIP_START)) return openNpz(path, file, size, input);
    if (PICTURE_STARTS.some((picture) => startsWith(start, picture))) {
      return failure('input-missing', 'pictures are not read yet: save their pixels with numpy.save');
    }
    if (path.endsWith('.pb') && size > 0) return openTensor(path, file, size);
    return openNpy(path, file, size);
  });
}
