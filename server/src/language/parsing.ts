/**
 * What every parsing function shares: the cursor, the complaints, and how a statement fails. At most one syntax error
 * per statement is reported, the first; after one that leaves nothing to hold on to, the functions that take a piece
 * take nothing more. Pieces that are missing stay absent; they are never invented.
 */
import { type Complaints, excerpt, replaceWith } from './complaints.js';
import { Cursor } from './cursor.js';
import type { Fix, TextRange } from './diagnostic.js';
import { numberValue, stringValue } from './literals.js';
import { isWord, quote } from './print.js';
import { Code, type TokenBuffer } from './token-buffer.js';
import type { NumberLiteral, RangeLiteral, StringLiteral, Word } from './tree.js';
import { JOINING_WORDS } from './vocabulary.js';

export class Parsing {
  readonly cursor: Cursor;
  private broken = false;
  private lost = false;

  constructor(
    text: string,
    tokens: TokenBuffer,
    readonly complaints: Complaints,
  ) {
    this.cursor = new Cursor(text, tokens);
  }

  beginStatement(): void {
    this.broken = false;
    this.lost = false;
  }

  /** Whether the statement has a syntax error. */
  isBroken(): boolean {
    return this.broken;
  }

  /** Whether the rest of the statement cannot be read. */
  isLost(): boolean {
    return this.lost;
  }

  /** For an error that has a diagnostic of its own. */
  markBroken(): void {
    this.broken = true;
  }

  markLost(): void {
    this.lost = true;
  }

  /** A syntax error after which the statement reads on. */
  fail(range: TextRange, message: string, fixes: readonly Fix[] = []): void {
    if (!this.broken) this.complaints.error('syntax', range, () => ({ message, fixes }));
    this.broken = true;
  }

  /** A syntax error that ends the reading: `wanted` ("a name in double quotes") does not stand here. */
  failFor(wanted: string, fixes: readonly Fix[] = []): void {
    const { cursor } = this;
    if (!this.broken) {
      const what = wanted.charAt(0).toUpperCase() + wanted.slice(1);
      if (cursor.atEnd) this.fail(cursor.previousRange, `${what} is missing after this.`, fixes);
      else this.fail(cursor.range, `${what} belongs here, not \`${excerpt(cursor.tokenText)}\`.`, fixes);
    }
    this.lost = true;
  }
}

/** A string; text without quotes or in single quotes is taken for one, and diagnosed. */
export function takeString(parsing: Parsing, wanted: string): StringLiteral | undefined {
  if (parsing.isLost()) return undefined;
  const { cursor } = parsing;
  const { code, range } = cursor;
  if (code === Code.string) {
    cursor.advance();
    return { kind: 'string', value: cursor.text.slice(range.start + 1, range.end - 1), range };
  }
  if (code === Code.escapedString || code === Code.openString) {
    const known = parsing.complaints.diagnostics.length + parsing.complaints.dropped;
    if (code === Code.openString) parsing.fail(range, 'The string has no second quote before the line ends.');
    const value = stringValue(cursor.text, range, code === Code.escapedString, parsing.complaints);
    if (parsing.complaints.diagnostics.length + parsing.complaints.dropped > known) parsing.markBroken();
    cursor.advance();
    return { kind: 'string', value, range };
  }
  if (code === Code.error || (code === Code.word && !JOINING_WORDS.includes(cursor.tokenText))) {
    return takeUnquoted(parsing, wanted);
  }
  parsing.failFor(wanted);
  return undefined;
}

