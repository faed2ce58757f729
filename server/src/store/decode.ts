/** The way back from the bytes that `encode.ts` describes. Never makes anything of bytes that are not exactly such. */
import { elementTypes } from './typed-arrays.js';

export type Decoded = { readonly value: unknown } | undefined;

/** The value of these bytes, all of it the caller's own; undefined where they are not the encoding of one value. */
export function decodeValue(bytes: Uint8Array): Decoded {
  const decoder = new Decoder(bytes);
  try {
    const value = decoder.value();
    return decoder.atEnd ? { value } : undefined;
  } catch (error) {
    // Node's buffers throw it beyond their end, and engines where nesting exhausts the stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What a property is that was assigned. */
const ORDINARY = { configurable: true, enumerable: true, writable: true } as const;

class Decoder {
  private readonly buffer: Buffer;
  private readonly view: DataView;
  private readonly names: string[] = [];
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.at === this.buffer.length;
  }

  value(): unknown {
    const tag = String.fromCharCode(this.byte());
    switch (tag) {
      case 'n':
        return null;
      case 'u':
        return undefined;
      case 't':
        return true;
      case 'f':
        return false;
      case 'd':
        return this.number();
      case 'i':
        return this.bigInteger();
      case 's':
        return this.text();
      case 'a':
        return this.list();
      case 'o':
        return this.properties();
      case 'm':
        return this.map();
      case 'S':
        return new Set(this.list());
      case 'b':
        return this.typedArray();
      default:
        throw new RangeError(`There is no tag ${tag}.`);
    }
  }

  private list(): unknown[] {
    const values: unknown[] = [];
    for (let left = this.count(); left > 0; left -= 1) values.push(this.value());
    return values;
  }

  private map(): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    for (let left = this.count(); left > 0; left -= 1) {
      const key = this.value();
      map.set(key, this.value());
    }
    return map;
  }

  private properties(): object {
    const object: Record<string, unknown> = {};
    for (let left = this.count(); left > 0; left -= 1) {
      const name = this.propertyName();
      const value = this.value();
      // Assigned to, this one would be the prototype.
      if (name === '__proto__') Object.defineProperty(object, name, { value, ...ORDINARY });
      else object[name] = value;
    }
    return object;
  }

  private propertyName(): string {
    const number = this.count();
    if (number === this.names.length) this.names.push(this.text());
    const name = this.names[number];
    if (name === undefined) throw new RangeError('There is no such name.');
    return name;
  }

  private typedArray(): ArrayBufferView {
    const type = elementTypes[this.byte()];
    const start = this.skip(this.count());
    const length = this.at - start;
    if (type === undefined || length % type.size !== 0) throw new RangeError('There is no such typed array.');
    const own = new Uint8Array(length);
    own.set(this.buffer.subarray(start, this.at));
    return type.make(own.buffer);
  }

  private byte(): number {
    return this.view.getUint8(this.skip(1));
  }

  private count(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  private number(): number {
    return this.view.getFloat64(this.skip(8), true);
  }

  private bigInteger(): bigint {
    const digits = this.text();
    if (!/^-?\d+$/.test(digits)) throw new RangeError('There is no such integer.');
    return BigInt(digits);
  }

  private text(): string {
    const start = this.skip(this.count());
    if ((this.at - start) % 2 !== 0) throw new RangeError('There is half a character.');
    return this.buffer.toString('utf16le', start, this.at);
  }

  /** Steps over so many bytes and tells where they start. */
  private skip(length: number): number {
    const start = this.at;
    if (start + length > this.buffer.length) throw new RangeError('The bytes end within a value.');
    this.at += length;
    return start;
  }
}
