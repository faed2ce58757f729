/** Writes `ValueInfoProto` and `TypeProto`; denotations survive a change of the element type. */
import type { DataType, Dimension, Message, Shape, ValueInfo, ValueType } from './model.js';
import {
  encodeMessage,
  replaceText,
  sameElements,
  wholeMessage,
  type Replacements,
} from './encode-message.js';
import { originalValue, unreadTypes, type TypeMessages } from './origins.js';
import { bytesField, integerField, textField, type Piece } from './pieces.js';

const KIND_FIELDS = { tensor: 1, sequence: 4, map: 5, opaque: 7, sparse: 8, optional: 9 } as const;

/** The content of the message. */
export function encodeValueInfo(value: ValueInfo): Piece[] {
  const { message } = value;
  const origin = originalValue(message);
  if (message !== undefined && origin?.part === value) return wholeMessage(message);
  const replacements: Replacements = new Map();
  replaceText(replacements, 1, value.name, origin?.part.name);
  if (value.type === undefined) {
    if (origin?.part.type !== undefined) replacements.set(2, []);
  } else if (value.type !== origin?.part.type) {
    replacements.set(2, bytesField(2, encodeType(value.type, origin?.type)));
  }
  return encodeMessage(message, replacements);
}

/** The content of a `TypeProto`, as an edit of the one that was there before. */
function encodeType(type: ValueType, before: TypeMessages | undefined): Piece[] {
  if (type === before?.type) return wholeMessage(before.outer);
  const number = KIND_FIELDS[type.kind];
  const base = before?.kindField === number ? before : undefined;
  let inner: Piece[];
  if ('elementType' in type) inner = encodeTensorType(type.elementType, type.shape, base);
  else if ('element' in type) inner = encodeContainer(type.element, base);
  else return encodeUnread(type);
  const replacements: Replacements = new Map();
  for (const other of Object.values(KIND_FIELDS)) replacements.set(other, []);
  replacements.set(number, bytesField(number, inner));
  return encodeMessage(before?.outer, replacements);
}

/** Their content is not read, so there is nothing to write them from but the message. */
function encodeUnread(type: ValueType): Piece[] {
  const message: Message | undefined = unreadTypes.get(type);
  if (message === undefined) throw new TypeError(`a type of kind ${type.kind} can only be taken from a file`);
  return wholeMessage(message);
}

function encodeContainer(element: ValueType, base: TypeMessages | undefined): Piece[] {
  const replacements: Replacements = new Map();
  if (element !== base?.element?.type) {
    replacements.set(1, bytesField(1, encodeType(element, base?.element)));
  }
  return encodeMessage(base?.inner, replacements);
}

function encodeTensorType(
  elementType: DataType,
  shape: Shape | undefined,
  base: TypeMessages | undefined,
): Piece[] {
  const origin = base !== undefined && 'elementType' in base.type ? base.type : undefined;
  const replacements: Replacements = new Map();
  if (elementType !== origin?.elementType) replacements.set(1, integerField(1, elementType));
  if (!sameShape(shape, origin?.shape)) {
    replacements.set(2, shape === undefined ? [] : bytesField(2, encodeShape(shape)));
  }
  return encodeMessage(base?.inner, replacements);
}

function sameShape(first: Shape | undefined, second: Shape | undefined): boolean {
  return first === second || (first !== undefined && second !== undefined && sameElements(first, second));
}

function encodeShape(shape: Shape): Piece[] {
  return shape.flatMap((dimension) => bytesField(1, encodeDimension(dimension)));
}

function encodeDimension(dimension: Dimension): Piece[] {
  if (dimension === undefined) return [];
  return typeof dimension === 'number' ? integerField(1, dimension) : textField(2, dimension);
}
