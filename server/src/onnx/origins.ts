/**
 * What each message was read as. The writer compares an element with it, and so knows without reading again
 * which fields were changed. An element that is the very object of its message is written as its bytes.
 */
import type { FieldTable } from './field-table.js';
import type {
  Attribute,
  ByteRange,
  ByteSource,
  Field,
  Graph,
  LocalFunction,
  Message,
  Model,
  Node,
  Tensor,
  ValueInfo,
  ValueType,
} from './model.js';

/** A `TypeProto` and, inside of it, the message of its kind (`tensor_type`, `sequence_type`, ...). */
export interface TypeMessages {
  readonly type: ValueType;
  readonly outer: Message;
  readonly kindField: number;
  readonly inner: Message;
  /** Of the elements of a sequence or an optional. */
  readonly element: TypeMessages | undefined;
}

type Origin =
  | { readonly kind: 'model'; readonly part: Model }
  | { readonly kind: 'graph'; readonly part: Graph }
  | { readonly kind: 'node'; readonly part: Node }
  | { readonly kind: 'attribute'; readonly part: Attribute }
  | { readonly kind: 'tensor'; readonly part: Tensor }
  | { readonly kind: 'function'; readonly part: LocalFunction }
  | { readonly kind: 'value'; readonly part: ValueInfo; readonly type: TypeMessages | undefined };

/** A message that remembers. A weak map would do the same, but costs more than all of the reading. */
export class IndexedMessage implements Message {
  /** Private at run time too, so that comparing or printing a model does not go round in circles. */
  #origin: Origin | undefined;
  readonly #table: FieldTable;
  readonly #first: number;
  readonly #count: number;

  /** Of `count` fields that stand in the table from the place `first` on. */
  constructor(
    readonly source: ByteSource,
    readonly range: ByteRange,
    table: FieldTable,
    first: number,
    count: number,
  ) {
    this.#table = table;
    this.#first = first;
    this.#count = count;
  }

  get fields(): readonly Field[] {
    return this.#table.list(this.#first, this.#count, this.range.offset);
  }

  /** To be called once, by whoever reads the message. */
  remember(origin: Origin): void {
    this.#origin = origin;
  }

  static originOf(message: Message | undefined): Origin | undefined {
    return message instanceof IndexedMessage ? message.#origin : undefined;
  }
}

export function originalModel(message: Message | undefined): Model | undefined {
  const origin = IndexedMessage.originOf(message);
  return origin?.kind === 'model' ? origin.part : undefined;
}

export function originalGraph(message: Message | undefined): Graph | undefined {
  const origin = IndexedMessage.originOf(message);
  return origin?.kind === 'graph' ? origin.part : undefined;
}

export function originalNode(message: Message | undefined): Node | undefined {
  const origin = IndexedMessage.originOf(message);
  return origin?.kind === 'node' ? origin.part : undefined;
}

export function originalAttribute(message: Message | undefined): Attribute | undefined {
  const origin = IndexedMessage.originOf(message);
  return origin?.kind === 'attribute' ? origin.part : undefined;
}

export function originalTensor(message: Message | undefined): Tensor | undefined {
  const origin = IndexedMessage.originOf(message);
  return origin?.kind === 'tensor' ? origin.part : undefined;
}

export function originalFunction(message: Message | undefined): LocalFunction | undefined {
  const origin = IndexedMessage.originOf(message);
  return origin?.kind === 'function' ? origin.part : undefined;
}

export function originalValue(
  message: Message | undefined,
): { readonly part: ValueInfo; readonly type: TypeMessages | undefined } | undefined {
  const origin = IndexedMessage.originOf(message);
  return origin?.kind === 'value' ? origin : undefined;
}

/** The messages of map and opaque types, whose content is not read: rare, so that a weak map does for them. */
export const unreadTypes = new WeakMap<ValueType, Message>();
