/**
 * What may stand at a cursor, by the tokens of the statement before it, and which text an insertion replaces. Works on
 * statements that are half typed. Knows the grammar and the vocabulary, no model.
 */
import {
  DECISION_OPTIONS,
  INPUT_FILE_OPTIONS,
  INPUT_GENERATOR_OPTIONS,
  LATENCY_OPTIONS,
  METRICS,
  optionsOfTarget,
  type OptionTerm,
  parse,
  STATEMENTS,
  type SyntaxTree,
  type TextRange,
  TOLERANCE_OPTIONS,
  type ValueShape,
} from '../language/index.js';
import { statementBefore } from './parts.js';

export type Wanted =
  | { readonly kind: 'statement' | 'operator' | 'format' | 'target' | 'objective' | 'metric' | 'generator' }
  | { readonly kind: 'layer' | 'glob' | 'input' | 'output' | 'dimension' | 'accumulation' }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'path'; readonly extensions: readonly string[] }
  | { readonly kind: 'option'; readonly allowed: readonly OptionTerm[] }
  | { readonly kind: 'value'; readonly shape: ValueShape };

export interface CompletionPlace {
  readonly wanted: readonly Wanted[];
  /** Inside a string, an insertion replaces its content; elsewhere it replaces the word at the cursor. */
  readonly inString: boolean;
  readonly replaced: TextRange;
  /** What of `replaced` is before the cursor. */
  readonly typed: string;
  /** The string has no second quote that is its own. */
  readonly closesString: boolean;
  /** The strings and words of the statement before the cursor, to leave out what stands there already. */
  readonly before: readonly string[];
}

interface Piece {
  readonly kind: 'word' | 'string' | 'other';
  /** As it is written. */
  readonly text: string;
}

/** Undefined where nothing that we know of may stand: in comments and in numbers. */
export function completionPlace(tree: SyntaxTree, offset: number): CompletionPlace | undefined {
  const { text } = tree;
  const statement = statementBefore(tree, Math.max(0, offset - 1));
  const start = statement?.range.start ?? 0;
  const { pieces, partial } = readPieces(text.slice(start, offset));
  if (partial === 'comment') return undefined;
  const wanted = wantedAfter(pieces);
  const before = pieces.map((piece) => piece.text);
  if (partial?.kind === 'string') {
    const contentStart = offset - partial.text.length + 1;
    const end = closingQuote(text, offset);
    return {
      wanted,
      inString: true,
      replaced: { start: contentStart, end: end ?? offset },
      typed: text.slice(contentStart, offset),
      closesString: end === undefined,
      before,
    };
  }
  const typed = partial?.text ?? '';
  const rest = /^[\w.-]*/u.exec(text.slice(offset, offset + 200))?.[0] ?? '';
  return {
    wanted,
    inString: false,
    replaced: { start: offset - typed.length, end: offset + (typed === '' ? 0 : rest.length) },
    typed,
    closesString: false,
    before,
  };
}

/** The pieces of the last statement of a text, and the one at the end of the text that is still being written. */
function readPieces(text: string): {
  readonly pieces: readonly Piece[];
  readonly partial: Piece | 'comment' | undefined;
} {
  let pieces: Piece[] = [];
  let depth = 0;
  const { tokens } = parse(text);
  for (const [index, token] of tokens.entries()) {
    const written = text.slice(token.start, token.end);
    const isLast = index === tokens.length - 1;
    switch (token.kind) {
      case 'comment':
        if (isLast) return { pieces, partial: 'comment' };
        break;
      case 'space':
        break;
      case 'newline':
        if (depth === 0 && pieces.at(-1)?.text !== ',') pieces = [];
        break;
      case 'number':
        if (isLast) return { pieces, partial: 'comment' };
        pieces.push({ kind: 'other', text: written });
        break;
      case 'word':
      case 'string': {
        const piece: Piece = { kind: token.kind, text: written };
        if (isLast && (token.kind === 'word' || !isClosed(written))) return { pieces, partial: piece };
        pieces.push(piece);
        break;
      }
      default:
        if (written === '{') depth++;
        if (written === '}') depth = Math.max(0, depth - 1);
        pieces.push({ kind: 'other', text: written });
    }
  }
  return { pieces, partial: undefined };
}

function isClosed(string: string): boolean {
  return /^"(?:[^"\\]|\\.)*"$/su.test(string);
}

/**
 * Where the string at the cursor ends. What follows up to the next quote of the line is taken for its content only if
 * it holds no blank: otherwise that quote more likely opens another string.
 */
function closingQuote(text: string, offset: number): number | undefined {
  for (let at = offset; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') return at;
    if (character === '\\') at++;
    else if (/\s/u.test(character)) return undefined;
  }
  return undefined;
}

const FORMAT: Wanted = { kind: 'format' };

function words(...list: string[]): readonly Wanted[] {
  return [{ kind: 'words', words: list }];
}

function path(...extensions: string[]): readonly Wanted[] {
  return [{ kind: 'path', extensions }];
}

const SAMPLE_FILES = ['.npy', '.npz', '.pb', '.png', '.jpg', '.jpeg'];

