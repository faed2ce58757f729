/**
 * Writes a message again with some of its fields replaced. What is not replaced stays where it is, byte for byte,
 * fields that we do not know included.
 */
import { FieldWriter } from './field-writer.js';
import type { Field, Message } from './model.js';
import { bytesField, bytesPiece, joinPieces, rangePiece, textField, type Piece } from './pieces.js';
import { finish, isStep, type Steps } from './steps.js';

/** By field number, what stands in place of all fields of that number. */
export type Replacements = Map<number, readonly Piece[]>;

/**
 * Replacements stand where the first field of their number was (a changed list is gathered there, which means the
 * same); those of a number that was not there follow at the end, in the order in which they were put in.
 */
export function encodeMessage(base: Message | undefined, replacements: Replacements): Piece[] {
  const pieces: Piece[] = [];
  const placed = new Set<number>();
  for (const field of base?.fields ?? []) {
    const replacement = replacements.get(field.number);
    if (replacement === undefined) pieces.push(rangePiece(messageSource(base), field.whole));
    else if (!placed.has(field.number)) {
      placed.add(field.number);
      for (const piece of replacement) pieces.push(piece);
    }
  }
  for (const [number, replacement] of replacements) {
    if (!placed.has(number)) for (const piece of replacement) pieces.push(piece);
  }
  return joinPieces(pieces);
}

function messageSource(message: Message | undefined) {
  if (message === undefined) throw new TypeError('a field without a message');
  return message.source;
}

/** The content of a message as it lies in its file. */
export function wholeMessage(message: Message): Piece[] {
  return [rangePiece(message.source, message.range)];
}

/** Replaces a text field if the text has changed; an empty text is left out. */
export function replaceText(
  to: Replacements,
  number: number,
  text: string,
  before: string | undefined,
): void {
  if (text !== (before ?? '')) to.set(number, text === '' ? [] : textField(number, text));
}

/** Replaces a repeated text field if any text has changed; empty texts count. */
export function replaceTexts(
  to: Replacements,
  number: number,
  texts: readonly string[],
  before: readonly string[] | undefined,
): void {
  if (sameElements(texts, before ?? [])) return;
  to.set(
    number,
    texts.flatMap((text) => textField(number, text)),
  );
}

/** Writes the content of an element that holds nothing of a file; false, and nothing written, where it is none. */
export type WriteMade<T> = (writer: FieldWriter, element: T) => boolean;

interface Element {
  readonly message: Message | undefined;
}

/**
 * Replaces a repeated message field if any element is another object than before. Elements that were there before are
 * written with their original tag and length, so that neighbours stay one range.
 */
export function replaceElements<T extends Element>(
  to: Replacements,
  number: number,
  elements: readonly T[],
  before: { readonly elements: readonly T[]; readonly message: Message } | undefined,
  encode: (element: T) => Piece[],
  writeMade?: WriteMade<T>,
): void {
  finish(replaceElementsSteps(to, number, elements, before, encode, writeMade));
}

/** The same, a few elements at a time. */
export function* replaceElementsSteps<T extends Element>(
  to: Replacements,
  number: number,
  elements: readonly T[],
  before: { readonly elements: readonly T[]; readonly message: Message } | undefined,
  encode: (element: T) => Piece[],
  writeMade?: WriteMade<T>,
): Steps<void> {
  if (sameElements(elements, before?.elements ?? [])) return;
  const fields = before?.message.fields.filter((field) => field.number === number) ?? [];
  const originals = new Map<T, Field>();
  before?.elements.forEach((element, index) => {
    const field = fields[index];
    if (field !== undefined) originals.set(element, field);
  });
  const pieces: Piece[] = [];
  // Thousands of elements that are made here follow each other: they are one piece.
  const writer = new FieldWriter();
  const flush = (): void => {
    if (!writer.isEmpty) pieces.push(bytesPiece(writer.take()));
  };
  for (const [index, element] of elements.entries()) {
    if (isStep(index)) yield;
    const original = originals.get(element);
    if (original !== undefined && before !== undefined) {
      flush();
      pieces.push(rangePiece(before.message.source, original.whole));
      continue;
    }
    if (writeMade !== undefined && writer.message(number, () => writeMade(writer, element))) continue;
    flush();
    for (const piece of bytesField(number, encode(element))) pieces.push(piece);
  }
  flush();
  to.set(number, pieces);
}

export function sameElements<T>(first: readonly T[], second: readonly T[]): boolean {
  return (
    first === second ||
    (first.length === second.length && first.every((item, index) => Object.is(item, second[index])))
  );
}
