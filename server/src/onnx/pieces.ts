/**
 * A file to be written, as a list of bytes in memory and ranges of other files: its length is known and nothing of
 * the weights is in memory. Also the scalars and prefixes of the wire format.
 */
import type { ByteRange, ByteSource, ComputedBytes } from './model.js';
import { readInto, SourceFault } from './source.js';
import { finish, isStep, type Steps } from './steps.js';
import { encodeText } from './text.js';
import { BYTES, FIXED32, VARINT } from './wire.js';

export type Piece =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'range'; readonly source: ByteSource; readonly range: ByteRange }
  | ({ readonly kind: 'computed' } & ComputedBytes);

const LARGEST_BUFFER = 2 ** 31 - 1;

export function pieceLength(piece: Piece): number {
  if (piece.kind === 'bytes') return piece.bytes.length;
  return piece.kind === 'range' ? piece.range.length : piece.length;
}

export function piecesLength(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + pieceLength(piece), 0);
}

/** The parts of computed bytes. @throws SourceFault if they are not as many as announced. */
export function* computedParts({ length, parts }: ComputedBytes): Generator<Uint8Array, void> {
  let made = 0;
  for (const part of parts()) {
    made += part.length;
    if (made > length) break;
    yield part;
  }
  if (made !== length) {
    throw new SourceFault(`${made} bytes were made where ${length} were announced`, undefined);
  }
}

/** Computed bytes, all of them. @throws SourceFault if they are not as many as announced. */
export function computedBytes(computed: ComputedBytes): Uint8Array {
  const bytes = new Uint8Array(computed.length);
  computeInto(bytes, 0, computed);
  return bytes;
}

function computeInto(bytes: Uint8Array, start: number, computed: ComputedBytes): void {
  let at = start;
  for (const part of computedParts(computed)) {
    bytes.set(part, at);
    at += part.length;
  }
}

/** All in memory, for small models such as variants. @throws SourceFault if a range cannot be read. */
export function encodeBytes(pieces: readonly Piece[]): Uint8Array {
  return finish(encodeBytesSteps(pieces));
}

/** The same a few pieces at a time: those of files are read one by one. */
export function* encodeBytesSteps(pieces: readonly Piece[]): Steps<Uint8Array> {
  const length = piecesLength(pieces);
  if (length > LARGEST_BUFFER)
    throw new SourceFault(`${length} bytes are too many for one buffer`, undefined);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const [index, piece] of pieces.entries()) {
    if (isStep(index)) yield;
    if (piece.kind === 'bytes') bytes.set(piece.bytes, at);
    else if (piece.kind === 'range') {
      readInto(piece.source, piece.range.offset, bytes.subarray(at, at + piece.range.length));
    } else computeInto(bytes, at, piece);
    at += pieceLength(piece);
  }
  return bytes;
}

/** The same bytes in as few pieces as can be. */
export function joinPieces(pieces: readonly Piece[]): Piece[] {
  const joined: Piece[] = [];
  let literals: Uint8Array[] = [];
  const flush = (): void => {
    const [first, second] = literals;
    if (first !== undefined) {
      joined.push({ kind: 'bytes', bytes: second === undefined ? first : Buffer.concat(literals) });
    }
    literals = [];
  };
  for (const piece of pieces) {
    if (pieceLength(piece) === 0) continue;
    if (piece.kind === 'bytes') {
      literals.push(piece.bytes);
      continue;
    }
    flush();
    const last = joined.at(-1);
    if (piece.kind === 'range' && last?.kind === 'range' && follows(last, piece)) {
      const range = { offset: last.range.offset, length: last.range.length + piece.range.length };
      joined[joined.length - 1] = { kind: 'range', source: piece.source, range };
    } else joined.push(piece);
  }
  flush();
  return joined;
}

type RangePiece = Piece & { readonly kind: 'range' };

function follows(first: RangePiece, second: RangePiece): boolean {
  return first.source === second.source && first.range.offset + first.range.length === second.range.offset;
}

export function rangePiece(source: ByteSource, range: ByteRange): Piece {
  return { kind: 'range', source, range };
}

export function bytesPiece(bytes: Uint8Array): Piece {
  return { kind: 'bytes', bytes };
}

/** A field that is a message or bytes. */
export function bytesField(number: number, content: readonly Piece[]): Piece[] {
  const [tag, length] = [number * 8 + BYTES, piecesLength(content)];
  const isShort = tag < 0x80 && length < 0x80;
  const prefix = isShort ? Uint8Array.of(tag, length) : Uint8Array.from([...varint(tag), ...varint(length)]);
  return [bytesPiece(prefix), ...content];
}

export function textField(number: number, text: string): Piece[] {
  return bytesField(number, [bytesPiece(encodeText(text))]);
}

/** A varint field; negative numbers as protobuf's `int64`, numbers beyond its range clamped to it. */
export function integerField(number: number, value: number): Piece[] {
  return [bytesPiece(Uint8Array.from([...varint(number * 8 + VARINT), ...varint(value)]))];
}

export function floatField(number: number, value: number): Piece[] {
  const tag = varint(number * 8 + FIXED32);
  const bytes = new Uint8Array(tag.length + 4);
  bytes.set(tag);
  new DataView(bytes.buffer).setFloat32(tag.length, value, true);
  return [bytesPiece(bytes)];
}

/** The bytes of a varint; of a negative number those of protobuf's `int64`. */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  if (value >= 0 && Number.isSafeInteger(value)) {
    let rest = value;
    while (rest >= 0x80) {
      bytes.push((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    bytes.push(rest);
    return bytes;
  }
  // An index such as the largest int64 (Slice's "to the end") is read as 2^63, the nearest number.
  const clamped = value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(Math.max(value, -(2 ** 63)));
  let rest = BigInt.asUintN(64, clamped);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) + 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}
