/**
 * Elements of a file as elements of the input's type. Floating point goes to floating point (rounded to nearest where
 * the input's type is narrower), integers and booleans to integers that hold them. Nothing else: a model that wants
 * float32 and a picture of uint8 disagree about the scale, which only a person can settle.
 */
import { decodeBf16, decodeFp16, encodeBf16, encodeFp16, roundTo } from '../../formats/index.js';
import { DataType } from '../../onnx/index.js';
import { elementTypeOf, nameOf, type IntegerType } from './element-type.js';
import { failure, success, type Outcome } from './types.js';

type FloatArray = Float32Array | Float64Array;

/** An aligned buffer of its own, for a typed array over it. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy.buffer;
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The numbers of floating-point elements, exact. */
export function decodeFloats(bytes: Uint8Array, dataType: DataType): FloatArray {
  const buffer = aligned(bytes);
  switch (dataType) {
    case DataType.FLOAT16:
      return decodeFp16(new Uint16Array(buffer));
    case DataType.BFLOAT16:
      return decodeBf16(new Uint16Array(buffer));
    case DataType.DOUBLE:
      return new Float64Array(buffer);
    default:
      return new Float32Array(buffer);
  }
}

/** Numbers as floating-point elements, rounded once, to nearest. */
export function encodeFloats(values: FloatArray, dataType: DataType): Uint8Array {
  switch (dataType) {
    case DataType.FLOAT16:
      return bytesOf(encodeFp16(roundedOnce(values, 'fp16')));
    case DataType.BFLOAT16:
      return bytesOf(encodeBf16(roundedOnce(values, 'bf16')));
    case DataType.DOUBLE:
      return bytesOf(Float64Array.from(values));
    default:
      return bytesOf(Float32Array.from(values));
  }
}

/** FP32 numbers whose encoding is the only rounding: those of binary64 are rounded here, not to FP32 first. */
function roundedOnce(values: FloatArray, format: 'fp16' | 'bf16'): Float32Array {
  return values instanceof Float32Array
    ? values
    : Float32Array.from(values, (value) => roundTo(format, value));
}

/** Where the first element is that the narrower type can hold only as an infinity; -1 where there is none. */
function firstOverflow(source: FloatArray, bytes: Uint8Array, dataType: DataType): number {
  const converted = decodeFloats(bytes, dataType);
  for (let i = 0; i < source.length; i++) {
    if (Number.isFinite(source[i]) && !Number.isFinite(converted[i])) return i;
  }
  return -1;
}

function convertFloats(bytes: Uint8Array, from: DataType, to: DataType): Outcome<Uint8Array> {
  const values = decodeFloats(bytes, from);
  const converted = encodeFloats(values, to);
  const index = firstOverflow(values, converted, to);
  if (index < 0) return success(converted);
  return failure(
    'sample-nonfinite',
    `element ${index} is ${values[index] ?? 0}, which is beyond the range of ${nameOf(to)}`,
  );
}

function readInteger(view: DataView, offset: number, type: IntegerType): number | bigint {
  switch (type.bytes) {
    case 1:
      return type.signed ? view.getInt8(offset) : view.getUint8(offset);
    case 2:
      return type.signed ? view.getInt16(offset, true) : view.getUint16(offset, true);
    case 4:
      return type.signed ? view.getInt32(offset, true) : view.getUint32(offset, true);
    default:
      return type.signed ? view.getBigInt64(offset, true) : view.getBigUint64(offset, true);
  }
}

/** Writes the low bytes of an integer that `type` can hold. */
export function writeInteger(
  view: DataView,
  offset: number,
  type: IntegerType,
  value: number | bigint,
): void {
  switch (type.bytes) {
    case 1:
      view.setUint8(offset, Number(value));
      break;
    case 2:
      view.setUint16(offset, Number(value), true);
      break;
    case 4:
      view.setUint32(offset, Number(value), true);
      break;
    default:
      view.setBigUint64(offset, BigInt(value), true);
  }
}

function convertIntegers(bytes: Uint8Array, from: IntegerType, to: IntegerType): Outcome<Uint8Array> {
  const count = bytes.length / from.bytes;
  const converted = new Uint8Array(count * to.bytes);
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const target = new DataView(converted.buffer);
  for (let i = 0; i < count; i++) {
    const value = readInteger(source, i * from.bytes, from);
    if (value < to.lowest || value > to.highest) {
      return failure('input-shape', `element ${i} is ${value.toString()}, which ${to.name} cannot hold`);
    }
    writeInteger(target, i * to.bytes, to, value);
  }
  return success(converted);
}

/** Whether elements of one type may stand for those of another, before any element is read. */
export function convertible(from: DataType, to: DataType): boolean {
  const source = elementTypeOf(from);
  const target = elementTypeOf(to);
  return source !== undefined && source.kind === target?.kind;
}

/** Little-endian elements of `from` as little-endian elements of `to`, which must be `convertible`. */
export function convertElements(bytes: Uint8Array, from: DataType, to: DataType): Outcome<Uint8Array> {
  if (from === to) return success(bytes);
  const source = elementTypeOf(from);
  const target = elementTypeOf(to);
  if (source?.kind === 'integer' && target?.kind === 'integer') return convertIntegers(bytes, source, target);
  return convertFloats(bytes, from, to);
}
