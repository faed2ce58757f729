/**
 * Writes the fields of one message after the other into one buffer: a graph that is made here has thousands of nodes, each of a
 * dozen short fields, and an object for each of them costs more than all else. Knows the wire format, no message.
 */
import { varint } from './pieces.js';
import { encodeText } from './text.js';
import { BYTES, FIXED32, VARINT } from './wire.js';

const FIRST_SIZE = 4096;
/** No varint is longer. */
const LONGEST_VARINT = 10;

export class FieldWriter {
  private buffer = Buffer.allocUnsafe(FIRST_SIZE);
  private at = 0;

  get isEmpty(): boolean {
    return this.at === 0;
  }

  text(number: number, text: string): void {
    this.reserve(2 * LONGEST_VARINT + text.length);
    const before = this.at;
    this.putVarint(number * 8 + BYTES);
    this.putVarint(text.length);
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) {
        this.at = before;
        this.bytes(number, encodeText(text));
        return;
      }
      this.buffer[this.at++] = code;
    }
  }

  bytes(number: number, bytes: Uint8Array): void {
    this.reserve(2 * LONGEST_VARINT + bytes.length);
    this.putVarint(number * 8 + BYTES);
    this.putVarint(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** As `integerField` does. */
  integer(number: number, value: number): void {
    this.reserve(2 * LONGEST_VARINT);
    this.putVarint(number * 8 + VARINT);
    this.putVarint(value);
  }

  float(number: number, value: number): void {
    this.reserve(LONGEST_VARINT + 4);
    this.putVarint(number * 8 + FIXED32);
    this.at = this.buffer.writeFloatLE(value, this.at);
  }

  /** A field whose content is what `write` writes; no field, and false, where that says that it writes nothing. */
  message(number: number, write: () => boolean): boolean {
    const before = this.at;
    this.reserve(LONGEST_VARINT);
    this.putVarint(number * 8 + BYTES);
    const start = this.at;
    if (!write()) {
      this.at = before;
      return false;
    }
    const length = this.at - start;
    const prefix = varint(length);
    this.reserve(prefix.length);
    this.buffer.copyWithin(start + prefix.length, start, this.at);
    for (let index = 0; index < prefix.length; index++) this.buffer[start + index] = prefix[index] ?? 0;
    this.at += prefix.length;
    return true;
  }

  /** What was written since the last time, in memory of its own. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.buffer.subarray(0, this.at));
    this.at = 0;
    return taken;
  }

  private putVarint(value: number): void {
    if (value >= 0 && value < 0x80) {
      this.buffer[this.at++] = value;
      return;
    }
    for (const byte of varint(value)) this.buffer[this.at++] = byte;
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}
