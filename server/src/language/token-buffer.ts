/**
 * The tokens of one text in two flat arrays, and their typed view. A token ends where the next one starts, so the
 * tokens cover the text by construction. Knows no grammar.
 */
import type { Pausing } from './pausing.js';
import type { Token, TokenKind } from './tree.js';

/** Tokens that are made in one step. */
const TOKENS_PER_STEP = 1024;

/** What the lexer tells apart; finer than `TokenKind` where the parser can save work by it. */
export const Code = {
  word: 0,
  /** A string without escapes or control characters: its value is what stands between the quotes. */
  string: 1,
  escapedString: 2,
  /** A string that the line ends before its second quote. */
  openString: 3,
  /** Anything that begins like a number, `0..32` and `2^-3` included; classified by the parser. */
  number: 4,
  punctuation: 5,
  operator: 6,
  comment: 7,
  space: 8,
  newline: 9,
  error: 10,
  /** What stands after the last token. */
  end: 11,
} as const;

export type Code = (typeof Code)[keyof typeof Code];

const KINDS: readonly TokenKind[] = [
  'word',
  'string',
  'string',
  'string',
  'number',
  'punctuation',
  'operator',
  'comment',
  'space',
  'newline',
  'error',
];

export class TokenBuffer {
  count = 0;
  private codes: Uint8Array;
  private starts: Int32Array;

  constructor(private readonly textLength: number) {
    const capacity = Math.max(64, textLength >> 2);
    this.codes = new Uint8Array(capacity);
    this.starts = new Int32Array(capacity);
  }

  push(code: Code, start: number): void {
    if (this.count === this.codes.length) this.grow();
    this.codes[this.count] = code;
    this.starts[this.count] = start;
    this.count++;
  }

  code(index: number): number {
    return index < this.count ? (this.codes[index] ?? Code.end) : Code.end;
  }

  start(index: number): number {
    return index < this.count ? (this.starts[index] ?? this.textLength) : this.textLength;
  }

  end(index: number): number {
    return this.start(index + 1);
  }

  *toTokensSteps(): Pausing<Token[]> {
    const tokens: Token[] = [];
    while (tokens.length < this.count) {
      this.addTokens(tokens, Math.min(this.count, tokens.length + TOKENS_PER_STEP));
      yield;
    }
    return tokens;
  }

  private addTokens(tokens: Token[], end: number): void {
    for (let index = tokens.length; index < end; index++) {
      tokens.push({
        kind: KINDS[this.code(index)] ?? 'error',
        start: this.start(index),
        end: this.end(index),
      });
    }
  }

  private grow(): void {
    const codes = new Uint8Array(this.codes.length * 2);
    const starts = new Int32Array(this.starts.length * 2);
    codes.set(this.codes);
    starts.set(this.starts);
    this.codes = codes;
    this.starts = starts;
  }
}
