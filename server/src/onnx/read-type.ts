/** `ValueInfoProto` and `TypeProto`. */
import type { ByteRange, DataType, Dimension, Message, Shape, ValueInfo, ValueType } from './model.js';
import { dataTypeOf } from './data-type.js';
import { unreadTypes, type TypeMessages } from './origins.js';
import { checkDepth, readMessage } from './read-message.js';
import { WireFault, type WireReader } from './wire.js';

export function readValueInfo(wire: WireReader, range: ByteRange): ValueInfo {
  const message = readMessage(wire, 'value', range);
  let name = '';
  let type: TypeMessages | undefined;
  for (const field of message.fields) {
    if (field.number === 1) name = wire.text(field);
    else if (field.number === 2) type = readType(wire, field.payload, 0);
  }
  const value: ValueInfo = { name, type: type?.type, message };
  message.remember({ kind: 'value', part: value, type });
  return value;
}

/** Undefined if no kind is set. As in protobuf, the last of several kinds counts. */
function readType(wire: WireReader, range: ByteRange, depth: number): TypeMessages | undefined {
  checkDepth(depth, range.offset);
  const outer = readMessage(wire, 'type', range);
  let type: TypeMessages | undefined;
  for (const field of outer.fields) {
    const kind = readKind(wire, field.number, field.payload, depth);
    if (kind === undefined) continue;
    type = { ...kind, outer, kindField: field.number };
    if (kind.type.kind === 'map' || kind.type.kind === 'opaque') unreadTypes.set(kind.type, outer);
  }
  return type;
}

interface Kind {
  readonly type: ValueType;
  readonly inner: Message;
  readonly element: TypeMessages | undefined;
}

function readKind(wire: WireReader, number: number, range: ByteRange, depth: number): Kind | undefined {
  switch (number) {
    case 1:
      return readTensorType(wire, range, 'tensor');
    case 8:
      return readTensorType(wire, range, 'sparse');
    case 4:
      return readElementType(wire, range, 'sequence', depth);
    case 9:
      return readElementType(wire, range, 'optional', depth);
    case 5:
      return { type: { kind: 'map' }, inner: readMessage(wire, 'mapType', range), element: undefined };
    case 7:
      return { type: { kind: 'opaque' }, inner: readMessage(wire, 'opaqueType', range), element: undefined };
    default:
      return undefined;
  }
}

function readTensorType(wire: WireReader, range: ByteRange, kind: 'tensor' | 'sparse'): Kind {
  const inner = readMessage(wire, 'tensorType', range);
  let elementType: DataType = dataTypeOf(0);
  let shape: Shape | undefined;
  for (const field of inner.fields) {
    if (field.number === 1) elementType = dataTypeOf(wire.integer(field));
    else if (field.number === 2) shape = readShape(wire, field.payload);
  }
  return { type: { kind, elementType, shape }, inner, element: undefined };
}

function readElementType(
  wire: WireReader,
  range: ByteRange,
  kind: 'sequence' | 'optional',
  depth: number,
): Kind {
  const inner = readMessage(wire, 'elementType', range);
  let element: TypeMessages | undefined;
  for (const field of inner.fields) {
    if (field.number === 1) element = readType(wire, field.payload, depth + 1);
  }
  if (element === undefined) throw new WireFault(`the ${kind} has no element type`, range.offset);
  return { type: { kind, element: element.type }, inner, element };
}

function readShape(wire: WireReader, range: ByteRange): Shape {
  const dimensions: Dimension[] = [];
  for (const field of readMessage(wire, 'shape', range).fields) {
    if (field.number === 1) dimensions.push(readDimension(wire, field.payload));
  }
  return dimensions;
}

function readDimension(wire: WireReader, range: ByteRange): Dimension {
  let dimension: Dimension;
  for (const field of readMessage(wire, 'dimension', range).fields) {
    // Some exporters write -1 where they know nothing.
    if (field.number === 1) dimension = nonNegative(wire.integer(field));
    else if (field.number === 2) {
      const name = wire.text(field);
      dimension = name === '' ? undefined : name;
    }
  }
  return dimension;
}

function nonNegative(value: number): number | undefined {
  return value >= 0 ? value : undefined;
}
