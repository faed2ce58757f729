/**
 * The fields of all messages of a file in two numbers each: a model of 100,000 nodes has a million of them, and objects for all
 * would weigh more than everything else that is known of it. A field is made an object when it is asked for.
 * Knows the order of fields; not what they are called.
 */
import type { ByteRange, Field } from './model.js';

/** Rows of one block; blocks are never copied. */
const BLOCK_ROWS = 8192;
/** A tag and a length have at most ten bytes each. */
const LONGEST_HEADER = 32;
const WIRE_TYPES = 8;

class IndexedField implements Field {
  constructor(
    readonly number: number,
    readonly wireType: number,
    readonly count: number,
    private readonly start: number,
    private readonly content: number,
    private readonly end: number,
  ) {}

  get whole(): ByteRange {
    return { offset: this.start, length: this.end - this.start };
  }

  get payload(): ByteRange {
    return { offset: this.content, length: this.end - this.content };
  }
}

export class FieldTable {
  /** Number, wire type and length of the header in one number; then the end. Fields of a message follow each other. */
  private readonly blocks: Float64Array[] = [];
  private rows = 0;
  /** Of the few fields that stand for several scalars. */
  private readonly counts = new Map<number, number>();
  /** The list made last: whoever has read a message looks at its fields more than once. */
  private latest: { readonly first: number; readonly fields: readonly Field[] } | undefined;

  /** How many fields there are: the place of the next one. */
  get length(): number {
    return this.rows;
  }

  /** Adds the field that lies behind the last one of its message; `header` is the length of what is before the payload. */
  add(number: number, wireType: number, count: number, header: number, end: number): void {
    const row = this.rows % BLOCK_ROWS;
    let block = this.blocks.at(-1);
    if (row === 0 || block === undefined) {
      block = new Float64Array(2 * BLOCK_ROWS);
      this.blocks.push(block);
    }
    block[2 * row] = (number * WIRE_TYPES + wireType) * LONGEST_HEADER + header;
    block[2 * row + 1] = end;
    if (count !== 1) this.counts.set(this.rows, count);
    this.rows += 1;
  }

  /** Some fields from the place `first` on: those of a message that begins at `offset`. */
  list(first: number, length: number, offset: number): readonly Field[] {
    if (this.latest?.first === first && this.latest.fields.length === length) return this.latest.fields;
    let start = offset;
    const fields: Field[] = [];
    for (let at = first; at < first + length; at += 1) {
      const block = this.blocks[Math.floor(at / BLOCK_ROWS)];
      const row = at % BLOCK_ROWS;
      const key = block?.[2 * row] ?? 0;
      const end = block?.[2 * row + 1] ?? 0;
      const tag = Math.floor(key / LONGEST_HEADER);
      const content = start + (key % LONGEST_HEADER);
      const count = this.counts.get(at) ?? 1;
      const number = Math.floor(tag / WIRE_TYPES);
      fields.push(new IndexedField(number, tag % WIRE_TYPES, count, start, content, end));
      start = end;
    }
    if (length > 0) this.latest = { first, fields };
    return fields;
  }
}
