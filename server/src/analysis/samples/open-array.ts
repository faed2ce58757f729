/**
 * The files that hold arrays: `.npy`, `.npz` (the array of the input's name, or the only one), `.pb`, and pictures. What
 * kind a file is, its first bytes say; only tensors of ONNX have none that are their own. Knows where elements are; what is
 * wanted of them only a picture needs to know, which is no array until then.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { decodeJpeg } from './decode-jpeg.js';
import { decodePng } from './decode-png.js';
import { npyHeaderLength, parseNpyHeader, PREAMBLE_BYTES, type NpyHeader } from './npy.js';
import { pictureTensor, type PictureWish } from './picture-tensor.js';
import type { Picture } from './picture.js';
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
export async function withFile<T>(
  path: string,
  work: (file: FileHandle) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
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
const PICTURES: readonly {
  readonly start: readonly number[];
  readonly decode: (bytes: Uint8Array) => Outcome<Picture>;
}[] = [
  { start: [0x89, 0x50, 0x4e, 0x47], decode: decodePng },
  { start: [0xff, 0xd8, 0xff], decode: decodeJpeg },
];

/** What an input takes: its name chooses among the arrays of an archive, the rest makes a tensor of a picture. */
export interface ArrayWish extends PictureWish {
  readonly name: string;
  /** The axis of one file that the samples are taken from. */
  readonly axis: number | undefined;
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

async function openNpy(path: string, file: FileHandle, size: number): Promise<Outcome<ArrayFile>> {
  const preamble = new Uint8Array(Math.min(PREAMBLE_BYTES, size));
  await readExactly(file, 0, preamble);
  const length = npyHeaderLength(preamble);
  if (!length.ok) return length;
  if (length.value > size)
    return failure('input-missing', `the file ends inside its header, after ${size} bytes`);
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

async function openNpz(
  path: string,
  file: FileHandle,
  size: number,
  input: string,
): Promise<Outcome<ArrayFile>> {
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

async function openPicture(
  path: string,
  file: FileHandle,
  size: number,
  decode: (bytes: Uint8Array) => Outcome<Picture>,
  wish: ArrayWish,
): Promise<Outcome<ArrayFile>> {
  if (wish.axis !== undefined) return failure('samples-differ', 'a picture is one sample: leave out `axis`');
  const bytes = new Uint8Array(size);
  await readExactly(file, 0, bytes);
  const picture = decode(bytes);
  if (!picture.ok) return picture;
  const tensor = pictureTensor(picture.value, wish);
  if (!tensor.ok) return tensor;
  const { dims, elements } = tensor.value;
  const header = { dataType: wish.elementType, dims, bigEndian: false, fortranOrder: false, offset: 0 };
  return success({ path, header, bytes: elements });
}

/** The array in a file that is meant for an input. */
export function openArray(path: string, wish: ArrayWish): Promise<Outcome<ArrayFile>> {
  return withFile(path, async (file) => {
    const { size } = await file.stat();
    const start = new Uint8Array(Math.min(4, size));
    await readExactly(file, 0, start);
    const picture = PICTURES.find((kind) => startsWith(start, kind.start));
    if (picture !== undefined) return openPicture(path, file, size, picture.decode, wish);
    if (wish.options !== undefined) {
      return failure('input-shape', 'layout, scale, mean and std are for pictures, which this file is not');
    }
    if (startsWith(start, ZIP_START)) return openNpz(path, file, size, wish.name);
    if (path.endsWith('.pb') && size > 0) return openTensor(path, file, size);
    return openNpy(path, file, size);
  });
}
