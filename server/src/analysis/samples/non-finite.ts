/** Infinities and NaN in the elements of a sample, found on their bits while the bytes go by. */
import { DataType } from '../../onnx/index.js';

export interface NonFiniteCount {
  readonly count: number;
  /** Flat index of the first; -1 where there is none. */
  readonly first: number;
  readonly value: number;
}

interface ExponentField {
  readonly bytes: number;
  /** Offset and mask of the 16 bits of an element, little-endian, that hold sign and exponent. */
  readonly upper: number;
  readonly mask: number;
}

const FIELDS: Partial<Record<DataType, ExponentField>> = {
  [DataType.FLOAT]: { bytes: 4, upper: 2, mask: 0x7f80 },
  [DataType.DOUBLE]: { bytes: 8, upper: 6, mask: 0x7ff0 },
  [DataType.FLOAT16]: { bytes: 2, upper: 0, mask: 0x7c00 },
  [DataType.BFLOAT16]: { bytes: 2, upper: 0, mask: 0x7f80 },
};

/** What the element at `start`, whose exponent bits are all set, is. */
function valueAt(bytes: Uint8Array, start: number, { bytes: width, upper, mask }: ExponentField): number {
  const high = (bytes[start + upper] ?? 0) | ((bytes[start + upper + 1] ?? 0) << 8);
  const lower = bytes.subarray(start, start + width - 2).some((byte) => byte !== 0);
  if (lower || (high & 0x7fff & ~mask) !== 0) return NaN;
  return high >= 0x8000 ? -Infinity : Infinity;
}

/** Counts infinities and NaN among little-endian elements; types other than floating point have none. */
export function countNonFinite(bytes: Uint8Array, dataType: DataType): NonFiniteCount {
  const field = FIELDS[dataType];
  let count = 0;
  let first = -1;
  if (field !== undefined) {
    const { bytes: width, upper, mask } = field;
    for (let start = 0; start + width <= bytes.length; start += width) {
      const high = (bytes[start + upper] ?? 0) | ((bytes[start + upper + 1] ?? 0) << 8);
      if ((high & mask) === mask) {
        if (count === 0) first = start / width;
        count++;
      }
    }
    if (first >= 0) return { count, first, value: valueAt(bytes, first * width, field) };
  }
  return { count: 0, first: -1, value: 0 };
}
