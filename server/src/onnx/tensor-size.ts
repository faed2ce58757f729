/** How many elements and bytes a tensor has by its type and shape, whatever its data say. */
import { DataType, type Tensor } from './model.js';

const BITS: ReadonlyMap<DataType, number> = new Map([
  [DataType.FLOAT, 32],
  [DataType.UINT8, 8],
  [DataType.INT8, 8],
  [DataType.UINT16, 16],
  [DataType.INT16, 16],
  [DataType.INT32, 32],
  [DataType.INT64, 64],
  [DataType.BOOL, 8],
  [DataType.FLOAT16, 16],
  [DataType.DOUBLE, 64],
  [DataType.UINT32, 32],
  [DataType.UINT64, 64],
  [DataType.COMPLEX64, 64],
  [DataType.COMPLEX128, 128],
  [DataType.BFLOAT16, 16],
  [DataType.FLOAT8E4M3FN, 8],
  [DataType.FLOAT8E4M3FNUZ, 8],
  [DataType.FLOAT8E5M2, 8],
  [DataType.FLOAT8E5M2FNUZ, 8],
  [DataType.UINT4, 4],
  [DataType.INT4, 4],
  [DataType.FLOAT4E2M1, 4],
  [DataType.FLOAT8E8M0, 8],
  [DataType.UINT2, 2],
  [DataType.INT2, 2],
]);

/** Bits of one element; undefined for strings and for types that we do not know. */
export function elementBits(dataType: DataType): number | undefined {
  return BITS.get(dataType);
}

/** The product of the dimensions; 1 for a scalar. Absurd shapes give a number beyond 2^53, or Infinity. */
export function elementCount(tensor: Pick<Tensor, 'dims'>): number {
  // A zero first: 0 times Infinity is no count.
  return tensor.dims.includes(0) ? 0 : tensor.dims.reduce((product, dim) => product * dim, 1);
}

/**
 * Bytes of the elements, little-endian and close together, two 4-bit or four 2-bit elements to a byte. Undefined for
 * strings and for types that we do not know.
 */
export function tensorByteLength(tensor: Pick<Tensor, 'dataType' | 'dims'>): number | undefined {
  const bits = elementBits(tensor.dataType);
  return bits === undefined ? undefined : Math.ceil((elementCount(tensor) * bits) / 8);
}
