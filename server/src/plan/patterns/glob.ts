/**
 * The globs of `layers`: `*` within one `/`-segment, `**` across segments, `?`, `{a,b}`, `[...]`, each literal
 * after a backslash. What opens and never closes is literal. None crosses the border between a node and its
 * sub-graph, written ` > `. Knows nothing of layers.
 */
import { compilePattern, type Automaton, type Pattern } from './automaton.js';

/** Stands for ` > ` in the names that are matched: no name of a model holds it. */
export const SCOPE_SEPARATOR = '\0';

export interface Glob extends Automaton {
  /** Every name that matches starts with this. */
  readonly prefix: string;
}

/** Whether a name was meant as a glob. */
export function hasGlobCharacters(text: string): boolean {
  return /[*?]|\[.+\]|\{.*,.*\}/.test(text);
}

/** The matcher of a glob; undefined where it is unreasonably long. */
export function compileGlob(text: string): Glob | undefined {
  const characters = Array.from(text);
  const reader = { characters, closedBraces: findClosedBraces(characters), position: 0 };
  const items = readSequence(reader, 0);
  const automaton = compilePattern({ kind: 'sequence', items });
  return automaton && { matches: (name) => automaton.matches(name), prefix: literalPrefix(items) };
}

interface Reader {
  readonly characters: readonly string[];
  /** Where the braces are that open and close again; found beforehand, so that nothing is read twice. */
  readonly closedBraces: ReadonlySet<number>;
  position: number;
}

interface Literal {
  readonly kind: 'test';
  readonly test: (codePoint: number) => boolean;
  readonly character: string;
}

const SLASH = codeOf('/');
const SEPARATOR = codeOf(SCOPE_SEPARATOR);
const withinSegment: Pattern = { kind: 'test', test: (code) => code !== SLASH && code !== SEPARATOR };
const withinScope: Pattern = { kind: 'test', test: (code) => code !== SEPARATOR };
const anyInSegment: Pattern = { kind: 'repeat', item: withinSegment, min: 0, max: Infinity };
const anyInScope: Pattern = { kind: 'repeat', item: withinScope, min: 0, max: Infinity };

/** Up to the end, or inside braces (`depth` > 0) up to the comma or brace that ends the alternative. */
function readSequence(reader: Reader, depth: number): Pattern[] {
  const items: Pattern[] = [];
  const { characters } = reader;
  while (reader.position < characters.length) {
    const character = characters[reader.position] ?? '';
    if (depth > 0 && (character === ',' || character === '}')) {
      break;
    }
    items.push(readPiece(reader, character, depth));
  }
  return items;
}

function readPiece(reader: Reader, character: string, depth: number): Pattern {
  const { characters } = reader;
  const start = reader.position;
  reader.position += 1;
  switch (character) {
    case '\\': {
      const escaped = characters[reader.position];
      if (escaped === undefined) {
        return literal('\\');
      }
      reader.position += 1;
      return literal(escaped);
    }
    case '*':
      return readStars(reader, start);
    case '?':
      return withinSegment;
    case '[':
      return readClass(reader);
    case '{':
      return reader.closedBraces.has(start) ? readChoice(reader, depth) : literal('{');
    case ' ':
      if (characters[start + 1] === '>' && characters[start + 2] === ' ') {
        reader.position = start + 3;
        return literal(SCOPE_SEPARATOR);
      }
      return literal(' ');
    default:
      return literal(character);
  }
}

/** `**` followed by a slash also stands for no segment at all: `a/**` + `/b` matches `a/b`. */
function readStars(reader: Reader, start: number): Pattern {
  const { characters } = reader;
  while (characters[reader.position] === '*') {
    reader.position += 1;
  }
  if (reader.position === start + 1) {
    return anyInSegment;
  }
  const before = characters[start - 1];
  const opensSegment = start === 0 || before === '/' || before === ',' || before === '{';
  if (opensSegment && characters[reader.position] === '/') {
    reader.position += 1;
    return { kind: 'repeat', item: { kind: 'sequence', items: [anyInScope, literal('/')] }, min: 0, max: 1 };
  }
  if (before === '/' && reader.position === characters.length) {
    // What lies below `a` has a name below `a`.
    return { kind: 'repeat', item: withinScope, min: 1, max: Infinity };
  }
  return anyInScope;
}

/** `[a-z]`, `[!a]`, `[^a]`; without an end the bracket is literal. */
function readClass(reader: Reader): Pattern {
  const { characters } = reader;
  const end = classEnd(characters, reader.position);
  if (end === undefined) {
    return literal('[');
  }
  let position = reader.position;
  const negated = isNegation(characters[position]);
  if (negated) {
    position += 1;
  }
  const ranges: (readonly [number, number])[] = [];
  while (position < end) {
    const [low, afterLow] = classCharacter(characters, position);
    position = afterLow;
    if (characters[position] === '-' && position + 1 < end) {
      const [high, afterHigh] = classCharacter(characters, position + 1);
      position = afterHigh;
      ranges.push([low, high]);
    } else {
      ranges.push([low, low]);
    }
  }
  reader.position = end + 1;
  const listed = (code: number): boolean => ranges.some(([low, high]) => code >= low && code <= high);
  return {
    kind: 'test',
    test: negated ? (code) => code !== SLASH && code !== SEPARATOR && !listed(code) : listed,
  };
}

/** Where the `]` of a class is whose `[` stands before `position`; one that comes first is literal. */
function classEnd(characters: readonly string[], position: number): number | undefined {
  const first = isNegation(characters[position]) ? position + 1 : position;
  for (let end = first; end < characters.length; end += characters[end] === '\\' ? 2 : 1) {
    if (characters[end] === ']' && end > first) {
      return end;
    }
  }
  return undefined;
}

function isNegation(character: string | undefined): boolean {
  return character === '!' || character === '^';
}

function classCharacter(characters: readonly string[], position: number): readonly [number, number] {
  const escaped = characters[position] === '\\' ? characters[position + 1] : undefined;
  return escaped === undefined
    ? [codeOf(characters[position] ?? ''), position + 1]
    : [codeOf(escaped), position + 2];
}

/** `{a,b}`, which may nest. */
function readChoice(reader: Reader, depth: number): Pattern {
  const items: Pattern[] = [];
  do {
    items.push({ kind: 'sequence', items: readSequence(reader, depth + 1) });
    reader.position += 1;
  } while (reader.characters[reader.position - 1] === ',');
  return { kind: 'choice', items };
}

function findClosedBraces(characters: readonly string[]): ReadonlySet<number> {
  const open: number[] = [];
  const closed = new Set<number>();
  for (let position = 0; position < characters.length; position += 1) {
    const character = characters[position];
    if (character === '\\') {
      position += 1;
    } else if (character === '[') {
      position = classEnd(characters, position + 1) ?? position;
    } else if (character === '{') {
      open.push(position);
    } else if (character === '}') {
      const start = open.pop();
      if (start !== undefined) {
        closed.add(start);
      }
    }
  }
  return closed;
}

function literal(character: string): Literal {
  const code = codeOf(character);
  return { kind: 'test', test: (candidate) => candidate === code, character };
}

function literalPrefix(items: readonly Pattern[]): string {
  let prefix = '';
  for (const item of items) {
    if (!('character' in item)) {
      break;
    }
    prefix += (item as Literal).character;
  }
  return prefix;
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
