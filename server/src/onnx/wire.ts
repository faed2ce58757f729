/**
 * The protobuf wire format: walks the fields of a byte range and decodes scalars, through one page of the source
 * at a time. Skips what it is not asked for. Knows no ONNX: see message-shapes.ts for what the fields are called.
 */
import { FieldTable } from './field-table.js';
import type { ByteRange, ByteSource, Field } from './model.js';
import { PAGE_SIZE } from './source.js';
import { decodeText, decodeTextWithin } from './text.js';

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
const GROUP_START = 3;
const GROUP_END = 4;
export const FIXED32 = 5;

/** What an index may hold: beyond it a file is no model but an attack, or not ours to open. */
const MOST_FIELDS = 4_000_000;
const MOST_TEXT = 1 << 28;
const MOST_ELEMENTS = 1 << 24;
/** Names and types longer than this are refused; the longest of real exporters have a few kilobytes. */
const LONGEST_TEXT = 1 << 20;

/** A problem of the bytes at `offset`; `words` complete the sentence "in the field F, ...". Never leaves the room. */
export class WireFault extends Error {
  constructor(
    readonly words: string,
    readonly offset: number,
  ) {
    super(words);
    this.name = 'WireFault';
  }
}

export class WireReader {
  /** Bytes from `pageStart` on that are at hand. */
  private page: Buffer = Buffer.alloc(0);
  private pageStart = 0;
  /** The number read last, as two halves without sign, and the offset behind it. */
  private low = 0;
  private high = 0;
  private next = 0;
  private fieldsLeft = MOST_FIELDS;
  private textLeft = MOST_TEXT;
  private elementsLeft = MOST_ELEMENTS;

  /** All fields that have been walked over. */
  readonly table = new FieldTable();

  constructor(readonly source: ByteSource) {}

  /**
   * Adds the fields of a message to the table, in file order, and gives their number. Scalars of the same tag that follow
   * each other are one field with a `count`, so that a long unpacked list weighs no more than a packed one.
   */
  walk(range: ByteRange): number {
    const first = this.table.length;
    const end = range.offset + range.length;
    let at = range.offset;
    while (at < end) {
      const start = at;
      const { number, wireType } = this.tag(start, end);
      const content = wireType === BYTES ? this.skipNumber(this.next, end) : this.next;
      at = this.payloadEnd(wireType, start, content, end);
      let count = 1;
      if (wireType !== BYTES) {
        const firstByte = this.byte(start);
        while (at < end && this.byte(at) === firstByte) {
          const again = this.tag(at, end);
          if (again.number !== number || again.wireType !== wireType) break;
          at = this.payloadEnd(wireType, at, this.next, end);
          count += 1;
        }
      }
      this.fieldsLeft -= 1;
      if (this.fieldsLeft < 0) throw new WireFault(`there are more than ${MOST_FIELDS} fields`, start);
      this.table.add(number, wireType, count, content - start, at);
    }
    return this.table.length - first;
  }

  /** The last number of a varint field, as a signed 64-bit integer (rounded beyond 2^53). */
  integer(field: Field): number {
    let value = 0;
    this.visitVarints(field, () => {
      value = this.signed();
    });
    return value;
  }

  /** All numbers of a packed or unpacked varint field. More than `most` are a fault. */
  integers(field: Field, most: number): number[] {
    const values: number[] = [];
    this.visitVarints(field, () => {
      if (values.length >= most)
        throw new WireFault(`the list has more than ${most} elements`, field.whole.offset);
      values.push(this.signed());
    });
    return values;
  }

  /** Calls `visit` for each number with its halves, both without sign. */
  visitVarints(field: Field, visit: (low: number, high: number) => void): void {
    const { offset, length } = field.payload;
    const end = offset + length;
    const packed = field.wireType === BYTES;
    let at = offset;
    while (at < end) {
      at = this.skipNumber(at, end);
      visit(this.low, this.high);
      if (!packed && at < end) at = this.skipNumber(at, end);
    }
  }

