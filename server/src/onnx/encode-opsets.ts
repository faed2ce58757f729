/** Writes the imports of operator sets of a model or a function. */
import type { Message } from './model.js';
import { sameElements, type Replacements } from './encode-message.js';
import { bytesField, integerField, textField, type Piece } from './pieces.js';

type Opsets = ReadonlyMap<string, number>;

/** Replaces the field if a domain or a version has changed. */
export function replaceOpsets(
  to: Replacements,
  number: number,
  opsets: Opsets,
  before: { readonly elements: Opsets; readonly message: Message } | undefined,
): void {
  const known = before?.elements ?? new Map<string, number>();
  if (sameElements([...opsets].flat(), [...known].flat())) return;
  to.set(
    number,
    [...opsets].flatMap(([domain, version]) => bytesField(number, encodeOpset(domain, version))),
  );
}

function encodeOpset(domain: string, version: number): Piece[] {
  return [...(domain === '' ? [] : textField(1, domain)), ...integerField(2, version)];
}