function wantedAfter(pieces: readonly Piece[]): readonly Wanted[] {
  const [keyword, ...rest] = pieces;
  if (keyword === undefined) return [{ kind: 'statement' }];
  const brace = openBrace(pieces);
  if (brace >= 0) return wantedInOptions(pieces, brace);
  const last = rest.at(-1);
  const first = rest.length === 0;
  switch (keyword.text) {
    case 'model':
      return first ? path('.onnx') : [];
    case 'include':
      return first ? path('.precision') : [];
    case 'labels':
      return first ? path(...SAMPLE_FILES) : [];
    case 'input':
      if (first) return [{ kind: 'input' }];
      if (rest.length === 1) return words('from', '=');
      return rest.length > 2 ? [] : last?.text === 'from' ? path(...SAMPLE_FILES) : [{ kind: 'generator' }];
    case 'dim':
      return first ? [{ kind: 'dimension' }] : [];
    case 'target':
      return first ? [{ kind: 'target' }] : [];
    case 'objective':
      return first ? [{ kind: 'objective' }] : [];
    case 'tolerance':
      return wantedInTolerance(rest);
    case 'accumulate':
      return last?.text === ':' ? [{ kind: 'accumulation' }] : [];
    case 'default':
      return last?.text === ':' ? [FORMAT] : [];
    case 'layer':
      return wantedInList(rest, [{ kind: 'layer' }]);
    case 'layers':
      if (first) return [{ kind: 'glob' }, ...words('matching')];
      return rest[0]?.text === 'matching'
        ? wantedInList(rest.slice(1), [])
        : wantedInList(rest, [{ kind: 'glob' }]);
    case 'op':
      return wantedInList(rest, [{ kind: 'operator' }]);
    case 'between':
      if (last?.text === ':') return [FORMAT];
      if (rest.length === 1) return words('and');
      return first || last?.text === 'and' ? [{ kind: 'layer' }] : [];
    case 'latency':
      return first ? words('from') : last?.text === 'from' ? path('.json') : [];
    case 'metric':
      return rest.length === 1 ? words('from') : last?.text === 'from' ? path('.mjs') : [];
    case 'state':
      if (first) return [{ kind: 'input' }];
      return rest.length === 1 ? words('from') : last?.text === 'from' ? [{ kind: 'output' }] : [];
    default:
      return [];
  }
}

/** `item, item: FORMAT` */
function wantedInList(rest: readonly Piece[], item: readonly Wanted[]): readonly Wanted[] {
  const last = rest.at(-1)?.text;
  if (last === ':') return [FORMAT];
  return last === undefined || last === ',' ? item : [];
}

function wantedInTolerance(rest: readonly Piece[]): readonly Wanted[] {
  if (rest.length === 0) return [{ kind: 'output' }, { kind: 'metric' }];
  const afterName = rest[0]?.kind === 'string' ? rest.slice(1) : rest;
  if (afterName.length === 0) return [{ kind: 'metric' }];
  const metric = METRICS.find(({ name }) => name === afterName[0]?.text);
  const isComplete = afterName.length === 1 ? metric?.threshold === false : afterName.at(-1)?.text === ')';
  return metric !== undefined && isComplete ? words(metric.operator) : [];
}

/** The index of the brace that is open at the end; -1 if none is. */
function openBrace(pieces: readonly Piece[]): number {
  const opened = pieces.findLastIndex(({ text }) => text === '{');
  return pieces.findLastIndex(({ text }) => text === '}') < opened ? opened : -1;
}

function wantedInOptions(pieces: readonly Piece[], brace: number): readonly Wanted[] {
  const inside = pieces.slice(brace + 1);
  const used: string[] = [];
  let depth = 0;
  let current: Piece[] = [];
  for (const piece of inside) {
    if ('(['.includes(piece.text)) depth++;
    if (')]'.includes(piece.text)) depth--;
    if (piece.text === ',' && depth === 0) current = [];
    else current.push(piece);
    if (piece.text === ':' && current.length === 2) used.push(current[0]?.text ?? '');
  }
  const known = optionsAllowed(pieces.slice(0, brace));
  if (current.length === 0) {
    return [{ kind: 'option', allowed: known.filter(({ name }) => !used.includes(name)) }];
  }
  const shape = known.find(({ name }) => name === current[0]?.text)?.value;
  return shape !== undefined && current.length === 2 && current[1]?.text === ':'
    ? [{ kind: 'value', shape }]
    : [];
}

/** The options of a statement, by what stands before its brace. */
function optionsAllowed(head: readonly Piece[]): readonly OptionTerm[] {
  switch (head[0]?.text) {
    case 'input':
      if (head.some(({ text }) => text === '=')) return INPUT_GENERATOR_OPTIONS;
      return INPUT_FILE_OPTIONS;
    case 'target':
      return optionsOfTarget(head[1]?.text);
    case 'latency':
      return LATENCY_OPTIONS;
    case 'tolerance': {
      const metric = METRICS.find(({ name }) =>
        head.some(({ kind, text }) => kind === 'word' && text === name),
      );
      return [...TOLERANCE_OPTIONS, ...(metric?.options ?? [])];
    }
    default: {
      const decides = STATEMENTS.some(
        ({ keyword, options }) => keyword === head[0]?.text && options === DECISION_OPTIONS,
      );
      return decides ? DECISION_OPTIONS : [];
    }
  }
}
