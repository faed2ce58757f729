/**
 * Messages to JSON a little at a time: an outline of ten thousand statements is megabytes of text, which nobody else's
 * answer has to wait for. Gives what `JSON.stringify` gives. Knows no message.
 */
import type { ContentTypeEncoderOptions, Message } from 'vscode-jsonrpc';
import { inSlices } from '../analysis/index.js';
import type { Steps } from '../onnx/index.js';

/** Elements of a list that are written at once: objects of a few fields, or numbers and texts. */
const OBJECTS_AT_ONCE = 64;
const VALUES_AT_ONCE = 2048;

/** Long lists lie no deeper than this: a message, its result, groups, their members. */
const DEEPEST_LIST = 6;

/** Text that becomes bytes in one step. */
const PIECE_LENGTH = 16_384;

/** For a writer of messages. */
export const slicedJson = {
  name: 'application/json',
  encode: (message: Message, { charset }: ContentTypeEncoderOptions): Promise<Uint8Array> =>
    inSlices(jsonSteps(message, charset), 'in turn'),
};

/** The bytes of the JSON of a record. */
export function* jsonSteps(record: object, charset: BufferEncoding): Steps<Uint8Array> {
  const written = new Written(charset);
  yield* writeRecord(record, DEEPEST_LIST, written);
  return written.bytes();
}

class Written {
  private readonly pieces: Uint8Array[] = [];
  private text = '';

  constructor(private readonly charset: BufferEncoding) {}

  /** Whether there is so much text that the step should end, which the bytes of it are made for. */
  add(text: string): boolean {
    this.text += text;
    if (this.text.length < PIECE_LENGTH) return false;
    this.flush();
    return true;
  }

  bytes(): Uint8Array {
    this.flush();
    return Buffer.concat(this.pieces);
  }

  private flush(): void {
    this.pieces.push(Buffer.from(this.text, this.charset));
    this.text = '';
  }
}

/** Lists that lie deeper than `depth` are written at once. */
function* writeValue(value: unknown, depth: number, written: Written): Steps<void> {
  if (depth === 0 || typeof value !== 'object' || value === null || 'toJSON' in value) {
    if (written.add(JSON.stringify(value))) yield;
  } else if (Array.isArray(value)) yield* writeList(value, depth, written);
  else yield* writeRecord(value, depth, written);
}

function* writeRecord(record: object, depth: number, written: Written): Steps<void> {
  let before = '{';
  for (const [name, value] of Object.entries(record) as [string, unknown][]) {
    if (!hasJson(value)) continue;
    written.add(`${before}${JSON.stringify(name)}:`);
    yield* writeValue(value, depth - 1, written);
    before = ',';
  }
  written.add(before === '{' ? '{}' : '}');
}

/** What has no JSON is left out of a record. */
function hasJson(value: unknown): boolean {
  return value !== undefined && typeof value !== 'function' && typeof value !== 'symbol';
}

function* writeList(list: readonly unknown[], depth: number, written: Written): Steps<void> {
  const atOnce = typeof list[0] === 'object' ? OBJECTS_AT_ONCE : VALUES_AT_ONCE;
  if (list.length <= atOnce && typeof list[0] === 'object') {
    // A few groups: it is their members that are many.
    let before = '[';
    for (const item of list) {
      written.add(before);
      yield* writeValue(hasJson(item) ? item : null, depth - 1, written);
      before = ',';
    }
    written.add(']');
    return;
  }
  written.add('[');
  for (let start = 0; start < list.length; start += atOnce) {
    const items = JSON.stringify(list.slice(start, start + atOnce)).slice(1, -1);
    if (written.add(start === 0 ? items : `,${items}`)) yield;
  }
  written.add(']');
}
