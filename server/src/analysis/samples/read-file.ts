/**
 * An array file as a sample tensor: read by range, converted only where its own bytes do not serve, looked through
 * for infinities and NaN and hashed on the way. Knows what `open-array.ts` has opened; not which sample or statement
 * it belongs to.
 */
import { createHash, type Hash } from 'node:crypto';
import type { DataType } from '../../onnx/index.js';
import type { TensorContent } from '../../runtime/index.js';
import { convertElements, convertible } from './convert.js';
import { elementTypeOf, nameOf } from './element-type.js';
import { countNonFinite, type NonFiniteCount } from './non-finite.js';
import { readExactly, withFile, type ArrayFile } from './open-array.js';
import { fromFortranOrder, sliceAxis, swapBytes } from './order.js';
import { failure, success, type Outcome } from './types.js';

/** Bytes read at a time; a multiple of every element's width. */
const CHUNK = 1 << 20;

/** Elements that are checked and hashed. */
export interface CheckedContent {
  readonly content: TensorContent;
  readonly sha256: string;
}

/** Dims of one sample: without the axis that counts the samples, or with 1 there if the input has as many axes. */
export function sampleDims(
  dims: readonly number[],
  axis: number | undefined,
  rank: number | undefined,
): number[] {
  if (axis === undefined) return [...dims];
  return rank === dims.length - 1 ? dims.filter((_, index) => index !== axis) : dims.with(axis, 1);
}

function elements(dims: readonly number[]): number {
  return dims.reduce((count, dim) => count * dim, 1);
}

/** Where the elements of a sample lie in the file, if they lie there as they are wanted. */
function rangeInFile(
  { header, bytes }: ArrayFile,
  dataType: DataType,
  slice: { readonly axis: number; readonly position: number } | undefined,
): { offset: number; length: number } | undefined {
  const { dims, offset, bigEndian, fortranOrder } = header;
  const width = elementTypeOf(header.dataType)?.bytes ?? 1;
  const long = dims.filter((dim) => dim !== 1).length;
  if (bytes !== undefined) return undefined;
  if (header.dataType !== dataType || (bigEndian && width > 1) || (fortranOrder && long > 1))
    return undefined;
  if (slice === undefined) return { offset, length: elements(dims) * width };
  if (elements(dims.slice(0, slice.axis)) !== 1) return undefined;
  const length = elements(dims.slice(slice.axis + 1)) * width;
  return { offset: offset + slice.position * length, length };
}

/** Index in each axis of a flat index. */
function coordinates(index: number, dims: readonly number[]): number[] {
  const position: number[] = [];
  let rest = index;
  for (const dim of dims.toReversed()) {
    position.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return position;
}

function nonFiniteFault<T>({ count, first, value }: NonFiniteCount, dims: readonly number[]): Outcome<T> {
  const more = count === 1 ? '' : `, and so are ${count - 1} more`;
  return failure(
    'sample-nonfinite',
    `element ${first} at [${coordinates(first, dims).join(', ')}] is ${value}${more}; a sample must be finite`,
  );
}

/** Hashes a range of a file and looks for what is not finite in it, without keeping it. */
function checkRange(
  path: string,
  range: { readonly offset: number; readonly length: number },
  dataType: DataType,
  dims: readonly number[],
): Promise<Outcome<CheckedContent>> {
  return withFile(path, async (file) => {
    const hash = createHash('sha256');
    const buffer = new Uint8Array(Math.min(CHUNK, range.length));
    const width = elementTypeOf(dataType)?.bytes ?? 1;
    let found: NonFiniteCount = { count: 0, first: -1, value: 0 };
    for (let done = 0; done < range.length; done += CHUNK) {
      const chunk = buffer.subarray(0, Math.min(CHUNK, range.length - done));
      if (!(await readExactly(file, range.offset + done, chunk))) {
        return failure('input-missing', 'the file became shorter while it was read');
      }
      found = together(found, countNonFinite(chunk, dataType), done / width);
      hash.update(chunk);
    }
    if (found.count > 0) return nonFiniteFault(found, dims);
    return success({ content: { kind: 'file', path, ...range }, sha256: digest(hash) });
  });
}

function together(before: NonFiniteCount, next: NonFiniteCount, elementsBefore: number): NonFiniteCount {
  if (next.count === 0) return before;
  if (before.count > 0) return { ...before, count: before.count + next.count };
  return { ...next, first: elementsBefore + next.first };
}

function digest(hash: Hash): string {
  return hash.digest('hex');
}

/** Elements in memory, hashed and looked through. */
export function checkBytes(
  bytes: Uint8Array,
  dataType: DataType,
  dims: readonly number[],
): Outcome<CheckedContent> {
  const found = countNonFinite(bytes, dataType);
  if (found.count > 0) return nonFiniteFault(found, dims);
  return success({ content: { kind: 'bytes', bytes }, sha256: digest(createHash('sha256').update(bytes)) });
}

/** All elements of an array file, little-endian and in C order, of the type that the file has. */
export async function readArray({ path, header, bytes }: ArrayFile): Promise<Outcome<Uint8Array>> {
  const { dims, offset, dataType, bigEndian, fortranOrder } = header;
  const width = elementTypeOf(dataType)?.bytes ?? 1;
  const length = elements(dims) * width;
  const raw =
    bytes === undefined
      ? await readRange(path, offset, length)
      : success(bytes.slice(offset, offset + length));
  if (!raw.ok) return raw;
  const little = bigEndian ? swapBytes(raw.value, width) : raw.value;
  return success(fortranOrder ? fromFortranOrder(little, width, dims) : little);
}

function readRange(path: string, offset: number, length: number): Promise<Outcome<Uint8Array>> {
  return withFile(path, async (file) => {
    const raw = new Uint8Array(length);
    if (await readExactly(file, offset, raw)) return success(raw);
    return failure('input-missing', 'the file became shorter while it was read');
  });
}

/**
 * The elements of a sample as `dataType`: a range of the file where they lie there so, else converted in memory.
 * `all` gives the elements of the whole file, and is asked only where they are needed.
 */
export async function readSample(
  file: ArrayFile,
  dataType: DataType,
  dims: readonly number[],
  slice: { readonly axis: number; readonly position: number } | undefined,
  all: () => Promise<Outcome<Uint8Array>>,
): Promise<Outcome<CheckedContent>> {
  const { header, path } = file;
  if (!convertible(header.dataType, dataType)) {
    const [own, wanted] = [nameOf(header.dataType), nameOf(dataType)];
    return failure('input-shape', `it holds ${own}, and the input is ${wanted}: save it as ${wanted}`);
  }
  const range = rangeInFile(file, dataType, slice);
  if (range !== undefined) return checkRange(path, range, dataType, dims);
  const whole = await all();
  if (!whole.ok) return whole;
  const width = elementTypeOf(header.dataType)?.bytes ?? 1;
  const own =
    slice === undefined
      ? whole.value
      : sliceAxis(whole.value, width, header.dims, slice.axis, slice.position);
  // Before the conversion: what is not finite in the file is its own fault, not that of the narrower type.
  const found = countNonFinite(own, header.dataType);
  if (found.count > 0) return nonFiniteFault(found, dims);
  const converted = convertElements(own, header.dataType, dataType);
  return converted.ok ? checkBytes(converted.value, dataType, dims) : converted;
}
