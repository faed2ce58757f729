/**
 * The elements of a tensor as little-endian bytes, however they are stored, and where such bytes lie in a file.
 * Everything that a file can get wrong about a tensor comes back as a problem, before memory is asked for.
 */
import { constants } from 'node:buffer';
import { realpathSync } from 'node:fs';
import { dirname, relative, sep } from 'node:path';
import { DataType, type ByteSource, type Model, type Tensor, type TensorData } from './model.js';
import { findExternalFile, isInside, type TensorProblem } from './external-files.js';
import { computedBytes } from './pieces.js';
import { fileSource, SourceFault } from './source.js';
import { elementCount, tensorByteLength } from './tensor-size.js';
import { decodeFields } from './typed-fields.js';
import { WireFault } from './wire.js';

const SEGMENT = 3;

export type BytesResult = { readonly bytes: Uint8Array } | { readonly problem: TensorProblem };

/** Where the little-endian bytes of a tensor lie in a file. */
export interface TensorLocation {
  /** The real path: symbolic links are followed. */
  readonly path: string;
  /** The same, relative to `weightsFolder(model)`, with forward slashes. */
  readonly relativePath: string;
  readonly offset: number;
  readonly length: number;
}

/** The folder that locations of external data are relative to; undefined for a model that is in no file. */
export function modelFolder(model: Model): string | undefined {
  return model.source.path === undefined ? undefined : dirname(model.source.path);
}

/** The folder that `TensorLocation.relativePath` is relative to: that of the file behind any symbolic link. */
export function weightsFolder(model: Model): string | undefined {
  if (model.source.path === undefined) return undefined;
  try {
    return dirname(realpathSync(model.source.path));
  } catch {
    // The file has been moved away while it is open; `changed` tells whoever needs to know.
    return dirname(model.source.path);
  }
}

/**
 * The elements as little-endian bytes, a copy that is the caller's. `folder` is the model's (`modelFolder`) and
 * needed for external data only. Strings have no such bytes.
 */
export function tensorBytes(tensor: Tensor, folder: string | undefined): BytesResult {
  const length = tensorByteLength(tensor);
  const problem = tensorProblem(tensor, length);
  if (length === undefined || problem !== undefined) return { problem: problem ?? unknownType(tensor) };
  if (length > constants.MAX_LENGTH) {
    return unreadable(tensor, `has ${length} bytes, more than can be held in memory at once`);
  }
  try {
    // A copy each time, made with `new Uint8Array`: the `slice` of a Node buffer would be a view.
    return readData(tensor, tensor.data, length, folder);
  } catch (error) {
    if (error instanceof SourceFault) return unreadable(tensor, `cannot be read: ${error.message}`);
    if (error instanceof WireFault)
      return unreadable(tensor, `is damaged at byte ${error.offset}: ${error.words}`);
    throw error;
  }
}

/** Where the bytes lie in the source that the tensor was read from; undefined if they are not stored as such there. */
export function storedRange(
  tensor: Tensor,
):
  { readonly source: ByteSource; readonly offset: number } | { readonly problem: TensorProblem } | undefined {
  const { data } = tensor;
  if (data.kind !== 'bytes') return undefined;
  const length = tensorByteLength(tensor);
  const problem = tensorProblem(tensor, length);
  if (length === undefined || problem !== undefined) return { problem: problem ?? unknownType(tensor) };
  if (data.range.length !== length) return wrongLength(tensor, data.range.length, length);
  return { source: data.source, offset: data.range.offset };
}

/**
 * Where the bytes lie, in the model's file or in a file of external data. `location` is undefined if the tensor has
 * to be written out instead: its bytes are in memory, lie as varints, or in a folder that relative names do not reach.
 */
export function tensorLocation(
  tensor: Tensor,
  model: Model,
): { readonly location: TensorLocation | undefined } | { readonly problem: TensorProblem } {
  const length = tensorByteLength(tensor);
  const problem = tensorProblem(tensor, length);
  if (length === undefined || problem !== undefined) return { problem: problem ?? unknownType(tensor) };
  const { data } = tensor;
  const folder = weightsFolder(model);
  if (data.kind === 'bytes') {
    if (data.range.length !== length) return wrongLength(tensor, data.range.length, length);
    if (data.source.path === undefined || folder === undefined) return { location: undefined };
    try {
      return { location: locate(realpathSync(data.source.path), folder, data.range.offset, length) };
    } catch {
      return unreadable(tensor, `is in ${data.source.path}, which is no longer there`);
    }
  }
  if (data.kind !== 'external') return { location: undefined };
  const file = findExternalFile(data.location, modelFolder(model), model.source.path);
  if ('problem' in file) return file;
  const wrong = externalProblem(tensor, data, file.length, length);
  if (wrong !== undefined) return wrong;
  return { location: folder === undefined ? undefined : locate(file.path, folder, data.offset, length) };
}