  /** Calls `visit` with the offset of each number of a packed or unpacked field of 4 or 8 bytes an element. */
  visitFixed(field: Field, width: 4 | 8, visit: (offset: number) => void): void {
    const { offset, length } = field.payload;
    const end = offset + length;
    const packed = field.wireType === BYTES;
    if (packed && length % width !== 0) {
      throw new WireFault(
        `${length} bytes are no whole number of elements of ${width} bytes`,
        field.whole.offset,
      );
    }
    let at = offset;
    while (at < end) {
      visit(at);
      at += width;
      if (!packed && at < end) at = this.skipNumber(at, end);
    }
  }

  /** The last number of a 4-byte floating-point field. */
  float(field: Field): number {
    let value = 0;
    this.visitFixed(field, 4, (offset) => {
      value = this.floatAt(offset);
    });
    return value;
  }

  floatAt(offset: number): number {
    const bytes = this.source.read(offset, 4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
  }

  /** The text of a name. Long ones are a fault. */
  text(field: Field): string {
    const { offset, length } = field.payload;
    if (length > LONGEST_TEXT) throw new WireFault(`the name is ${length} bytes long`, field.whole.offset);
    this.textLeft -= length;
    if (this.textLeft < 0)
      throw new WireFault(`all names together have more than ${MOST_TEXT} bytes`, field.whole.offset);
    const index = offset - this.pageStart;
    return index >= 0 && index + length <= this.page.length
      ? decodeTextWithin(this.page, index, index + length)
      : decodeText(this.source.read(offset, length));
  }

  /** The text of a field, or undefined if it is too long to be held. */
  shortText(field: Field): string | undefined {
    const { length } = field.payload;
    return length > LONGEST_TEXT || length > this.textLeft ? undefined : this.text(field);
  }

  /** Whether a list of that many elements may still be held; if so, counts it. */
  admits(elements: number): boolean {
    if (elements > this.elementsLeft) return false;
    this.elementsLeft -= elements;
    return true;
  }

  /** Decodes the tag at an offset, whose payload then begins at `next`. */
  private tag(start: number, end: number): { number: number; wireType: number } {
    this.next = this.skipNumber(start, end);
    const number = this.low >>> 3;
    const wireType = this.low & 7;
    if (this.high !== 0 || number === 0) throw new WireFault('there is no valid field number', start);
    if (wireType === GROUP_START || wireType === GROUP_END) {
      throw new WireFault('there is a protobuf group, which ONNX does not use', start);
    }
    if (wireType > FIXED32) throw new WireFault(`there is no protobuf wire type ${wireType}`, start);
    return { number, wireType };
  }

  /** End of the payload at `content`; for bytes, the length has just been read. */
  private payloadEnd(wireType: number, start: number, content: number, end: number): number {
    if (wireType === VARINT) return this.skipNumber(content, end);
    const length = wireType === FIXED64 ? 8 : wireType === FIXED32 ? 4 : this.low + this.high * 2 ** 32;
    if (length > end - content) {
      throw new WireFault(
        `the field wants ${length} bytes at byte ${content}, but what it belongs to ends at byte ${end}`,
        start,
      );
    }
    return content + length;
  }

  private signed(): number {
    return (this.high | 0) * 2 ** 32 + this.low;
  }

  /** Reads a varint into `low` and `high` and gives the offset behind it. */
  private skipNumber(at: number, end: number): number {
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index += 1) {
      if (at + index >= end) throw new WireFault(`a number is cut off at byte ${end}`, at);
      const byte = this.byte(at + index);
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (7 * index);
      else if (index === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (7 * index - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return at + index + 1;
      }
    }
    throw new WireFault('a number is longer than ten bytes', at);
  }

  private byte(offset: number): number {
    const index = offset - this.pageStart;
    if (index >= 0 && index < this.page.length) return this.page[index] ?? 0;
    this.load(offset);
    return this.page[offset - this.pageStart] ?? 0;
  }

  private load(offset: number): void {
    const start = offset - (offset % PAGE_SIZE);
    const bytes = this.source.read(start, Math.min(PAGE_SIZE, this.source.length - start));
    this.page = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.pageStart = start;
  }
}
