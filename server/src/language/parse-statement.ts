/**
 * One statement from its keyword to its last part. Each function reads one kind; what is missing stays undefined and
 * is diagnosed once. Knows how statements are written, not what their names mean.
 */
import { replaceWith } from './complaints.js';
import { type Parsing, takeJoiningWord, takeNumber, takeString, takeSymbol, takeWord } from './parsing.js';
import { takeOptions, takeWordOrCall } from './parse-value.js';
import type { TextRange } from './diagnostic.js';
import { Code } from './token-buffer.js';
import type {
  CallValue,
  NumberLiteral,
  OptionList,
  Statement,
  StringLiteral,
  ToleranceStatement,
  Word,
} from './tree.js';

interface Ending {
  readonly options: OptionList | undefined;
  readonly range: TextRange;
}

/** Options may end any statement; which of them are allowed is checked later. Nothing may follow. */
function takeEnd(parsing: Parsing, keyword: Word): Ending {
  const { cursor } = parsing;
  const options = takeOptions(parsing);
  if (!parsing.isLost() && !cursor.atEnd) {
    const end = cursor.previousEnd;
    const tail = { start: cursor.range.start, end: cursor.range.end };
    const fixes =
      cursor.at(',') || cursor.at(':') ? [replaceWith({ start: end, end: tail.end }, '', 'Remove it')] : [];
    parsing.fail(tail, 'The statement is complete before this. One line holds one statement.', fixes);
  }
  cursor.skipStatement();
  return { options, range: { start: keyword.range.start, end: cursor.previousEnd } };
}

/** The cursor stands behind the keyword. Undefined if it is no keyword. */
export function takeStatement(parsing: Parsing, keyword: Word): Statement | undefined {
  switch (keyword.text) {
    case 'model': {
      const path = takeString(parsing, 'the path of the model in double quotes');
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'model', keyword, options, range, path };
    }
    case 'include': {
      const path = takeString(parsing, 'the path of a fragment in double quotes');
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'include', keyword, options, range, path };
    }
    case 'input':
      return takeInput(parsing, keyword);
    case 'dim':
      return takeDimension(parsing, keyword);
    case 'target': {
      const name = takeWord(parsing, 'the name of a target');
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'target', keyword, options, range, name };
    }
    case 'objective': {
      const name = takeWord(parsing, 'the name of an objective');
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'objective', keyword, options, range, name };
    }
    case 'tolerance':
      return takeTolerance(parsing, keyword);
    case 'accumulate': {
      takeSymbol(parsing, ':');
      const value = takeNamed(parsing, '`fp32`, `fp16`, `chunked(64)` or `lanes(64)`');
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'accumulate', keyword, options, range, value };
    }
    case 'default': {
      const format = takeFormat(parsing);
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'default', keyword, options, range, format };
    }
    case 'layer': {
      const names = takeStrings(parsing, 'the name of a layer in double quotes');
      const format = takeFormat(parsing);
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'layer', keyword, options, range, names, format };
    }
    case 'layers':
      return takeLayers(parsing, keyword);
    case 'op': {
      const types = takeWords(parsing, 'an operator type');
      const format = takeFormat(parsing);
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'op', keyword, options, range, types, format };
    }
    case 'between': {
      const from = takeString(parsing, 'the name of a layer in double quotes');
      takeJoiningWord(parsing, 'and');
      const to = takeString(parsing, 'the name of a layer in double quotes');
      const format = takeFormat(parsing);
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'between', keyword, options, range, from, to, format };
    }
    default:
      return takeRareStatement(parsing, keyword);
  }
}

function takeRareStatement(parsing: Parsing, keyword: Word): Statement | undefined {
  switch (keyword.text) {
    case 'latency': {
      takeJoiningWord(parsing, 'from');
      const file = takeString(parsing, 'the path of a profile in double quotes');
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'latency', keyword, options, range, file };
    }
    case 'metric': {
      const name = takeWord(parsing, 'a name for the metric');
      takeJoiningWord(parsing, 'from');
      const file = takeString(parsing, 'the path of a module in double quotes');
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'metric', keyword, options, range, name, file };
    }
    case 'labels': {
      const files = takeString(parsing, 'the labels’ files in double quotes');
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'labels', keyword, options, range, files };
    }
    case 'state': {
      const input = takeString(parsing, 'the name of an input in double quotes');
      takeJoiningWord(parsing, 'from');
      const output = takeString(parsing, 'the name of an output in double quotes');
      const { options, range } = takeEnd(parsing, keyword);
      return { kind: 'state', keyword, options, range, input, output };
    }
    default:
      return undefined;
  }
}