function locate(path: string, folder: string, offset: number, length: number): TensorLocation | undefined {
  if (!isInside(path, folder)) return undefined;
  return { path, relativePath: relative(folder, path).split(sep).join('/'), offset, length };
}

function readData(tensor: Tensor, data: TensorData, length: number, folder: string | undefined): BytesResult {
  switch (data.kind) {
    case 'bytes':
      if (data.range.length !== length) return wrongLength(tensor, data.range.length, length);
      return { bytes: new Uint8Array(data.source.read(data.range.offset, length)) };
    case 'made':
      return data.bytes.length === length
        ? { bytes: new Uint8Array(data.bytes) }
        : wrongLength(tensor, data.bytes.length, length);
    case 'computed':
      return data.length === length
        ? { bytes: computedBytes(data) }
        : wrongLength(tensor, data.length, length);
    case 'fields':
      return readFields(tensor, data, length);
    case 'external':
      return readExternal(tensor, data, length, folder);
  }
}

function readFields(tensor: Tensor, data: TensorData & { kind: 'fields' }, length: number): BytesResult {
  const decoded = decodeFields(data.source, data.fields, tensor.dataType, length);
  if ('bytes' in decoded) return decoded;
  return unreadable(
    tensor,
    `has ${decoded.found} stored values, but its shape [${tensor.dims.join(', ')}] asks for ${decoded.wanted}`,
  );
}

function readExternal(
  tensor: Tensor,
  data: TensorData & { kind: 'external' },
  length: number,
  folder: string | undefined,
): BytesResult {
  const file = findExternalFile(data.location, folder, tensor.message?.source.path);
  if ('problem' in file) return file;
  const wrong = externalProblem(tensor, data, file.length, length);
  if (wrong !== undefined) return wrong;
  const source = fileSource(file.path);
  try {
    return { bytes: new Uint8Array(source.read(data.offset, length)) };
  } finally {
    source.close();
  }
}

function externalProblem(
  tensor: Tensor,
  data: TensorData & { kind: 'external' },
  fileLength: number,
  length: number,
): { problem: TensorProblem } | undefined {
  if (data.length !== undefined && data.length !== length) return wrongLength(tensor, data.length, length);
  if (data.offset + length <= fileLength) return undefined;
  return unreadable(
    tensor,
    `wants bytes ${data.offset} to ${data.offset + length} of "${data.location}", which has ${fileLength}`,
  );
}

/** What is wrong with a tensor before its data are looked at. */
function tensorProblem(tensor: Tensor, length: number | undefined): TensorProblem | undefined {
  if (length === undefined) return unknownType(tensor);
  if (!Number.isSafeInteger(length)) {
    return unreadable(tensor, `has ${elementCount(tensor)} elements by its shape`).problem;
  }
  if (
    tensor.message?.fields.some((field) => field.number === SEGMENT) === true &&
    tensor.data.kind !== 'made'
  ) {
    return unreadable(tensor, 'is stored in segments, which no runtime supports').problem;
  }
  return undefined;
}

function unknownType(tensor: Tensor): TensorProblem {
  const words =
    tensor.dataType === DataType.STRING
      ? 'holds texts, which have no bytes of fixed width'
      : 'has elements of a type that is not known';
  return unreadable(tensor, words).problem;
}

function wrongLength(tensor: Tensor, found: number, wanted: number): { problem: TensorProblem } {
  return unreadable(
    tensor,
    `has ${found} bytes, but its shape [${tensor.dims.join(', ')}] of ${DataType[tensor.dataType]} asks for ${wanted}`,
  );
}

function unreadable(tensor: Tensor, words: string): { problem: TensorProblem } {
  const name = tensor.name === '' ? 'the tensor' : `the tensor "${tensor.name}"`;
  return { problem: { code: 'tensor-unreadable', message: `${name} ${words}` } };
}
