/** Elements in the typed fields of a tensor (`int32_data`, `float_data`, ...), decoded to little-endian bytes. */
import type { ByteSource, DataType, Field } from './model.js';
import { typedField } from './read-tensor.js';
import { elementBits } from './tensor-size.js';
import { BYTES, WireReader } from './wire.js';

type Decoded =
  | { readonly bytes: Uint8Array }
  /** The number of stored values is not what the shape asks for. */
  | { readonly found: number; readonly wanted: number };

/** `length` is the byte length that type and shape ask for. Throws a `WireFault` where a value is damaged. */
export function decodeFields(
  source: ByteSource,
  fields: readonly Field[],
  dataType: DataType,
  length: number,
): Decoded {
  const number = typedField(dataType);
  // Complex numbers lie as two values each; elements of fewer than 8 bits lie as many to a value as fill a byte.
  const width = number === 4 ? 4 : number === 10 ? 8 : Math.max(8, elementBits(dataType) ?? 8) / 8;
  const wanted = length / width;
  const fixed = number === 4 || number === 10;
  const most = fields.reduce((sum, field) => sum + mostValues(field, fixed ? width : 1), 0);
  // Before memory is asked for: a shape may claim anything.
  if (most < wanted) return { found: most, wanted };
  const bytes = new Uint8Array(length);
  const found = fixed
    ? copyFixed(source, fields, width === 4 ? 4 : 8, bytes)
    : copyNumbers(new WireReader(source), fields, width, bytes);
  return found === wanted ? { bytes } : { found, wanted };
}

function mostValues(field: Field, width: number): number {
  return field.wireType === BYTES ? Math.floor(field.payload.length / width) : (field.count ?? 1);
}

function copyFixed(source: ByteSource, fields: readonly Field[], width: 4 | 8, bytes: Uint8Array): number {
  const wire = new WireReader(source);
  let at = 0;
  for (const field of fields) {
    if (field.wireType === BYTES) {
      const { offset, length } = field.payload;
      if (at + length <= bytes.length) bytes.set(source.read(offset, length), at);
      at += length;
    } else {
      wire.visitFixed(field, width, (offset) => {
        if (at + width <= bytes.length) bytes.set(source.read(offset, width), at);
        at += width;
      });
    }
  }
  return at / width;
}

/** The low `width` bytes of each number: negative ones are stored sign-extended. */
function copyNumbers(wire: WireReader, fields: readonly Field[], width: number, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer);
  let at = 0;
  const copy = (low: number, high: number): void => {
    if (at + width <= bytes.length) {
      if (width === 1) view.setUint8(at, low & 0xff);
      else if (width === 2) view.setUint16(at, low & 0xffff, true);
      else view.setUint32(at, low, true);
      if (width === 8) view.setUint32(at + 4, high, true);
    }
    at += width;
  };
  for (const field of fields) wire.visitVarints(field, copy);
  return at / width;
}
