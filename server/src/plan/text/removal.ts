/**
 * Taking statements, and items of their lists, out of a plan's text without losing a comment. Knows tokens and
 * ranges only.
 */
import {
  removeStatement as removeText,
  type Fix,
  type Statement,
  type SyntaxTree,
  type TextEdit,
  type TextRange,
  type Token,
} from '../../language/index.js';

/**
 * Removes a statement: with its whole line where nothing else is on it; comments inside it stay, each on a line of its
 * own.
 */
export function removeStatement(tree: SyntaxTree, { range }: Statement): TextEdit {
  const { text } = tree;
  const kept = commentsIn(tree, range).map((token) => text.slice(token.start, token.end));
  return kept.length === 0 ? removeText(text, range) : { range, newText: kept.join(lineBreakOf(text)) };
}

/**
 * Removes one item of a statement's list with its comma; the whole statement where it is the only one.
 *
 * @param what what an item is, for the title of the fix
 */
export function removeItem(
  tree: SyntaxTree,
  statement: Statement,
  items: readonly { readonly range: TextRange }[],
  position: number,
  what = 'name',
): Fix {
  const item = items[position];
  const next = items[position + 1];
  const previous = items[position - 1];
  if (!item || (!next && !previous)) {
    return { title: 'Remove this statement', edits: [removeStatement(tree, statement)] };
  }
  const range = next
    ? { start: item.range.start, end: next.range.start }
    : { start: previous?.range.end ?? item.range.start, end: item.range.end };
  const edits: TextEdit[] = [{ range, newText: '' }];
  const lineBreak = lineBreakOf(tree.text);
  const comments = commentsIn(tree, range).map(
    (token) => tree.text.slice(token.start, token.end) + lineBreak,
  );
  if (comments.length > 0) {
    const { start } = statement.range;
    edits.unshift({ range: { start, end: start }, newText: comments.join('') });
  }
  return { title: `Remove this ${what}`, edits };
}

/** The comments whose text lies in a range. */
export function commentsIn(tree: SyntaxTree, range: TextRange): readonly Token[] {
  const found: Token[] = [];
  // Tokens are made when first asked for: a plan without comments in its statements never asks.
  if (!tree.text.slice(range.start, range.end).includes('#')) {
    return found;
  }
  for (let index = firstTokenAt(tree, range.start); index < tree.tokens.length; index += 1) {
    const token = tree.tokens[index];
    if (!token || token.start >= range.end) {
      break;
    }
    if (token.kind === 'comment') {
      found.push(token);
    }
  }
  return found;
}

/** The line break that a text uses first; `\n` in a text of one line. */
export function lineBreakOf(text: string): string {
  return /\r?\n|\r/.exec(text)?.[0] ?? '\n';
}

/** The offset after the last character of the line that an offset is in, its comment included. */
export function lineEndAfter(text: string, offset: number): number {
  const rest = /\r?\n|\r/g;
  rest.lastIndex = offset;
  return rest.exec(text)?.index ?? text.length;
}

/** The offset of the first character of the line that an offset is in. */
export function lineStartBefore(text: string, offset: number): number {
  let start = offset;
  while (start > 0 && text[start - 1] !== '\n' && text[start - 1] !== '\r') {
    start -= 1;
  }
  return start;
}

/** Tokens lie in order without gaps, so the first one that ends after an offset is found by halving. */
function firstTokenAt(tree: SyntaxTree, offset: number): number {
  let low = 0;
  let high = tree.tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tree.tokens[middle]?.end ?? 0) > offset) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
