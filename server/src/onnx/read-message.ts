/** One message of the file with its fields, checked against the wire types that onnx.proto gives them. */
import type { ByteRange, Field, Message } from './model.js';
import { IndexedMessage } from './origins.js';
import { SHAPES, type ShapeName } from './message-shapes.js';
import { BYTES, WireFault, type WireReader } from './wire.js';

/** Deeper nesting of graphs or types is refused: the stack is not for the file to use up. */
export const DEEPEST_NESTING = 64;

export function readMessage(wire: WireReader, shape: ShapeName, range: ByteRange): IndexedMessage {
  const first = wire.table.length;
  const message = new IndexedMessage(wire.source, range, wire.table, first, wire.walk(range));
  const known = SHAPES[shape];
  for (const field of message.fields) {
    const expected = known[field.number];
    if (expected === undefined || field.wireType === expected.wireType) continue;
    if (expected.packable === true && field.wireType === BYTES) continue;
    throw new WireFault(
      `the field lies as protobuf wire type ${field.wireType}, but ONNX defines it as ${expected.wireType}`,
      field.whole.offset,
    );
  }
  return message;
}

export function checkDepth(depth: number, offset: number): void {
  if (depth > DEEPEST_NESTING) {
    throw new WireFault(`graphs or types are nested more than ${DEEPEST_NESTING} deep`, offset);
  }
}

export function fieldsOf(message: Message, number: number): readonly Field[] {
  return message.fields.filter((field) => field.number === number);
}

/** Key and value of a `StringStringEntryProto`. */
export function readEntry(wire: WireReader, range: ByteRange): { key: string; value: string } {
  let key = '';
  let value = '';
  for (const field of readMessage(wire, 'entry', range).fields) {
    if (field.number === 1) key = wire.text(field);
    else if (field.number === 2) value = wire.text(field);
  }
  return { key, value };
}

/** Adds an `OperatorSetIdProto` to the versions by domain. */
export function readOpset(wire: WireReader, range: ByteRange, opsets: Map<string, number>): void {
  let domain = '';
  let version = 0;
  for (const field of readMessage(wire, 'opset', range).fields) {
    if (field.number === 1) domain = plainDomain(wire.text(field));
    else if (field.number === 2) version = wire.integer(field);
  }
  if (version < 0) throw new WireFault(`the operator set has the version ${version}`, range.offset);
  opsets.set(domain, version);
}

/** `ai.onnx` is another way to write the ONNX domain. */
export function plainDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}
