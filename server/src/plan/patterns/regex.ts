/**
 * The regular expressions of `layers matching`: ECMAScript with the flag u, anchored at both ends, turned into
 * an automaton that no pattern can make slow. What needs memory (back-references) or a second look (look-around)
 * has no automaton and is named as such. Knows nothing of layers.
 */
import { compilePattern, type Automaton, type Pattern } from './automaton.js';

export type CompiledRegex =
  | { readonly kind: 'automaton'; readonly automaton: Automaton }
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'unsupported'; readonly what: string };

/** The matcher of a regular expression. The engine of the platform checks the syntax and never matches a name. */
export function compileRegex(source: string): CompiledRegex {
  try {
    new RegExp(source, 'u');
  } catch (error) {
    return { kind: 'invalid', message: error instanceof Error ? error.message : String(error) };
  }
  const reader: Reader = { source, position: 0, unsupported: undefined };
  const pattern = readChoice(reader);
  if (reader.unsupported !== undefined) {
    return { kind: 'unsupported', what: reader.unsupported };
  }
  const automaton = compilePattern(pattern);
  return automaton
    ? { kind: 'automaton', automaton }
    : { kind: 'unsupported', what: 'so large a repetition' };
}

interface Reader {
  /** Valid ECMAScript: the functions below rely on it. */
  readonly source: string;
  position: number;
  unsupported: string | undefined;
}

function readChoice(reader: Reader): Pattern {
  const items = [readSequence(reader)];
  while (reader.source[reader.position] === '|') {
    reader.position += 1;
    items.push(readSequence(reader));
  }
  return items.length === 1 && items[0] ? items[0] : { kind: 'choice', items };
}

function readSequence(reader: Reader): Pattern {
  const items: Pattern[] = [];
  while (reader.position < reader.source.length && reader.unsupported === undefined) {
    const character = reader.source[reader.position];
    if (character === '|' || character === ')') {
      break;
    }
    items.push(readQuantified(reader, readAtom(reader)));
  }
  return { kind: 'sequence', items };
}

function readQuantified(reader: Reader, item: Pattern): Pattern {
  const match = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/u.exec(
    reader.source.slice(reader.position, reader.position + 40),
  );
  if (!match) {
    return item;
  }
  reader.position += match[0].length;
  if (reader.source[reader.position] === '?') {
    // Whether a repetition is greedy makes no difference to whether a whole name matches.
    reader.position += 1;
  }
  switch (match[0]) {
    case '*':
      return { kind: 'repeat', item, min: 0, max: Infinity };
    case '+':
      return { kind: 'repeat', item, min: 1, max: Infinity };
    case '?':
      return { kind: 'repeat', item, min: 0, max: 1 };
    default: {
      const min = Number(match[1]);
      const max = match[2] === '' ? min : match[3] === '' ? Infinity : Number(match[3]);
      return { kind: 'repeat', item, min, max };
    }
  }
}

function readAtom(reader: Reader): Pattern {
  const { source, position } = reader;
  const character = String.fromCodePoint(source.codePointAt(position) ?? 0);
  switch (character) {
    case '^':
      reader.position += 1;
      return { kind: 'assert', holds: (before) => before === undefined };
    case '$':
      reader.position += 1;
      return { kind: 'assert', holds: (_before, after) => after === undefined };
    case '(':
      return readGroup(reader);
    case '[': {
      let end = position + 1;
      while (end < source.length && source[end] !== ']') {
        end += source[end] === '\\' ? 2 : 1;
      }
      return readCharacter(reader, end + 1 - position);
    }
    case '\\':
      return readEscape(reader);
    case '.':
      return readCharacter(reader, 1);
    default: {
      const code = character.codePointAt(0);
      reader.position += character.length;
      return { kind: 'test', test: (candidate) => candidate === code };
    }
  }
}

function readGroup(reader: Reader): Pattern {
  const opening = /^\((?:\?:|\?<[^=!>][^>]*>|(?!\?))/u.exec(reader.source.slice(reader.position));
  if (!opening) {
    reader.unsupported = 'look-around and flags inside a group';
    return { kind: 'sequence', items: [] };
  }
  reader.position += opening[0].length;
  const inner = readChoice(reader);
  reader.position += 1;
  return inner;
}

const ESCAPE =
  /^\\(?:u\{[^}]*\}|u[Dd][89ABab][\dA-Fa-f]{2}\\u[Dd][C-Fc-f][\dA-Fa-f]{2}|u[\dA-Fa-f]{4}|x[\dA-Fa-f]{2}|c.|[pP]\{[^}]*\}|.)/u;

function readEscape(reader: Reader): Pattern {
  const rest = reader.source.slice(reader.position);
  const escaped = rest[1] ?? '';
  if (/[1-9k]/.test(escaped)) {
    reader.unsupported = 'a back-reference';
    return { kind: 'sequence', items: [] };
  }
  if (escaped === 'b' || escaped === 'B') {
    reader.position += 2;
    const wanted = escaped === 'b';
    return { kind: 'assert', holds: (before, after) => (isWord(before) !== isWord(after)) === wanted };
  }
  return readCharacter(reader, ESCAPE.exec(rest)?.[0].length ?? 2);
}

function isWord(code: number | undefined): boolean {
  return code !== undefined && /\w/.test(String.fromCodePoint(code));
}

/** One code point, told by the platform's engine from the `length` units of source that describe it. */
function readCharacter(reader: Reader, length: number): Pattern {
  const single = new RegExp(`^(?:${reader.source.slice(reader.position, reader.position + length)})$`, 'u');
  reader.position += length;
  const known = new Map<number, boolean>();
  return {
    kind: 'test',
    test: (code) => {
      let result = known.get(code);
      if (result === undefined) {
        result = single.test(String.fromCodePoint(code));
        known.set(code, result);
      }
      return result;
    },
  };
}
