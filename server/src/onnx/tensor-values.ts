/** The elements of a tensor as a typed array or as texts. */
import { DataType, type Tensor } from './model.js';
import type { TensorProblem } from './external-files.js';
import { tensorBytes } from './tensor-bytes.js';
import { elementCount } from './tensor-size.js';
import { SourceFault } from './source.js';
import { WireFault, WireReader } from './wire.js';

export type TensorValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | readonly string[];

export type ValuesResult = { readonly values: TensorValues } | { readonly problem: TensorProblem };

/**
 * The elements in C order. FLOAT16 and BFLOAT16 come as their bits (`Uint16Array`), FP8, FP4, UINT4 and UINT2 as their
 * codes (`Uint8Array`, one element each), INT4 and INT2 sign-extended (`Int8Array`), complex numbers as pairs, BOOL as 0 and 1.
 * `folder`: see `tensorBytes`.
 */
export function tensorValues(tensor: Tensor, folder: string | undefined): ValuesResult {
  if (tensor.dataType === DataType.STRING) return stringValues(tensor);
  const read = tensorBytes(tensor, folder);
  if ('problem' in read) return read;
  return { values: valuesOf(read.bytes, tensor.dataType, elementCount(tensor)) };
}

/** `bytes` begin at offset 0 of their buffer, so that views of any width are aligned. */
function valuesOf(bytes: Uint8Array, dataType: DataType, count: number): TensorValues {
  const buffer = bytes.buffer;
  switch (dataType) {
    case DataType.FLOAT:
    case DataType.COMPLEX64:
      return new Float32Array(buffer);
    case DataType.DOUBLE:
    case DataType.COMPLEX128:
      return new Float64Array(buffer);
    case DataType.INT8:
      return new Int8Array(buffer);
    case DataType.INT16:
      return new Int16Array(buffer);
    case DataType.UINT16:
    case DataType.FLOAT16:
    case DataType.BFLOAT16:
      return new Uint16Array(buffer);
    case DataType.INT32:
      return new Int32Array(buffer);
    case DataType.UINT32:
      return new Uint32Array(buffer);
    case DataType.INT64:
      return new BigInt64Array(buffer);
    case DataType.UINT64:
      return new BigUint64Array(buffer);
    case DataType.UINT4:
    case DataType.FLOAT4E2M1:
      return Uint8Array.from({ length: count }, (_, index) => nibble(bytes, index));
    case DataType.INT4:
      return Int8Array.from({ length: count }, (_, index) => (nibble(bytes, index) << 28) >> 28);
    case DataType.UINT2:
      return Uint8Array.from({ length: count }, (_, index) => quarter(bytes, index));
    case DataType.INT2:
      return Int8Array.from({ length: count }, (_, index) => (quarter(bytes, index) << 30) >> 30);
    default:
      return bytes;
  }
}

/** The first of two elements is in the low half of their byte. */
function nibble(bytes: Uint8Array, index: number): number {
  const byte = bytes[index >> 1] ?? 0;
  return index % 2 === 0 ? byte & 15 : byte >> 4;
}

/** The first of four elements is in the lowest two bits of their byte. */
function quarter(bytes: Uint8Array, index: number): number {
  return ((bytes[index >> 2] ?? 0) >> (2 * (index % 4))) & 3;
}

function stringValues(tensor: Tensor): ValuesResult {
  const { data } = tensor;
  if (data.kind !== 'fields')
    return { problem: stringProblem(tensor, 'has texts that are not in string_data') };
  const wanted = elementCount(tensor);
  if (data.fields.length !== wanted) {
    return {
      problem: stringProblem(tensor, `has ${data.fields.length} texts, but its shape asks for ${wanted}`),
    };
  }
  const wire = new WireReader(data.source);
  try {
    return { values: data.fields.map((field) => wire.text(field)) };
  } catch (error) {
    if (error instanceof WireFault)
      return { problem: stringProblem(tensor, `cannot be read: ${error.words}`) };
    if (error instanceof SourceFault)
      return { problem: stringProblem(tensor, `cannot be read: ${error.message}`) };
    throw error;
  }
}

function stringProblem(tensor: Tensor, words: string): TensorProblem {
  return { code: 'tensor-unreadable', message: `the tensor "${tensor.name}" ${words}` };
}
