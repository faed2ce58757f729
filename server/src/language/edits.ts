/** Edits of plan text that several rooms need. Knows lines and blanks, no statement. */
import type { TextEdit, TextRange } from './diagnostic.js';

/** Takes a statement out: with its whole line where nothing else stands on it, so that no blank line stays behind. */
export function removeStatement(text: string, statement: TextRange): TextEdit {
  let start = statement.start;
  while (start > 0 && isBlank(text.charCodeAt(start - 1))) start--;
  let end = statement.end;
  while (end < text.length && isBlank(text.charCodeAt(end))) end++;
  const aloneOnLine =
    (start === 0 || isLineBreak(text.charCodeAt(start - 1))) &&
    (end === text.length || isLineBreak(text.charCodeAt(end)));
  if (!aloneOnLine) return { range: { start: statement.start, end }, newText: '' };
  if (text.charCodeAt(end) === 13 && text.charCodeAt(end + 1) === 10) end += 2;
  else if (end < text.length) end++;
  return { range: { start, end }, newText: '' };
}

/** The text after all edits, which do not overlap; their order does not matter. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const parts: string[] = [];
  let offset = 0;
  for (const edit of [...edits].sort((a, b) => a.range.start - b.range.start)) {
    parts.push(text.slice(offset, edit.range.start), edit.newText);
    offset = edit.range.end;
  }
  parts.push(text.slice(offset));
  return parts.join('');
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function isLineBreak(code: number): boolean {
  return code === 10 || code === 13;
}
