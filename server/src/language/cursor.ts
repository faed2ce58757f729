/**
 * Walks the tokens of a text: steps over blanks and comments, and decides where a line break ends a statement and
 * where it may stand. Never goes back, so that parsing takes as many steps as there are tokens. Knows which words
 * begin a statement, but no statement.
 */
import type { TextRange } from './diagnostic.js';
import { Code, type TokenBuffer } from './token-buffer.js';
import { STATEMENT_KEYWORDS } from './vocabulary.js';

const KEYWORDS: ReadonlySet<string> = new Set(STATEMENT_KEYWORDS);
const LONGEST_KEYWORD = Math.max(...STATEMENT_KEYWORDS.map((keyword) => keyword.length));

/** What may stand on the next line after a comma. */
export type Continuation = 'string' | 'word' | 'value';

export class Cursor {
  /** The token under the cursor: never a blank or a comment. */
  index = 0;
  /** The token before it, without blanks and comments; -1 at the start. */
  previous = -1;
  /** How many braces are open: inside them a line break is a blank. */
  private braces = 0;
  /** How many tokens were looked at, as a measure of work. */
  visits = 0;

  constructor(
    readonly text: string,
    readonly tokens: TokenBuffer,
  ) {
    this.index = this.skipBlanks(0);
  }

  get code(): number {
    return this.tokens.code(this.index);
  }

  /** Whether the statement ends here: at a line break or at the end of the text. */
  get atEnd(): boolean {
    const { code } = this;
    return code === Code.newline || code === Code.end;
  }

  get range(): TextRange {
    return { start: this.tokens.start(this.index), end: this.tokens.end(this.index) };
  }

  /** The range of the last token of the statement so far. */
  get previousRange(): TextRange {
    return { start: this.tokens.start(this.previous), end: this.tokens.end(this.previous) };
  }

  get previousEnd(): number {
    return this.tokens.end(this.previous);
  }

  get tokenText(): string {
    return this.textOf(this.index);
  }

  /** Whether the token under the cursor is this punctuation or operator. */
  at(symbol: string): boolean {
    const { code } = this;
    if (code !== Code.punctuation && code !== Code.operator) return false;
    const start = this.tokens.start(this.index);
    return this.tokens.end(this.index) - start === symbol.length && this.text.startsWith(symbol, start);
  }

  atWord(word: string): boolean {
    return this.code === Code.word && this.tokenText === word;
  }

  /** To the next token. Inside braces a line break is stepped over, unless the next line begins a statement. */
  advance(): void {
    this.step();
    if (this.braces > 0 && this.code === Code.newline) this.crossLines(() => true);
  }

  /** Over a comma, and over the line break after it if what may follow the comma stands on the next line. */
  advanceOverComma(continuation: Continuation): void {
    this.advance();
    if (this.braces === 0 && this.code === Code.newline) {
      this.crossLines((next) => canContinue(this.tokens.code(next), continuation));
    }
  }

  openBrace(): void {
    this.braces++;
    this.advance();
  }

  closeBrace(): void {
    this.braces--;
    this.advance();
  }

  /** To the end of a statement that cannot be read further: of its line, or of the lines that clearly belong to it. */
  skipStatement(): void {
    while (!this.atEnd) {
      if (this.at('{')) this.braces++;
      else if (this.at('}')) this.braces = Math.max(0, this.braces - 1);
      const comma = this.at(',');
      const unfinished = comma || this.at(':') || this.at('{') || this.at('[') || this.at('(');
      this.step();
      if (this.code !== Code.newline || (this.braces === 0 && !comma)) continue;
      this.crossLines((next) => (unfinished ? this.isOperand(next) : this.isOptionOrBrace(next)));
    }
    this.braces = 0;
  }

  /** To the first token of the next statement; false at the end of the text. */
  toNextStatement(): boolean {
    this.braces = 0;
    while (this.code === Code.newline) this.index = this.skipBlanks(this.index + 1);
    this.previous = this.index;
    return this.code !== Code.end;
  }

  private step(): void {
    if (this.code === Code.end) return;
    this.previous = this.index;
    this.index = this.skipBlanks(this.index + 1);
  }

  private isOperand(index: number): boolean {
    const code = this.tokens.code(index);
    return code <= Code.number || (this.braces > 0 && code === Code.punctuation);
  }

  private isOptionOrBrace(index: number): boolean {
    if (this.tokens.code(index) !== Code.word) return this.text.charAt(this.tokens.start(index)) === '}';
    return this.text.charAt(this.tokens.start(this.skipBlanks(index + 1))) === ':';
  }

  /** Over line breaks, blanks and comments, if what follows may stand here and begins no statement. */
  private crossLines(accepts: (next: number) => boolean): void {
    let next = this.index;
    while (this.tokens.code(next) === Code.newline) next = this.skipBlanks(next + 1);
    if (this.tokens.code(next) !== Code.end && !this.beginsStatement(next) && accepts(next))
      this.index = next;
  }

  /** Whether the word at the start of a line begins a statement rather than going on with one. */
  private beginsStatement(index: number): boolean {
    if (this.tokens.code(index) !== Code.word) return false;
    if (this.tokens.end(index) - this.tokens.start(index) > LONGEST_KEYWORD) return false;
    const keyword = this.textOf(index);
    if (!KEYWORDS.has(keyword)) return false;
    const next = this.skipBlanks(index + 1);
    const symbol =
      this.tokens.code(next) === Code.punctuation ? this.text.charAt(this.tokens.start(next)) : '';
    if (keyword === 'accumulate') return symbol === ':' && this.braces === 0;
    if (keyword === 'default') return symbol === ':';
    return symbol === '' || symbol === '{';
  }

  private textOf(index: number): string {
    return this.text.slice(this.tokens.start(index), this.tokens.end(index));
  }

  private skipBlanks(index: number): number {
    let next = index;
    for (;;) {
      this.visits++;
      const code = this.tokens.code(next);
      if (code !== Code.space && code !== Code.comment) return next;
      next++;
    }
  }
}

function canContinue(code: number, continuation: Continuation): boolean {
  if (continuation === 'word') return code === Code.word;
  const string = code === Code.string || code === Code.escapedString || code === Code.openString;
  return string || (continuation === 'value' && code <= Code.number);
}
