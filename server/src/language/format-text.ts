/**
 * The formatter. Changes nothing but the blanks and line breaks between tokens, so it cannot lose a word; order,
 * comments and the places of line breaks stay. Lines with a syntax error are left exactly as they are. Knows tokens
 * and the extents of statements.
 */
import type { TextEdit, TextRange } from './diagnostic.js';
import { applyEdits } from './edits.js';
import { parse } from './parse.js';
import type { SyntaxTree, Token } from './tree.js';

/** The formatted text. Formatting it again changes nothing. */
export function formatText(text: string): string {
  return applyEdits(text, formatEdits(parse(text)));
}

/**
 * The edits that format a text, in order, one for each gap between tokens that is not yet as it should be. They touch
 * blanks and line breaks only, so any part of them can be applied alone (formatting of a selection).
 */
export function formatEdits(tree: SyntaxTree): TextEdit[] {
  const { text, tokens } = tree;
  const layout = new Layout(tree);
  const edits: TextEdit[] = [];
  const gap = { start: 0, end: 0, lineBreaks: 0 };
  let previous: Token | undefined;
  for (const token of tokens) {
    gap.end = token.start;
    if (token.kind === 'space') continue;
    if (token.kind === 'newline') {
      gap.lineBreaks++;
      continue;
    }
    pushEdit(edits, text, layout.place(previous, token, gap));
    previous = token;
    gap.start = token.end;
    gap.lineBreaks = 0;
  }
  gap.end = text.length;
  pushEdit(edits, text, layout.place(previous, undefined, gap));
  return edits;
}

function pushEdit(edits: TextEdit[], text: string, edit: Placement | undefined): void {
  if (edit === undefined) return;
  const { start, end, newText } = edit;
  if (end - start === newText.length && text.startsWith(newText, start)) return;
  edits.push({ range: { start, end }, newText });
}

interface Gap extends TextRange {
  readonly lineBreaks: number;
}

/** What should stand in a gap, or in the part of it that may be changed. */
interface Placement extends TextRange {
  readonly newText: string;
}

/** Walks along with the gaps, from the start of the text to its end, and says how each should be. */
class Layout {
  private readonly text: string;
  private readonly lineBreak: string;
  /** The lines of broken statements. */
  private readonly frozen: readonly TextRange[];
  private frozenIndex = 0;
  private statementIndex = 0;
  /** Brackets of all kinds that are open before the next token. */
  private depth = 0;

  constructor(private readonly tree: SyntaxTree) {
    this.text = tree.text;
    this.lineBreak = lineBreakOf(tree.text);
    this.frozen = tree.broken.map((range) => ({
      start: lineStart(tree.text, range.start),
      end: lineEnd(tree.text, range.end),
    }));
  }

  place(previous: Token | undefined, next: Token | undefined, gap: Gap): Placement | undefined {
    this.countBracket(previous);
    let { start, end } = gap;
    const before = this.frozenAt(start);
    if (before !== undefined) {
      if (before.end >= end && next !== undefined) return undefined;
      start = Math.min(end, before.end);
    }
    const after = next === undefined ? undefined : this.frozenAt(next.start);
    const leaveIndent = after !== undefined && after.start <= end;
    if (leaveIndent) end = Math.max(start, after.start);
    return { start, end, newText: this.between(previous, next, gap.lineBreaks, leaveIndent) };
  }

  private between(
    previous: Token | undefined,
    next: Token | undefined,
    lineBreaks: number,
    leaveIndent: boolean,
  ): string {
    if (previous === undefined) return '';
    if (next === undefined) return this.lineBreak;
    if (lineBreaks === 0) return separator(this.text, previous, next);
    const indent = leaveIndent ? '' : this.indentOf(next);
    return (lineBreaks === 1 ? this.lineBreak : this.lineBreak + this.lineBreak) + indent;
  }

  /** Statements and the comments between them start at the margin; what goes on from a line above is indented. */
  private indentOf(next: Token): string {
    const { statements } = this.tree;
    while ((statements[this.statementIndex]?.range.end ?? Infinity) <= next.start) this.statementIndex++;
    const statement = statements[this.statementIndex];
    if (statement === undefined || next.start <= statement.range.start) return '';
    const code = next.kind === 'punctuation' ? this.text.charCodeAt(next.start) : 0;
    return '  '.repeat(isClosing(code) ? Math.max(0, this.depth - 1) : Math.max(1, this.depth));
  }

  private countBracket(token: Token | undefined): void {
    if (token?.kind !== 'punctuation') return;
    const code = this.text.charCodeAt(token.start);
    if (isOpening(code)) this.depth++;
    else if (isClosing(code)) this.depth = Math.max(0, this.depth - 1);
    // A bracket that a broken statement leaves open must not indent the rest of the file.
    if (this.depth > 0 && this.frozenAt(token.start) !== undefined) this.depth = 0;
  }

  /** The lines that are left as they are, if this offset is on one of them. Offsets come in order. */
  private frozenAt(offset: number): TextRange | undefined {
    while ((this.frozen[this.frozenIndex]?.end ?? Infinity) < offset) this.frozenIndex++;
    const frozen = this.frozen[this.frozenIndex];
    return frozen !== undefined && frozen.start <= offset ? frozen : undefined;
  }
}

const COMMA = 44;
const COLON = 58;
const OPEN_PARENTHESIS = 40;
const CLOSE_PARENTHESIS = 41;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

function isOpening(code: number): boolean {
  return code === OPEN_BRACE || code === OPEN_BRACKET || code === OPEN_PARENTHESIS;
}

function isClosing(code: number): boolean {
  return code === CLOSE_BRACE || code === CLOSE_BRACKET || code === CLOSE_PARENTHESIS;
}

/** What stands between two tokens on one line. */
function separator(text: string, previous: Token, next: Token): string {
  const left = previous.kind === 'punctuation' ? text.charCodeAt(previous.start) : 0;
  const right = next.kind === 'punctuation' ? text.charCodeAt(next.start) : 0;
  if (next.kind === 'comment') return ' ';
  if (right === COMMA || right === COLON || right === CLOSE_BRACKET || right === CLOSE_PARENTHESIS) return '';
  if (left === OPEN_BRACKET || left === OPEN_PARENTHESIS) return '';
  if (left === OPEN_BRACE && right === CLOSE_BRACE) return '';
  // A call has no blank before its parenthesis, nor the index of a dimension before its bracket.
  if (right === OPEN_PARENTHESIS && previous.kind === 'word') return '';
  if (right === OPEN_BRACKET && (previous.kind === 'string' || previous.kind === 'word')) return '';
  return ' ';
}

/** How the file ends its lines. Where ways are mixed, `\n` wins: a choice that its own result confirms. */
function lineBreakOf(text: string): string {
  let pairs = false;
  let returns = false;
  for (let offset = 0; offset < text.length; offset++) {
    const code = text.charCodeAt(offset);
    if (code === 10) return '\n';
    if (code !== 13) continue;
    returns = true;
    if (text.charCodeAt(offset + 1) !== 10) continue;
    pairs = true;
    offset++;
  }
  return pairs ? '\r\n' : returns ? '\r' : '\n';
}

function lineStart(text: string, offset: number): number {
  let start = offset;
  while (start > 0 && !isLineBreak(text.charCodeAt(start - 1))) start--;
  return start;
}

function lineEnd(text: string, offset: number): number {
  let end = offset;
  while (end < text.length && !isLineBreak(text.charCodeAt(end))) end++;
  return end;
}

function isLineBreak(code: number): boolean {
  return code === 10 || code === 13;
}
