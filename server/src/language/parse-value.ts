/**
 * Values and options: numbers, ranges, words, strings, lists, calls and `{ name: value, ... }`. Knows how they are
 * written; which option takes which value is the checks' business.
 */
import { type Parsing, takeNumeric, takeString, takeSymbol } from './parsing.js';
import { Code } from './token-buffer.js';
import type { CallValue, Option, OptionList, Value, Word } from './tree.js';

/** Lists and calls may stand within each other so deep: more is no plan, and must not exhaust the stack. */
const DEEPEST = 16;

/** The option whose value `inf` is a word, not the number. */
const WORDS_ONLY = 'overflow';

/** `{ name: value, ... }`, or undefined if no brace opens here. A comma may stand before the closing brace. */
export function takeOptions(parsing: Parsing): OptionList | undefined {
  const { cursor } = parsing;
  if (parsing.isLost() || !cursor.at('{')) return undefined;
  const { start } = cursor.range;
  const options: Option[] = [];
  cursor.openBrace();
  while (!cursor.at('}')) {
    const option = takeOption(parsing);
    if (option !== undefined) options.push(option);
    if (parsing.isLost()) break;
    if (cursor.at(',')) {
      cursor.advanceOverComma('value');
      continue;
    }
    if (cursor.at('}')) break;
    if (cursor.code !== Code.word) {
      failForBrace(parsing);
      break;
    }
    const end = cursor.previousEnd;
    parsing.fail(cursor.range, 'A comma is missing before this.', [
      { title: 'Insert a comma', edits: [{ range: { start: end, end }, newText: ',' }] },
    ]);
  }
  if (!parsing.isLost()) cursor.closeBrace();
  return { options, range: { start, end: cursor.previousEnd } };
}

function failForBrace(parsing: Parsing): void {
  const end = parsing.cursor.previousEnd;
  const insert = { title: 'Insert `}`', edits: [{ range: { start: end, end }, newText: ' }' }] };
  parsing.failFor('`}`', parsing.cursor.atEnd ? [insert] : []);
}

function takeOption(parsing: Parsing): Option | undefined {
  const { cursor } = parsing;
  if (cursor.atEnd) {
    failForBrace(parsing);
    return undefined;
  }
  if (cursor.code !== Code.word) {
    parsing.failFor('the name of an option');
    return undefined;
  }
  const name: Word = { kind: 'word', text: cursor.tokenText, range: cursor.range };
  cursor.advance();
  takeSymbol(parsing, ':');
  const value = takeValue(parsing, 'a value', { infinityIsWord: name.text === WORDS_ONLY });
  return {
    name,
    value,
    range: { start: name.range.start, end: value?.range.end ?? cursor.previousEnd },
  };
}

interface ValueSetting {
  readonly infinityIsWord?: boolean;
  readonly depth?: number;
}

export function takeValue(parsing: Parsing, wanted: string, setting: ValueSetting = {}): Value | undefined {
  if (parsing.isLost()) return undefined;
  const { cursor } = parsing;
  switch (cursor.code) {
    case Code.string:
    case Code.escapedString:
    case Code.openString:
      return takeString(parsing, wanted);
    case Code.error:
      // Only single quotes show that a string is meant.
      if (cursor.tokenText.startsWith("'")) return takeString(parsing, wanted);
      break;
    case Code.number:
      return takeNumeric(parsing);
    case Code.word:
      if (cursor.tokenText === 'inf' && setting.infinityIsWord !== true) return takeNumeric(parsing);
      return takeWordOrCall(parsing, setting.depth ?? 0);
    default:
      if (cursor.at('[')) return takeList(parsing, setting.depth ?? 0);
  }
  parsing.failFor(wanted);
  return undefined;
}

/** `zeros`, `pck(0.05)`, `torso(11, 12, 23, 24)`; the cursor stands on a word. */
export function takeWordOrCall(parsing: Parsing, depth = 0): Word | CallValue {
  const { cursor } = parsing;
  const name: Word = { kind: 'word', text: cursor.tokenText, range: cursor.range };
  cursor.advance();
  if (!cursor.at('(')) return name;
  const items = takeItems(parsing, ')', depth);
  return { kind: 'call', name, items, range: { start: name.range.start, end: cursor.previousEnd } };
}

function takeList(parsing: Parsing, depth: number): Value {
  const { start } = parsing.cursor.range;
  const items = takeItems(parsing, ']', depth);
  return { kind: 'list', items, range: { start, end: parsing.cursor.previousEnd } };
}

/** From the opening bracket under the cursor to the closing one. */
function takeItems(parsing: Parsing, close: ')' | ']', depth: number): Value[] {
  const { cursor } = parsing;
  const items: Value[] = [];
  if (depth >= DEEPEST) {
    parsing.fail(cursor.range, 'Lists and calls do not stand so deep within each other.');
    parsing.markLost();
    return items;
  }
  cursor.advance();
  while (!cursor.at(close) || items.length > 0) {
    const item = takeValue(parsing, items.length === 0 ? `a value or \`${close}\`` : 'a value', {
      depth: depth + 1,
    });
    if (item !== undefined) items.push(item);
    if (parsing.isLost()) return items;
    if (!cursor.at(',')) break;
    cursor.advanceOverComma('value');
  }
  if (!cursor.at(close)) {
    const end = cursor.previousEnd;
    parsing.failFor(`\`,\` or \`${close}\``, [
      { title: `Insert \`${close}\``, edits: [{ range: { start: end, end }, newText: close }] },
    ]);
    return items;
  }
  cursor.advance();
  return items;
}
