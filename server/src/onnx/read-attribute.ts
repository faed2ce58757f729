/** `AttributeProto`. */
import type { Attribute, ByteRange, Field, Graph, Message } from './model.js';
import { fieldsOf, readMessage } from './read-message.js';
import { readGraph } from './read-graph.js';
import { readSparse, readTensor } from './read-tensor.js';
import { BYTES, WireFault, type WireReader } from './wire.js';

/** A longer list is kept and not read: what is that long is a weight in the wrong place. */
const LONGEST_LIST = 1 << 22;
const NAME = 1;
const REFERENCE = 21;
const TYPE = 20;

/** The field that holds the value of each `AttributeType`, in the order of the enumeration from 1. */
const VALUE_FIELDS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 22, 23, 14, 15] as const;

type Content = Attribute extends infer A
  ? A extends Attribute
    ? Omit<A, 'name' | 'message'>
    : never
  : never;

/** `depth` counts the graphs around the attribute's node. */
export function readAttribute(wire: WireReader, range: ByteRange, depth: number): Attribute {
  const message = readMessage(wire, 'attribute', range);
  const nameField = fieldsOf(message, NAME).at(-1);
  const name = nameField === undefined ? '' : wire.text(nameField);
  const attribute: Attribute = { name, message, ...readContent(wire, message, depth) };
  message.remember({ kind: 'attribute', part: attribute });
  return attribute;
}

function readContent(wire: WireReader, message: Message, depth: number): Content {
  const reference = fieldsOf(message, REFERENCE).at(-1);
  if (reference !== undefined && reference.payload.length > 0)
    return { kind: 'reference', value: wire.text(reference) };
  const number = valueField(wire, message);
  const fields = number === undefined ? [] : fieldsOf(message, number);
  const last = fields.at(-1);
  switch (number) {
    case 2:
      return { kind: 'float', value: last === undefined ? 0 : wire.float(last) };
    case 3:
      return { kind: 'int', value: last === undefined ? 0 : wire.integer(last) };
    case 4: {
      const value = last === undefined ? '' : wire.shortText(last);
      return value === undefined ? { kind: 'other' } : { kind: 'string', value };
    }
    case 5:
      return { kind: 'tensor', value: readTensor(wire, required(last, message).payload) };
    case 6:
      return { kind: 'graph', value: readGraph(wire, required(last, message).payload, depth + 1) };
    case 22:
      return { kind: 'other', filled: readSparse(wire, required(last, message).payload).type };
    case 7:
      return readFloats(wire, fields);
    case 8:
      return readIntegers(wire, fields);
    case 9:
      return readStrings(wire, fields);
    case 11:
      return { kind: 'graphs', value: readGraphs(wire, fields, depth) };
    default:
      return { kind: 'other' };
  }
}

/** By the attribute's type, or, in files older than IR version 2, by what is there. */
function valueField(wire: WireReader, message: Message): number | undefined {
  const typeField = fieldsOf(message, TYPE).at(-1);
  const type = typeField === undefined ? 0 : wire.integer(typeField);
  if (type !== 0) return VALUE_FIELDS[type - 1];
  return VALUE_FIELDS.find((number) => message.fields.some((field) => field.number === number));
}

function required(field: Field | undefined, message: Message): Field {
  if (field === undefined)
    throw new WireFault('the attribute has no value of its type', message.range.offset);
  return field;
}

function readFloats(wire: WireReader, fields: readonly Field[]): Content {
  if (!mayHold(wire, fields, 4)) return { kind: 'other' };
  const value: number[] = [];
  for (const field of fields) wire.visitFixed(field, 4, (offset) => value.push(wire.floatAt(offset)));
  return { kind: 'floats', value };
}

function readIntegers(wire: WireReader, fields: readonly Field[]): Content {
  if (!mayHold(wire, fields, 1)) return { kind: 'other' };
  const value: number[] = [];
  for (const field of fields) {
    for (const number of wire.integers(field, LONGEST_LIST)) value.push(number);
  }
  return { kind: 'ints', value };
}

/** `width`: the fewest bytes that a packed element takes. */
function mayHold(wire: WireReader, fields: readonly Field[], width: number): boolean {
  const elements = fields.reduce(
    (sum, field) => sum + (field.wireType === BYTES ? field.payload.length / width : (field.count ?? 1)),
    0,
  );
  return elements <= LONGEST_LIST && wire.admits(elements);
}

function readStrings(wire: WireReader, fields: readonly Field[]): Content {
  const value: string[] = [];
  for (const field of fields) {
    const text = wire.shortText(field);
    if (text === undefined) return { kind: 'other' };
    value.push(text);
  }
  return { kind: 'strings', value };
}

function readGraphs(wire: WireReader, fields: readonly Field[], depth: number): Graph[] {
  return fields.map((field) => readGraph(wire, field.payload, depth + 1));
}
