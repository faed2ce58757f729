/**
 * The elements of a tensor as bytes, and the bytes as numbers. Bit patterns throughout: whether the JavaScript engine
 * has a `Float16Array` makes no difference. Knows nothing of ONNX Runtime.
 */
import { decodeBf16, decodeFp16 } from '../formats/index.js';
import { DataType, elementBits } from '../onnx/index.js';
import { RuntimeFailure } from './types.js';

/** `float16` rather than `FLOAT16`. */
export function typeName(dataType: DataType): string {
  return dataType in DataType ? DataType[dataType].toLowerCase() : `type ${dataType}`;
}

/** How many elements a tensor of these dimensions has. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/**
 * How many bytes these elements take, two to a byte for the 4-bit types.
 * @throws {RuntimeFailure} `failed` for strings and unknown types, and for dimensions that are no sizes
 */
export function byteCount(dataType: DataType, dims: readonly number[]): number {
  const bits = elementBits(dataType);
  if (bits === undefined) {
    throw new RuntimeFailure('failed', `Tensors of ${typeName(dataType)} have no elements of a fixed width.`);
  }
  if (!dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) {
    throw new RuntimeFailure('failed', `[${dims.join(', ')}] are no dimensions of a tensor.`);
  }
  return Math.ceil((elementCount(dims) * bits) / 8);
}

/** The same bytes at an offset that every typed array accepts; copied only if need be. */
export function aligned(bytes: Uint8Array): Uint8Array {
  // Not `slice`: that of a Buffer, which is such an array too, does not copy.
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}

/**
 * The elements as numbers, exactly where the array can hold them: 64-bit integers beyond 2^53 are rounded. FP32 is
 * the tensor's own memory and not a copy. Undefined for types that are no numbers in JavaScript.
 */
export function toNumbers(dataType: DataType, bytes: Uint8Array): Float32Array | Float64Array | undefined {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dataType) {
    case DataType.FLOAT:
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case DataType.FLOAT16:
      return decodeFp16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    case DataType.BFLOAT16:
      return decodeBf16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    case DataType.DOUBLE:
      return new Float64Array(buffer, byteOffset, byteLength / 8);
    case DataType.BOOL:
    case DataType.UINT8:
      return Float32Array.from(bytes);
    case DataType.INT8:
      return Float32Array.from(new Int8Array(buffer, byteOffset, byteLength));
    case DataType.INT16:
      return Float32Array.from(new Int16Array(buffer, byteOffset, byteLength / 2));
    case DataType.UINT16:
      return Float32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2));
    case DataType.INT32:
      return Float64Array.from(new Int32Array(buffer, byteOffset, byteLength / 4));
    case DataType.UINT32:
      return Float64Array.from(new Uint32Array(buffer, byteOffset, byteLength / 4));
    case DataType.INT64:
      return Float64Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), Number);
    case DataType.UINT64:
      return Float64Array.from(new BigUint64Array(buffer, byteOffset, byteLength / 8), Number);
    default:
      return undefined;
  }
}
