/**
 * Text to syntax tree. Never throws, whatever the text; takes time in proportion to its length. Knows the text alone:
 * no file, no model.
 */
import { checkStatementsSteps } from './check-statements.js';
import { Complaints, excerpt, replaceWith } from './complaints.js';
import type { Diagnostic, TextRange } from './diagnostic.js';
import { tokenizeSteps } from './lexer.js';
import { nearest } from './nearest.js';
import { takeStatement } from './parse-statement.js';
import { Parsing } from './parsing.js';
import { endsStep, finished, type Pausing } from './pausing.js';
import { Code, type TokenBuffer } from './token-buffer.js';
import type { Statement, SyntaxTree, Token, UnknownStatement, Word } from './tree.js';
import { STATEMENT_KEYWORDS } from './vocabulary.js';

/** The tree of a text. What the text alone shows to be wrong is in `diagnostics`, in the order of the text. */
export function parse(text: string): SyntaxTree {
  return parseCounted(text).tree;
}

/** The same a little at a time, for whoever serves others meanwhile. */
export function* parseSteps(text: string): Pausing<SyntaxTree> {
  return (yield* parseCountedSteps(text)).tree;
}

/** The tree, and how many tokens the parser looked at: the work that must grow no faster than the text. */
export function parseCounted(text: string): { readonly tree: SyntaxTree; readonly visits: number } {
  return finished(parseCountedSteps(text));
}

function* parseCountedSteps(text: string): Pausing<{ readonly tree: SyntaxTree; readonly visits: number }> {
  const tokens = yield* tokenizeSteps(text);
  const syntax = new Complaints();
  const parsing = new Parsing(text, tokens, syntax);
  const read: ReadStatements = { statements: [], broken: [] };
  const { cursor } = parsing;
  for (let lines = 1; cursor.toNextStatement(); lines += 1) {
    takeInto(read, parsing);
    if (endsStep(lines)) yield;
  }
  const meaning = new Complaints();
  const { statements, broken } = read;
  yield* checkStatementsSteps({ text, statements, broken }, meaning);
  const tree = new PlanTree(text, tokens, statements, Complaints.merge(syntax, meaning), broken);
  return { tree, visits: cursor.visits };
}

interface ReadStatements {
  readonly statements: Statement[];
  readonly broken: TextRange[];
}

/** Reads the statement under the cursor. */
function takeInto({ statements, broken }: ReadStatements, parsing: Parsing): void {
  const { complaints: syntax } = parsing;
  parsing.beginStatement();
  // Beyond the limit of diagnostics, lines that cannot be read are kept as one: a file of noise stays small.
  const before = syntax.full ? statements[statements.length - 1] : undefined;
  const line = takeLine(parsing);
  const statement = syntax.full && parsing.isLost() ? unknownStatement(line.keyword, line.range.end) : line;
  if (before?.kind === 'unknown' && statement.kind === 'unknown') {
    const range = { start: before.range.start, end: statement.range.end };
    statements[statements.length - 1] = { ...before, range };
    broken[broken.length - 1] = range;
  } else {
    statements.push(statement);
    if (parsing.isBroken()) broken.push(statement.range);
  }
}

function takeLine(parsing: Parsing): Statement {
  const { cursor } = parsing;
  const { code } = cursor;
  const keyword: Word = { kind: 'word', text: cursor.tokenText, range: cursor.range };
  if (code === Code.word) {
    cursor.advance();
    const statement = takeStatement(parsing, keyword);
    if (statement !== undefined) return statement;
    parsing.markBroken();
    parsing.complaints.error('unknown-statement', keyword.range, () => ({
      message: `\`${excerpt(keyword.text)}\` begins no statement.`,
      fixes: nearest(keyword.text, STATEMENT_KEYWORDS, 1).map((word) => replaceWith(keyword.range, word)),
    }));
  } else {
    const start = { start: keyword.range.start, end: keyword.range.start };
    const named = code === Code.string;
    parsing.fail(
      keyword.range,
      'A statement begins with a keyword, such as `model`, `layer` or `tolerance`.',
      [...(named ? [{ title: 'Insert `layer`', edits: [{ range: start, newText: 'layer ' }] }] : [])],
    );
  }
  cursor.skipStatement();
  return unknownStatement(keyword, cursor.previousEnd);
}

function unknownStatement(keyword: Word, end: number): UnknownStatement {
  return { kind: 'unknown', keyword, options: undefined, range: { start: keyword.range.start, end } };
}

/** Token objects are made when someone asks for them: most readers of a tree never do. */
class PlanTree implements SyntaxTree {
  private list: readonly Token[] | undefined;

  constructor(
    readonly text: string,
    private readonly buffer: TokenBuffer,
    readonly statements: readonly Statement[],
    readonly diagnostics: readonly Diagnostic[],
    readonly broken: readonly TextRange[],
  ) {}

  get tokens(): readonly Token[] {
    this.list ??= finished(this.buffer.toTokensSteps());
    return this.list;
  }

  *tokenSteps(): Pausing<readonly Token[]> {
    if (this.list === undefined) {
      const list = yield* this.buffer.toTokensSteps();
      // Someone who could not wait may have made them meanwhile, and holds on to those.
      this.list ??= list;
    }
    return this.list;
  }
}
