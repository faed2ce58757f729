/**
 * The pieces of a statement that mean something by themselves, with what each of them is: the one place that hover,
 * definition, links, colours and selections look them up in. Knows the tree only.
 */
import {
  FORMATS,
  type Statement,
  type StringLiteral,
  type SyntaxTree,
  type TextRange,
  type Value,
  type Word,
} from '../language/index.js';

export type PartRole =
  | 'keyword'
  | 'layer'
  | 'glob'
  | 'expression'
  | 'operator'
  | 'format'
  | 'option'
  | 'choice'
  | 'number'
  | 'text'
  | 'metric'
  | 'generator'
  | 'target'
  | 'objective'
  | 'input'
  | 'output'
  | 'dimension'
  | 'model path'
  | 'fragment path'
  | 'file path';

export interface Part {
  readonly role: PartRole;
  /** Quotes included. */
  readonly range: TextRange;
  /** A word or a number as it is written; the value of a string. */
  readonly text: string;
  readonly statement: Statement;
  /** The name of the option that the part belongs to, if it is in braces. */
  readonly option: string | undefined;
}

/** The last statement that begins at or before an offset. */
export function statementBefore(tree: SyntaxTree, offset: number): Statement | undefined {
  const { statements } = tree;
  let low = 0;
  let high = statements.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((statements[middle]?.range.start ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return statements[low - 1];
}

/** The statement that holds an offset; one that ends there holds it too. */
export function statementAt(tree: SyntaxTree, offset: number): Statement | undefined {
  const statement = statementBefore(tree, offset);
  return statement !== undefined && offset <= statement.range.end ? statement : undefined;
}

/** The part that holds an offset; one that ends there holds it too, unless another begins there. */
export function partAt(tree: SyntaxTree, offset: number): Part | undefined {
  const statement = statementAt(tree, offset);
  if (statement === undefined) return undefined;
  return partsOf(statement).findLast(({ range }) => range.start <= offset && offset <= range.end);
}

/** The parts of a statement in the order of the text. What the parser could not make sense of has none. */
export function partsOf(statement: Statement): readonly Part[] {
  const parts: Part[] = [];
  const add = (role: PartRole, range: TextRange, text: string, option?: string): void => {
    parts.push({ role, range, text, statement, option });
  };
  const word = (role: PartRole, found: Word | undefined): void => {
    if (found !== undefined) add(role, found.range, found.text);
  };
  const string = (role: PartRole, found: StringLiteral | undefined): void => {
    if (found !== undefined) add(role, found.range, found.value);
  };
  const value = (role: PartRole, found: Value | undefined, option?: string): void => {
    switch (found?.kind) {
      case undefined:
        return;
      case 'word':
        add(role === 'choice' && isFormat(found.text) ? 'format' : role, found.range, found.text, option);
        return;
      case 'string':
        add('text', found.range, found.value, option);
        return;
      case 'number':
        add('number', found.range, found.text, option);
        return;
      case 'range':
        add('number', found.range, `${found.first}..${found.last}`, option);
        return;
      case 'call':
        add(role, found.name.range, found.name.text, option);
        for (const item of found.items) value('choice', item, option);
        return;
      case 'list':
        for (const item of found.items) value('choice', item, option);
    }
  };

  if (statement.kind !== 'unknown') word('keyword', statement.keyword);
  switch (statement.kind) {
    case 'model':
      string('model path', statement.path);
      break;
    case 'include':
      string('fragment path', statement.path);
      break;
    case 'input':
      string('input', statement.name);
      string('file path', statement.files);
      value('generator', statement.generator);
      break;
    case 'dim':
      if (statement.axis !== undefined && statement.name?.kind === 'string') string('input', statement.name);
      else if (statement.name?.kind === 'string') string('dimension', statement.name);
      else word('dimension', statement.name);
      value('number', statement.axis);
      value('number', statement.value);
      break;
    case 'target':
      word('target', statement.name);
      break;
    case 'objective':
      word('objective', statement.name);
      break;
    case 'tolerance':
      string('output', statement.output);
      value('metric', statement.metric);
      value('number', statement.limit);
      break;
    case 'accumulate':
      value('choice', statement.value);
      break;
    case 'layer':
      for (const name of statement.names) string('layer', name);
      break;
    case 'layers':
      for (const glob of statement.globs) string('glob', glob);
      break;
    case 'layers matching':
      for (const pattern of statement.patterns) string('expression', pattern);
      break;
    case 'op':
      for (const type of statement.types) word('operator', type);
      break;
    case 'between':
      string('layer', statement.from);
      string('layer', statement.to);
      break;
    case 'latency':
      string('file path', statement.file);
      break;
    case 'metric':
      word('metric', statement.name);
      string('file path', statement.file);
      break;
    case 'labels':
      string('file path', statement.files);
      break;
    case 'state':
      string('input', statement.input);
      string('output', statement.output);
      break;
    case 'default':
    case 'unknown':
  }
  if ('format' in statement) word('format', statement.format);
  for (const option of statement.options?.options ?? []) {
    add('option', option.name.range, option.name.text, option.name.text);
    value('choice', option.value, option.name.text);
  }
  return parts;
}

function isFormat(word: string): boolean {
  return FORMATS.some(({ name }) => name === word);
}