/** Words, numbers and stray characters without a blank between them. */
function takeUnquoted(parsing: Parsing, wanted: string): StringLiteral | undefined {
  const { cursor } = parsing;
  const { start } = cursor.range;
  const { text } = cursor;
  const first = cursor.tokenText;
  const single = first.length > 1 && first.startsWith("'") && first.endsWith("'");
  if (!single && !/[\p{L}\p{N}_./*?\\~-]/u.test(first.charAt(0))) {
    parsing.failFor(wanted);
    return undefined;
  }
  let { end } = cursor.range;
  cursor.advance();
  while (!single && cursor.range.start === end && isBare(cursor.code)) {
    end = cursor.range.end;
    cursor.advance();
  }
  const range = { start, end };
  const value = single ? first.slice(1, -1) : text.slice(start, end);
  parsing.fail(range, 'A string stands in double quotes.', [
    replaceWith(range, quote(value), 'Put it in double quotes'),
  ]);
  return { kind: 'string', value, range };
}

function isBare(code: number): boolean {
  return code === Code.word || code === Code.number || code === Code.error;
}

/** A word; the same word in quotes is taken for one, and diagnosed. */
export function takeWord(parsing: Parsing, wanted: string): Word | undefined {
  if (parsing.isLost()) return undefined;
  const { cursor } = parsing;
  const { code, range, tokenText } = cursor;
  if (code === Code.word) {
    cursor.advance();
    return { kind: 'word', text: tokenText, range };
  }
  const inner = tokenText.slice(1, -1);
  if (code === Code.string && isWord(inner)) {
    parsing.fail(range, `No quotes stand here: this is a word.`, [
      replaceWith(range, inner, 'Remove the quotes'),
    ]);
    cursor.advance();
    return { kind: 'word', text: inner, range };
  }
  parsing.failFor(wanted);
  return undefined;
}

/** A number, `inf` included. */
export function takeNumber(parsing: Parsing, wanted: string): NumberLiteral | undefined {
  if (parsing.isLost()) return undefined;
  const { cursor } = parsing;
  if (cursor.atWord('inf') || cursor.code === Code.number) {
    const literal = takeNumeric(parsing);
    if (literal.kind === 'number') return literal;
    parsing.complaints.error('number', literal.range, () => ({
      message: 'One number belongs here, not a range.',
    }));
    return {
      kind: 'number',
      value: Number.NaN,
      text: cursor.text.slice(literal.range.start, literal.range.end),
      range: literal.range,
    };
  }
  parsing.failFor(wanted);
  return undefined;
}

/** The number, range or `inf` under the cursor. */
export function takeNumeric(parsing: Parsing): NumberLiteral | RangeLiteral {
  const { cursor } = parsing;
  const { range, tokenText: text } = cursor;
  const literal: NumberLiteral | RangeLiteral =
    text === 'inf'
      ? { kind: 'number', value: Number.POSITIVE_INFINITY, text, range }
      : numberValue(text, range, parsing.complaints);
  cursor.advance();
  return literal;
}

/** What people write where the language has `:` or `=`. */
const CONFUSED: Readonly<Record<string, string>> = { ':': '=', '=': ':' };

/** `:` or `=`; where it is missing or mistaken for the other and something follows, the reading goes on. */
export function takeSymbol(parsing: Parsing, symbol: ':' | '='): void {
  if (parsing.isLost()) return;
  const { cursor } = parsing;
  if (cursor.at(symbol)) {
    cursor.advance();
    return;
  }
  const confused = CONFUSED[symbol] ?? '';
  if (cursor.at(confused)) {
    parsing.fail(cursor.range, `\`${symbol}\` belongs here, not \`${confused}\`.`, [
      replaceWith(cursor.range, symbol),
    ]);
    cursor.advance();
    return;
  }
  const end = cursor.previousEnd;
  const fixes = [
    {
      title: `Insert \`${symbol}\``,
      edits: [{ range: { start: end, end }, newText: symbol === ':' ? ':' : ' =' }],
    },
  ];
  if (cursor.code > Code.number) {
    parsing.failFor(`\`${symbol}\``, cursor.atEnd ? fixes : []);
    return;
  }
  parsing.fail(cursor.range, `\`${symbol}\` is missing before this.`, fixes);
}

/** A joining word such as `from`; another word in its place is read as it, if a string follows. */
export function takeJoiningWord(parsing: Parsing, word: string): void {
  if (parsing.isLost()) return;
  const { cursor } = parsing;
  if (cursor.atWord(word)) {
    cursor.advance();
    return;
  }
  const { range } = cursor;
  if (cursor.code === Code.word) {
    parsing.fail(range, `\`${word}\` belongs here, not \`${excerpt(cursor.tokenText)}\`.`, [
      replaceWith(range, word),
    ]);
    cursor.advance();
    return;
  }
  if (cursor.code === Code.string || cursor.code === Code.escapedString) {
    const at = { start: range.start, end: range.start };
    parsing.fail(range, `\`${word}\` is missing before this.`, [
      { title: `Insert \`${word}\``, edits: [{ range: at, newText: `${word} ` }] },
    ]);
    return;
  }
  parsing.failFor(`\`${word}\``);
}