function takeInput(parsing: Parsing, keyword: Word): Statement {
  const { cursor } = parsing;
  const name = takeString(parsing, 'the name of an input in double quotes');
  let files: StringLiteral | undefined;
  let generator: Word | CallValue | undefined;
  if (!parsing.isLost() && (cursor.at('=') || cursor.at(':'))) {
    takeSymbol(parsing, '=');
    generator = takeNamed(parsing, 'a generator such as `uniform(0, 1)`');
  } else if (!parsing.isLost() && cursor.atEnd) {
    parsing.failFor('`from` or `=`');
  } else {
    takeJoiningWord(parsing, 'from');
    files = takeString(parsing, 'the samples’ files in double quotes');
  }
  const { options, range } = takeEnd(parsing, keyword);
  return { kind: 'input', keyword, options, range, name, files, generator };
}

function takeDimension(parsing: Parsing, keyword: Word): Statement {
  const { cursor } = parsing;
  const wanted = 'the name of a dimension';
  const name = cursor.code === Code.word ? takeWord(parsing, wanted) : takeString(parsing, wanted);
  let axis: NumberLiteral | undefined;
  if (!parsing.isLost() && cursor.at('[')) {
    cursor.advance();
    axis = takeNumber(parsing, 'the index of the dimension');
    if (!parsing.isLost() && cursor.at(']')) cursor.advance();
    else if (!parsing.isLost()) parsing.failFor('`]`');
  }
  takeSymbol(parsing, '=');
  const value = takeNumber(parsing, 'the size of the dimension');
  const { options, range } = takeEnd(parsing, keyword);
  return { kind: 'dim', keyword, options, range, name, axis, value };
}

function takeTolerance(parsing: Parsing, keyword: Word): Statement {
  const { cursor } = parsing;
  const named =
    cursor.code === Code.string || cursor.code === Code.escapedString || cursor.code === Code.openString;
  const output = named ? takeString(parsing, 'the name of an output') : undefined;
  const metric = takeNamed(parsing, 'a metric such as `relative_l2`');
  const operator = takeComparison(parsing);
  const limit = takeNumber(parsing, 'a number');
  const { options, range } = takeEnd(parsing, keyword);
  return { kind: 'tolerance', keyword, options, range, output, metric, operator, limit };
}

const COMPARISONS: Readonly<Record<string, '<=' | '>='>> = {
  '<=': '<=',
  '>=': '>=',
  '<': '<=',
  '=<': '<=',
  '≤': '<=',
  '>': '>=',
  '=>': '>=',
  '≥': '>=',
};

function takeComparison(parsing: Parsing): ToleranceStatement['operator'] {
  if (parsing.isLost()) return undefined;
  const { cursor } = parsing;
  const { range, tokenText } = cursor;
  const text =
    cursor.code === Code.operator || cursor.code === Code.error ? COMPARISONS[tokenText] : undefined;
  if (text === undefined) {
    parsing.failFor('`<=` or `>=`');
    return undefined;
  }
  if (tokenText !== text) {
    parsing.fail(range, `A tolerance is written with \`<=\` or \`>=\`.`, [replaceWith(range, text)]);
  }
  cursor.advance();
  return { text, range };
}

function takeLayers(parsing: Parsing, keyword: Word): Statement {
  const { cursor } = parsing;
  if (cursor.atWord('matching')) {
    cursor.advance();
    const patterns = takeStrings(parsing, 'a regular expression in double quotes');
    const format = takeFormat(parsing);
    const { options, range } = takeEnd(parsing, keyword);
    return { kind: 'layers matching', keyword, options, range, patterns, format };
  }
  const globs = takeStrings(parsing, 'a pattern of layer names in double quotes');
  const format = takeFormat(parsing);
  const { options, range } = takeEnd(parsing, keyword);
  return { kind: 'layers', keyword, options, range, globs, format };
}

function takeNamed(parsing: Parsing, wanted: string): Word | CallValue | undefined {
  if (parsing.isLost()) return undefined;
  return parsing.cursor.code === Code.word ? takeWordOrCall(parsing) : takeWord(parsing, wanted);
}

function takeFormat(parsing: Parsing): Word | undefined {
  takeSymbol(parsing, ':');
  return takeWord(parsing, 'a number format such as `fp16`');
}

function takeStrings(parsing: Parsing, wanted: string): StringLiteral[] {
  const { cursor } = parsing;
  const strings: StringLiteral[] = [];
  for (;;) {
    const string = takeString(parsing, wanted);
    if (string !== undefined) strings.push(string);
    if (parsing.isLost()) return strings;
    if (cursor.at(',')) {
      cursor.advanceOverComma('string');
      continue;
    }
    if (cursor.code !== Code.string) return strings;
    const end = cursor.previousEnd;
    parsing.fail(cursor.range, 'A comma is missing before this.', [
      { title: 'Insert a comma', edits: [{ range: { start: end, end }, newText: ',' }] },
    ]);
  }
}

function takeWords(parsing: Parsing, wanted: string): Word[] {
  const { cursor } = parsing;
  const words: Word[] = [];
  for (;;) {
    const word = takeWord(parsing, wanted);
    if (word !== undefined) words.push(word);
    if (parsing.isLost() || !cursor.at(',')) return words;
    cursor.advanceOverComma('word');
  }
}
