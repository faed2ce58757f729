/**
 * Semantic tokens: what each word is, for editors without our grammar, and what only the model tells: whether a name of
 * a layer means one.
 */
import {
  type Range,
  type SemanticTokens,
  SemanticTokensBuilder,
  type SemanticTokensLegend,
} from 'vscode-languageserver';
import { JOINING_WORDS } from '../language/index.js';
import { isStep, type Model, type Steps } from '../onnx/index.js';
import { namesOf } from './model-names.js';
import type { OpenPlan } from './open-plan.js';
import { type Part, type PartRole, partsOf, statementBefore } from './parts.js';

const TYPES = [
  'keyword',
  'string',
  'number',
  'comment',
  'variable',
  'type',
  'class',
  'property',
  'function',
  'enumMember',
] as const;

/** `known` and `unknown`: the name of a layer that the model has, and of one that it has not. */
const MODIFIERS = ['known', 'unknown'] as const;

export const SEMANTIC_TOKENS_LEGEND: SemanticTokensLegend = {
  tokenTypes: [...TYPES],
  tokenModifiers: [...MODIFIERS],
};

type TokenType = (typeof TYPES)[number];

const TYPE_NUMBERS = numbered(TYPES);

const TYPE_OF_ROLE: Readonly<Record<PartRole, TokenType>> = {
  keyword: 'keyword',
  layer: 'variable',
  glob: 'string',
  expression: 'string',
  operator: 'class',
  format: 'type',
  option: 'property',
  choice: 'enumMember',
  number: 'number',
  text: 'string',
  metric: 'function',
  generator: 'function',
  target: 'enumMember',
  objective: 'enumMember',
  input: 'variable',
  output: 'variable',
  dimension: 'variable',
  'model path': 'string',
  'fragment path': 'string',
  'file path': 'string',
};

function numbered<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, index) => [name, index])) as Record<Name, number>;
}

/** @param range only the tokens of these lines; all if left out */
export function* semanticTokenSteps(
  { document, tree, model }: OpenPlan,
  range?: Range,
): Steps<SemanticTokens> {
  const from = range === undefined ? 0 : document.offsetAt({ line: range.start.line, character: 0 });
  const to =
    range === undefined ? tree.text.length : document.offsetAt({ line: range.end.line + 1, character: 0 });
  const parts = new PartsInOrder(tree, from);
  const builder = new SemanticTokensBuilder();
  let { line } = document.positionAt(from);
  let lineStart = from;
  const { text } = tree;
  const tokens = yield* tree.tokenSteps();
  const first = firstTokenFrom(tokens, from);
  for (let index = first; index < tokens.length; index++) {
    if (isStep(index - first)) yield;
    const token = tokens[index];
    if (token === undefined || token.start >= to) break;
    const { kind, start, end } = token;
    if (kind === 'newline') {
      line++;
      lineStart = end;
      continue;
    }
    if (kind === 'space') continue;
    const part = parts.at(start);
    const type = part === undefined ? typeOfToken(kind, start, end, text) : TYPE_OF_ROLE[part.role];
    if (type === undefined) continue;
    builder.push(line, start - lineStart, end - start, TYPE_NUMBERS[type], modifiersOf(part, model));
  }
  return builder.build();
}

type Tree = OpenPlan['tree'];

/** The parts of a tree by the offset that they begin at, asked for in the order of the text. */
class PartsInOrder {
  private statement: number;
  private parts: readonly Part[] = [];
  private part = 0;
  /** Where the statement ends whose parts these are. */
  private end = 0;

  constructor(
    private readonly tree: Tree,
    from: number,
  ) {
    const first = statementBefore(tree, from);
    this.statement = first === undefined ? 0 : tree.statements.indexOf(first);
  }

  at(offset: number): Part | undefined {
    while (offset >= this.end) {
      const statement = this.tree.statements[this.statement];
      if (statement === undefined || offset < statement.range.start) return undefined;
      this.statement++;
      this.parts = partsOf(statement);
      this.part = 0;
      this.end = statement.range.end;
    }
    while ((this.parts[this.part]?.range.start ?? Infinity) < offset) this.part++;
    const part = this.parts[this.part];
    return part?.range.start === offset ? part : undefined;
  }
}

function firstTokenFrom(tokens: Tree['tokens'], offset: number): number {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tokens[middle]?.start ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of a token that is no part by itself. */
function typeOfToken(
  kind: Tree['tokens'][number]['kind'],
  start: number,
  end: number,
  text: string,
): TokenType | undefined {
  switch (kind) {
    case 'word':
      return JOINING_WORDS.includes(text.slice(start, end)) ? 'keyword' : undefined;
    case 'string':
    case 'number':
    case 'comment':
      return kind;
    default:
      return undefined;
  }
}

/** Bits in the order of `MODIFIERS`. */
function modifiersOf(part: Part | undefined, model: Model | undefined): number {
  if (part?.role !== 'layer' || model === undefined) return 0;
  return namesOf(model).layerIndex.has(part.text) ? 1 : 2;
}
