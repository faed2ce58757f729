/**
 * Values as bytes and back, exactly: JSON with every number there is, and typed arrays, maps and sets. Each value says
 * what it is and how long it is, so that different values never have the same bytes. Knows neither files nor keys.
 *
 * A value is a tag and what follows it; counts and lengths are unsigned 32-bit little-endian:
 *
 *     n u t f    null, undefined, true, false
 *     d          a number: 8 bytes, little-endian IEEE 754
 *     i          a big integer: a string of its decimal digits
 *     s          a string: its length in bytes, UTF-16LE (which keeps lone surrogates)
 *     a          an array: its count, its values
 *     o          an object: its count, for each property its name and its value
 *     m S        a map, a set: its count, its keys and values in turn, or its values
 *     b          a typed array: one byte for its type, its length in bytes, its bytes as the machine has them
 *
 * A name is its number among the different names so far; the first time a string without tag follows.
 */
import { elementTypes, typedArrayName } from './typed-arrays.js';

/** Deeper values are taken for circular ones. */
const DEEPEST = 500;

/** The value holds what cannot be stored: a function, an instance of a class, a circle. A mistake of the caller. */
export class NotStorable extends TypeError {
  constructor(path: readonly (string | number)[], what: string) {
    super(`${['the value', ...path].join('.')} is ${what}, which cannot be stored`);
    this.name = 'NotStorable';
  }
}

/** Whether properties keep their order, or stand in the order of their names so that equal objects have equal bytes. */
type PropertyOrder = 'kept' | 'sorted';

/**
 * The bytes of a value. Properties that are undefined count as absent, as in JSON. In a canonical encoding (`sorted`)
 * the order of properties does not matter; that of maps and sets does.
 * @throws NotStorable
 */
export function encodeValue(value: unknown, order: PropertyOrder): Uint8Array {
  const encoder = new Encoder(order);
  encoder.value(value);
  return encoder.bytes();
}

class Encoder {
  private array = new Uint8Array(4096);
  private view = new DataView(this.array.buffer);
  private length = 0;
  private readonly names = new Map<string, number>();
  /** Where the value at hand is: names of properties, places in lists. */
  private readonly path: (string | number)[] = [];

  constructor(private readonly order: PropertyOrder) {}

  /** A copy: what is kept in memory should not keep the room for more. */
  bytes(): Uint8Array {
    return this.array.slice(0, this.length);
  }

  value(value: unknown): void {
    switch (typeof value) {
      case 'undefined':
        this.tag('u');
        return;
      case 'boolean':
        this.tag(value ? 't' : 'f');
        return;
      case 'number':
        this.number(value);
        return;
      case 'bigint':
        this.tag('i');
        this.text(value.toString());
        return;
      case 'string':
        this.tag('s');
        this.text(value);
        return;
      case 'object':
        if (value === null) this.tag('n');
        else this.object(value);
        return;
      case 'function':
      case 'symbol':
        throw new NotStorable(this.path, `a ${typeof value}`);
    }
  }

  private object(value: object): void {
    if (this.path.length > DEEPEST) throw new NotStorable([], 'circular or nested too deeply');
    if (Array.isArray(value)) this.list('a', value);
    else if (ArrayBuffer.isView(value)) this.typedArray(value);
    else if (value instanceof Set) this.list('S', [...value]);
    else if (value instanceof Map) this.map(value);
    else if (isPlain(value)) this.properties(value);
    else throw new NotStorable(this.path, `an instance of ${value.constructor.name}`);
  }

  private part(value: unknown, place: string | number): void {
    this.path.push(place);
    this.value(value);
    this.path.pop();
  }

  private list(tag: string, values: readonly unknown[]): void {
    this.tag(tag);
    this.count(values.length);
    for (let index = 0; index < values.length; index += 1) this.part(values[index], index);
  }

  private map(value: ReadonlyMap<unknown, unknown>): void {
    this.tag('m');
    this.count(value.size);
    for (const [key, item] of value) {
      this.part(key, 'a key');
      this.part(item, typeof key === 'string' || typeof key === 'number' ? key : 'an entry');
    }
  }

  private properties(value: Readonly<Record<string, unknown>>): void {
    const names = Object.keys(value).filter((name) => value[name] !== undefined);
    // By code units: an order that no locale changes.
    if (this.order === 'sorted') names.sort();
    this.tag('o');
    this.count(names.length);
    for (const name of names) {
      this.propertyName(name);
      this.part(value[name], name);
    }
  }

  private propertyName(name: string): void {
    const known = this.names.get(name);
    this.count(known ?? this.names.size);
    if (known !== undefined) return;
    this.names.set(name, this.names.size);
    this.text(name);
  }

  private typedArray(value: ArrayBufferView): void {
    const name = typedArrayName(value);
    const type = elementTypes.findIndex((element) => element.name === name);
    if (type < 0) throw new NotStorable(this.path, `a ${name}`);
    this.tag('b');
    this.reserve(1);
    this.array[this.length] = type;
    this.length += 1;
    this.count(value.byteLength);
    this.reserve(value.byteLength);
    this.array.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), this.length);
    this.length += value.byteLength;
  }

  private tag(tag: string): void {
    this.reserve(1);
    this.array[this.length] = tag.charCodeAt(0);
    this.length += 1;
  }

  private count(count: number): void {
    this.reserve(4);
    this.view.setUint32(this.length, count, true);
    this.length += 4;
  }

  private number(value: number): void {
    this.tag('d');
    this.reserve(8);
    // There are many NaN; a number of the language is only ever the one.
    this.view.setFloat64(this.length, Number.isNaN(value) ? NaN : value, true);
    this.length += 8;
  }

  private text(text: string): void {
    this.count(text.length * 2);
    this.reserve(text.length * 2);
    for (let at = 0; at < text.length; at += 1) {
      this.view.setUint16(this.length, text.charCodeAt(at), true);
      this.length += 2;
    }
  }

  private reserve(more: number): void {
    if (this.length + more <= this.array.length) return;
    const larger = new Uint8Array(Math.max(this.array.length * 2, this.length + more));
    larger.set(this.array);
    this.array = larger;
    this.view = new DataView(larger.buffer);
  }
}

/** Whether an object is a record rather than an instance of a class, of this realm or another. */
function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (typeof prototype === 'object' && Object.getPrototypeOf(prototype) === null);
}
