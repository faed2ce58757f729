/** `TensorProto`: its header, and where its elements are. Elements are not read here. */
import {
  DataType,
  type ByteRange,
  type Field,
  type Message,
  type Tensor,
  type TensorData,
  type ValueType,
} from './model.js';
import { dataTypeOf } from './data-type.js';
import { fieldsOf, readEntry, readMessage } from './read-message.js';
import { BYTES, WireFault, type WireReader } from './wire.js';

const HIGHEST_RANK = 1024;
const RAW_DATA = 9;
const EXTERNAL_DATA = 13;

/** The typed field that holds the elements of a type where there is no `raw_data`, as onnx.proto defines it. */
export function typedField(dataType: DataType): number | undefined {
  switch (dataType) {
    case DataType.FLOAT:
    case DataType.COMPLEX64:
      return 4;
    case DataType.DOUBLE:
    case DataType.COMPLEX128:
      return 10;
    case DataType.INT64:
      return 7;
    case DataType.UINT32:
    case DataType.UINT64:
      return 11;
    case DataType.STRING:
      return 6;
    case DataType.UNDEFINED:
      return undefined;
    default:
      return 5;
  }
}

export function readTensor(wire: WireReader, range: ByteRange): Tensor {
  const message = readMessage(wire, 'tensor', range);
  let name = '';
  let dataType: DataType = DataType.UNDEFINED;
  let external = false;
  const dims: number[] = [];
  for (const field of message.fields) {
    if (field.number === 1) dims.push(...readDims(wire, field, HIGHEST_RANK - dims.length));
    else if (field.number === 2) dataType = dataTypeOf(wire.integer(field));
    else if (field.number === 8) name = wire.text(field);
    else if (field.number === 14) external = wire.integer(field) === 1;
  }
  const data = external ? readExternal(wire, message) : storedData(message, dataType);
  const tensor: Tensor = { name, dataType, dims: dims.slice(), data, message };
  message.remember({ kind: 'tensor', part: tensor });
  return tensor;
}

/** The name of a sparse tensor is that of its values, and so is the type of its elements. */
export function readSparse(
  wire: WireReader,
  range: ByteRange,
): { readonly name: string; readonly type: ValueType } {
  let name = '';
  let elementType: DataType = DataType.UNDEFINED;
  const shape: number[] = [];
  for (const field of readMessage(wire, 'sparse', range).fields) {
    if (field.number === 1) ({ name, dataType: elementType } = readTensor(wire, field.payload));
    else if (field.number === 3) shape.push(...readDims(wire, field, HIGHEST_RANK - shape.length));
  }
  return { name, type: { kind: 'tensor', elementType, shape } };
}

function readDims(wire: WireReader, field: Field, most: number): number[] {
  const dims = wire.integers(field, most);
  const negative = dims.find((dim) => dim < 0);
  if (negative !== undefined)
    throw new WireFault(`the tensor has a dimension of ${negative}`, field.whole.offset);
  return dims;
}

function storedData(message: Message, dataType: DataType): TensorData {
  const { source } = message;
  const raw = fieldsOf(message, RAW_DATA).at(-1);
  const number = typedField(dataType);
  const fields = number === undefined ? [] : fieldsOf(message, number);
  if (raw !== undefined && (raw.payload.length > 0 || fields.length === 0)) {
    return { kind: 'bytes', source, range: raw.payload };
  }
  const [only] = fields;
  const fixedWidth = number === 4 || number === 10;
  return fixedWidth && fields.length === 1 && only?.wireType === BYTES
    ? { kind: 'bytes', source, range: only.payload }
    : { kind: 'fields', source, fields };
}

function readExternal(wire: WireReader, message: Message): TensorData {
  let location = '';
  let offset = 0;
  let length: number | undefined;
  for (const field of fieldsOf(message, EXTERNAL_DATA)) {
    const { key, value } = readEntry(wire, field.payload);
    if (key === 'location') location = value;
    else if (key === 'offset') offset = byteCount(value, field);
    else if (key === 'length') length = byteCount(value, field);
  }
  if (location === '') throw new WireFault('the external data has no location', message.range.offset);
  return { kind: 'external', location, offset, length };
}

function byteCount(text: string, field: Field): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new WireFault(`"${text.slice(0, 40)}" is no number of bytes`, field.whole.offset);
}
