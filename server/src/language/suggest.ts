/** Ways out of a name that the language does not know. Knows the tables of names only. */
import { replaceWith } from './complaints.js';
import type { Fix, TextRange } from './diagnostic.js';
import { nearest } from './nearest.js';
import { FAMILIAR_NAMES } from './vocabulary.js';

/** Fixes that put the most likely of `names` in the place of a word: its name elsewhere, or the nearest in spelling. */
export function suggestName(word: string, range: TextRange, names: readonly string[]): Fix[] {
  const familiar = FAMILIAR_NAMES.get(word.toLowerCase());
  const best = familiar !== undefined && names.includes(familiar) ? familiar : nearest(word, names, 1)[0];
  return best === undefined ? [] : [replaceWith(range, best)];
}
