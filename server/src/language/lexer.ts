/**
 * Text to tokens. Every character belongs to exactly one token, what cannot be read included; no input is refused.
 * One pass that never steps back. Knows characters only: no keyword, no grammar.
 */
import type { Pausing } from './pausing.js';
import { Code, TokenBuffer } from './token-buffer.js';

const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;
const HASH = 35;
const APOSTROPHE = 39;
const BACKSLASH = 92;
const BYTE_ORDER_MARK = 0xfeff;

/** What a character can begin, by its code. */
const Begin = {
  error: 0,
  word: 1,
  number: 2,
  space: 3,
  newline: 4,
  string: 5,
  comment: 6,
  operator: 7,
  punctuation: 8,
};

/** What may follow within a token, as bits. */
const IN_WORD = 1;
const IN_NUMBER = 2;

const begins = new Uint8Array(128);
const follows = new Uint8Array(128);
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_', Begin.word, IN_WORD | IN_NUMBER);
mark('0123456789', Begin.number, IN_WORD | IN_NUMBER);
mark('+-.', Begin.number, IN_NUMBER);
mark('/^', Begin.error, IN_NUMBER);
mark(' \t\v\f', Begin.space, 0);
mark('\n\r', Begin.newline, 0);
mark('"', Begin.string, 0);
mark('#', Begin.comment, 0);
mark('<>=', Begin.operator, 0);
mark(':,{}[]()', Begin.punctuation, 0);

function mark(characters: string, begin: number, follow: number): void {
  for (const character of characters) {
    begins[character.charCodeAt(0)] = begin;
    follows[character.charCodeAt(0)] = follow;
  }
}

function beginOf(code: number): number {
  if (code < 128) return begins[code] ?? Begin.error;
  return code === BYTE_ORDER_MARK ? Begin.space : Begin.error;
}

function canFollow(code: number, set: number): boolean {
  return code < 128 && ((follows[code] ?? 0) & set) !== 0;
}

/** Characters that are one step. */
const STEP_LENGTH = 8192;

/** The tokens of a text, without a gap. */
export function* tokenizeSteps(text: string): Pausing<TokenBuffer> {
  const tokens = new TokenBuffer(text.length);
  let offset = 0;
  while (offset < text.length) {
    offset = tokenizeFrom(text, offset, Math.min(text.length, offset + STEP_LENGTH), tokens);
    yield;
  }
  return tokens;
}

/** Reads the tokens that begin from `from` on and before `to`; gives where the last of them ends. */
function tokenizeFrom(text: string, from: number, to: number, tokens: TokenBuffer): number {
  const { length } = text;
  let offset = from;
  while (offset < to) {
    const start = offset;
    const code = text.charCodeAt(offset);
    switch (beginOf(code)) {
      case Begin.word:
        offset = wordEnd(text, offset + 1);
        tokens.push(Code.word, start);
        break;
      case Begin.number:
        offset++;
        while (offset < length && canFollow(text.charCodeAt(offset), IN_NUMBER)) offset++;
        tokens.push(Code.number, start);
        break;
      case Begin.space:
        offset++;
        while (offset < length && beginOf(text.charCodeAt(offset)) === Begin.space) offset++;
        tokens.push(Code.space, start);
        break;
      case Begin.newline:
        offset += code === RETURN && text.charCodeAt(offset + 1) === NEWLINE ? 2 : 1;
        tokens.push(Code.newline, start);
        break;
      case Begin.string:
        offset = lexString(text, start, tokens);
        break;
      case Begin.comment:
        offset = trimmedLineEnd(text, start);
        tokens.push(Code.comment, start);
        break;
      case Begin.operator:
        offset += beginOf(text.charCodeAt(offset + 1)) === Begin.operator ? 2 : 1;
        tokens.push(Code.operator, start);
        break;
      case Begin.punctuation:
        offset++;
        tokens.push(Code.punctuation, start);
        break;
      default:
        offset = errorEnd(text, start);
        tokens.push(Code.error, start);
    }
  }
  return offset;
}

/** Dots and hyphens join the parts of a word, but neither ends it: `com.microsoft.Gelu`, `batch-size`. */
function wordEnd(text: string, from: number): number {
  let offset = from;
  for (;;) {
    while (offset < text.length && canFollow(text.charCodeAt(offset), IN_WORD)) offset++;
    const joint = text.charCodeAt(offset);
    if ((joint !== 45 && joint !== 46) || !canFollow(text.charCodeAt(offset + 1), IN_WORD)) return offset;
    offset++;
  }
}

function lexString(text: string, start: number, tokens: TokenBuffer): number {
  let plain = true;
  for (let offset = start + 1; offset < text.length; offset++) {
    const code = text.charCodeAt(offset);
    if (code === QUOTE) {
      tokens.push(plain ? Code.string : Code.escapedString, start);
      return offset + 1;
    }
    if (code === NEWLINE || code === RETURN) break;
    if (code < 32) plain = false;
    if (code === BACKSLASH) {
      plain = false;
      const next = text.charCodeAt(offset + 1);
      if (next === QUOTE || next === BACKSLASH) offset++;
    }
  }
  tokens.push(Code.openString, start);
  return trimmedLineEnd(text, start);
}

/** The end of the line without the blanks before it: those stay a token of their own. At least one character. */
function trimmedLineEnd(text: string, start: number): number {
  let end = start + 1;
  for (let offset = end; offset < text.length; offset++) {
    const code = text.charCodeAt(offset);
    if (code === NEWLINE || code === RETURN) break;
    if (beginOf(code) !== Begin.space) end = offset + 1;
  }
  return end;
}

/** A text in single quotes is one error, so that it can be mended as one; else what cannot begin anything. */
function errorEnd(text: string, start: number): number {
  let offset = start + 1;
  if (text.charCodeAt(start) === APOSTROPHE) {
    for (; offset < text.length; offset++) {
      const code = text.charCodeAt(offset);
      if (code === APOSTROPHE) return offset + 1;
      if (code === NEWLINE || code === RETURN || code === HASH) break;
    }
    offset = start + 1;
  }
  while (offset < text.length) {
    const code = text.charCodeAt(offset);
    if (code === APOSTROPHE || beginOf(code) !== Begin.error) break;
    offset++;
  }
  return offset;
}
