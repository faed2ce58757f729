/** From an old text to a new one as few changed lines. Knows lines only. */
import type { TextEdit } from '../../language/index.js';

/** The edit that turns one text into the other, without the lines that both begin and end with; none if they are equal. */
export function changedLines(before: string, after: string): readonly TextEdit[] {
  if (before === after) {
    return [];
  }
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  for (let offset = 0; offset < shorter && before[offset] === after[offset]; offset += 1) {
    if (before[offset] === '\n') {
      start = offset + 1;
    }
  }
  let end = 0;
  for (
    let offset = 1;
    offset <= shorter - start && before[before.length - offset] === after[after.length - offset];
    offset += 1
  ) {
    if (isLineStart(before, before.length - offset) && isLineStart(after, after.length - offset)) {
      end = offset;
    }
  }
  return [{ range: { start, end: before.length - end }, newText: after.slice(start, after.length - end) }];
}

/** Takes out the blank lines that removed statements leave behind, in a text that had no two of them in a row. */
export function tidyBlankLines(before: string, after: string): string {
  const twoBlankLines = /(?:\r?\n[^\S\r\n]*){3,}/;
  if (twoBlankLines.test(before)) {
    return after;
  }
  const tidied = after.replace(/(\r?\n)(?:[^\S\r\n]*\r?\n){2,}/g, '$1$1');
  return /\n[^\S\r\n]*\r?\n$/.test(before) ? tidied : tidied.replace(/(\r?\n)(?:[^\S\r\n]*\r?\n)+$/, '$1');
}

function isLineStart(text: string, offset: number): boolean {
  return offset === 0 || text[offset - 1] === '\n';
}
