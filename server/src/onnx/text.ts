/**
 * Names as they lie in a file: UTF-8 that need not be valid. A byte that belongs to no valid sequence becomes a
 * lone surrogate U+DC80..U+DCFF, so that different names stay different and are written back as they were.
 */

const ESCAPE = 0xdc00;
const ESCAPED = /(?<![\uD800-\uDBFF])[\uDC80-\uDCFF]/;

export function decodeText(bytes: Uint8Array): string {
  return decodeTextWithin(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);
}

/** The text of a part of a buffer; faster than a view of its own for each of many names. */
export function decodeTextWithin(buffer: Buffer, start: number, end: number): string {
  const text = buffer.toString('utf8', start, end);
  // The replacement character is either in the file or stands for bytes that are no UTF-8.
  return text.includes('\uFFFD') ? decodeInvalid(buffer.subarray(start, end)) : text;
}

export function encodeText(text: string): Uint8Array {
  if (!ESCAPED.test(text)) return Buffer.from(text, 'utf8');
  const parts: Uint8Array[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const escaped = code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff;
    parts.push(escaped ? Uint8Array.of(code - ESCAPE) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

function decodeInvalid(bytes: Uint8Array): string {
  const parts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      parts.push(String.fromCharCode(ESCAPE + (bytes[at] ?? 0)));
      at += 1;
    } else {
      parts.push(String.fromCodePoint(codePoint(bytes, at, length)));
      at += length;
    }
  }
  return parts.join('');
}

/** Bytes of the valid UTF-8 sequence that begins here (RFC 3629, section 4), or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (let index = 1; index < length; index += 1) {
    if (((bytes[at + index] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  const code = codePoint(bytes, at, length);
  const smallest = length === 4 ? 0x10000 : length === 3 ? 0x800 : 0x80;
  return code < smallest || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : length;
}

function codePoint(bytes: Uint8Array, at: number, length: number): number {
  const first = bytes[at] ?? 0;
  let code = length === 1 ? first : first & (0x7f >> length);
  for (let index = 1; index < length; index += 1) code = (code << 6) | ((bytes[at + index] ?? 0) & 0x3f);
  return code;
}
