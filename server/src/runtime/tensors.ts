/** The tensors that the compute process keeps: bytes with a type and dimensions. Knows nothing of sessions. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Tensor } from 'onnxruntime-node';
import { DataType } from '../onnx/index.js';
import { aligned, byteCount, typeName } from './elements.js';
import type { Library } from './onnx-runtime.js';
import { RuntimeFailure, type TensorContent, type TensorHandle } from './types.js';

/** `bytes`: little-endian, at an offset that is a multiple of 8; strings have no bytes. */
export interface StoredTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly elements:
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
    | { readonly kind: 'strings'; readonly strings: readonly string[] };
}

/** Read in pieces: one read cannot be longer than 2 GiB. */
const PIECE = 2 ** 28;

export class TensorStore {
  private readonly tensors = new Map<number, StoredTensor>();

  constructor(private readonly nextId: () => number) {}

  add(tensor: StoredTensor): TensorHandle {
    const id = this.nextId();
    this.tensors.set(id, tensor);
    return { id, dataType: tensor.dataType, dims: tensor.dims };
  }

  /** @throws {RuntimeFailure} `failed` if the tensor was released */
  get(id: number): StoredTensor {
    const tensor = this.tensors.get(id);
    if (tensor === undefined) throw new RuntimeFailure('failed', `Tensor ${id} was released.`);
    return tensor;
  }

  /**
   * The bytes of a tensor.
   * @throws {RuntimeFailure} `failed` for a tensor of strings, or if it was released
   */
  bytes(id: number): Uint8Array {
    const { elements } = this.get(id);
    if (elements.kind === 'strings') throw new RuntimeFailure('failed', 'A tensor of strings has no bytes.');
    return elements.bytes;
  }

  release(id: number): void {
    this.tensors.delete(id);
  }
}

/**
 * A tensor from its bytes or from a range of a file.
 * @throws {RuntimeFailure} `failed` where the content is not there or has another length than the type and the
 * dimensions ask for
 */
export function tensorFromContent(
  dataType: DataType,
  dims: readonly number[],
  content: TensorContent,
): StoredTensor {
  const expected = byteCount(dataType, dims);
  const length = content.kind === 'bytes' ? content.bytes.byteLength : content.length;
  if (length !== expected) {
    throw new RuntimeFailure(
      'failed',
      `A ${typeName(dataType)} tensor [${dims.join(', ')}] has ${expected} bytes, not ${length}.`,
    );
  }
  const bytes =
    content.kind === 'bytes'
      ? aligned(content.bytes)
      : readRange(content.path, content.offset, content.length);
  return { dataType, dims: [...dims], elements: { kind: 'bytes', bytes } };
}

function readRange(path: string, offset: number, length: number): Uint8Array {
  try {
    const file = openSync(path, 'r');
    try {
      const size = fstatSync(file).size;
      if (offset + length > size) {
        throw new RuntimeFailure(
          'failed',
          `${path} has ${size} bytes; the tensor should be at ${offset} to ${offset + length}.`,
        );
      }
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const read = readSync(file, bytes, done, Math.min(PIECE, length - done), offset + done);
        if (read === 0) throw new RuntimeFailure('failed', `${path} became shorter while it was read.`);
        done += read;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof RuntimeFailure) throw error;
    throw new RuntimeFailure('failed', error instanceof Error ? error.message : String(error));
  }
}

/**
 * What ONNX Runtime takes as a feed, on the same memory.
 * @throws {RuntimeFailure} `failed` for types that its JavaScript interface does not have, bfloat16 above all
 */
export function toFeed(library: Library, name: string, tensor: StoredTensor): Tensor {
  const dims = tensor.dims;
  if (tensor.elements.kind === 'strings')
    return new library.Tensor('string', [...tensor.elements.strings], dims);
  const { buffer, byteOffset, byteLength } = tensor.elements.bytes;
  const of = <Array>(
    type: new (buffer: ArrayBufferLike, byteOffset: number, length: number) => Array,
    width: number,
  ): Array => new type(buffer, byteOffset, byteLength / width);
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return new library.Tensor('float32', of(Float32Array, 4), dims);
    case DataType.DOUBLE:
      return new library.Tensor('float64', of(Float64Array, 8), dims);
    case DataType.FLOAT16:
      return new library.Tensor('float16', of(Uint16Array, 2), dims);
    case DataType.INT8:
      return new library.Tensor('int8', of(Int8Array, 1), dims);
    case DataType.UINT8:
      return new library.Tensor('uint8', of(Uint8Array, 1), dims);
    case DataType.BOOL:
      return new library.Tensor('bool', of(Uint8Array, 1), dims);
    case DataType.INT16:
      return new library.Tensor('int16', of(Int16Array, 2), dims);
    case DataType.UINT16:
      return new library.Tensor('uint16', of(Uint16Array, 2), dims);
    case DataType.INT32:
      return new library.Tensor('int32', of(Int32Array, 4), dims);
    case DataType.UINT32:
      return new library.Tensor('uint32', of(Uint32Array, 4), dims);
    case DataType.INT64:
      return new library.Tensor('int64', of(BigInt64Array, 8), dims);
    case DataType.UINT64:
      return new library.Tensor('uint64', of(BigUint64Array, 8), dims);
    default:
      throw new RuntimeFailure(
        'failed',
        `ONNX Runtime for Node takes no ${typeName(tensor.dataType)} tensors (input ${JSON.stringify(name)}). ` +
          'Feed another type and cast in the model.',
      );
  }
}

const DATA_TYPES: ReadonlyMap<string, DataType> = new Map([
  ['float32', DataType.FLOAT],
  ['float64', DataType.DOUBLE],
  ['float16', DataType.FLOAT16],
  ['int8', DataType.INT8],
  ['uint8', DataType.UINT8],
  ['bool', DataType.BOOL],
  ['int16', DataType.INT16],
  ['uint16', DataType.UINT16],
  ['int32', DataType.INT32],
  ['uint32', DataType.UINT32],
  ['int64', DataType.INT64],
  ['uint64', DataType.UINT64],
  ['int4', DataType.INT4],
  ['uint4', DataType.UINT4],
]);

/**
 * An output of ONNX Runtime, for the store.
 * @throws {RuntimeFailure} `failed` for an output that is no tensor
 */
export function fromOutput(name: string, output: Tensor): StoredTensor {
  const dims = [...output.dims];
  const data: unknown = output.data;
  if (output.type === 'string' && Array.isArray(data)) {
    return { dataType: DataType.STRING, dims, elements: { kind: 'strings', strings: data.map(String) } };
  }
  const dataType = DATA_TYPES.get(output.type);
  if (dataType === undefined || !ArrayBuffer.isView(data)) {
    throw new RuntimeFailure('failed', `Output ${JSON.stringify(name)} is no tensor that can be kept.`);
  }
  const bytes = aligned(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { dataType, dims, elements: { kind: 'bytes', bytes } };
}
