/**
 * The syntax tree of a precision plan: every statement with the exact range of each of its parts. The tree is
 * lossless beside its tokens: the tokens cover every character of the text, errors included. Knows the grammar
 * only: not what a name means, nor whether a layer exists.
 */
import type { Diagnostic, TextRange } from './diagnostic.js';
import type { Pausing } from './pausing.js';

export interface Word {
  readonly kind: 'word';
  readonly text: string;
  readonly range: TextRange;
}

/** A string in double quotes; `value` has the escapes undone. */
export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  readonly range: TextRange;
}

/** `0.5`, `1/255`, `2^-3` or `inf`. `value` is NaN where the digits are no number (diagnosed as `number`). */
export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
  readonly text: string;
  readonly range: TextRange;
}

/** `0..32`, both included. */
export interface RangeLiteral {
  readonly kind: 'range';
  readonly first: number;
  readonly last: number;
  readonly range: TextRange;
}

/** `[0.485, 0.456, 0.406]` */
export interface ListValue {
  readonly kind: 'list';
  readonly items: readonly Value[];
  readonly range: TextRange;
}

/** `torso(11, 12, 23, 24)`, `uniform(0, 1)`, `pck(0.01)` */
export interface CallValue {
  readonly kind: 'call';
  readonly name: Word;
  readonly items: readonly Value[];
  readonly range: TextRange;
}

export type Value = Word | StringLiteral | NumberLiteral | RangeLiteral | ListValue | CallValue;

export interface Option {
  readonly name: Word;
  /** Undefined where the text breaks off. */
  readonly value: Value | undefined;
  readonly range: TextRange;
}

/** `{ name: value, ... }` with the braces. */
export interface OptionList {
  readonly options: readonly Option[];
  readonly range: TextRange;
}

interface StatementBase {
  /** From the first character of the keyword to the last of the statement, without a trailing comment. */
  readonly range: TextRange;
  readonly keyword: Word;
  readonly options: OptionList | undefined;
}

export interface ModelStatement extends StatementBase {
  readonly kind: 'model';
  readonly path: StringLiteral | undefined;
}

export interface IncludeStatement extends StatementBase {
  readonly kind: 'include';
  readonly path: StringLiteral | undefined;
}

/** `input "NAME" from "GLOB"` or `input "NAME" = GENERATOR`. */
export interface InputStatement extends StatementBase {
  readonly kind: 'input';
  readonly name: StringLiteral | undefined;
  readonly files: StringLiteral | undefined;
  readonly generator: Word | CallValue | undefined;
}

/** `dim NAME = INT`, `dim "NAME" = INT` or `dim "INPUT"[0] = INT`. */
export interface DimStatement extends StatementBase {
  readonly kind: 'dim';
  readonly name: Word | StringLiteral | undefined;
  readonly axis: NumberLiteral | undefined;
  readonly value: NumberLiteral | undefined;
}

export interface TargetStatement extends StatementBase {
  readonly kind: 'target';
  readonly name: Word | undefined;
}

export interface ObjectiveStatement extends StatementBase {
  readonly kind: 'objective';
  readonly name: Word | undefined;
}

export interface ToleranceStatement extends StatementBase {
  readonly kind: 'tolerance';
  /** Without a name: every floating-point output. */
  readonly output: StringLiteral | undefined;
  readonly metric: Word | CallValue | undefined;
  readonly operator: { readonly text: '<=' | '>='; readonly range: TextRange } | undefined;
  readonly limit: NumberLiteral | undefined;
}

/** `accumulate: fp16` over all layers. */
export interface AccumulateStatement extends StatementBase {
  readonly kind: 'accumulate';
  readonly value: Word | CallValue | undefined;
}

/** The statements that decide layers: what stands before the colon differs, the rest is the same. */
interface DecisionBase extends StatementBase {
  readonly format: Word | undefined;
}

export interface DefaultStatement extends DecisionBase {
  readonly kind: 'default';
}

export interface LayerStatement extends DecisionBase {
  readonly kind: 'layer';
  readonly names: readonly StringLiteral[];
}

export interface LayersStatement extends DecisionBase {
  readonly kind: 'layers';
  readonly globs: readonly StringLiteral[];
}

export interface LayersMatchingStatement extends DecisionBase {
  readonly kind: 'layers matching';
  readonly patterns: readonly StringLiteral[];
}

/** `op Softmax, com.microsoft.Gelu: fp32`; a type is `Type` or `domain.Type`. */
export interface OpStatement extends DecisionBase {
  readonly kind: 'op';
  readonly types: readonly Word[];
}

export interface BetweenStatement extends DecisionBase {
  readonly kind: 'between';
  readonly from: StringLiteral | undefined;
  readonly to: StringLiteral | undefined;
}

export interface LatencyStatement extends StatementBase {
  readonly kind: 'latency';
  readonly file: StringLiteral | undefined;
}

export interface MetricStatement extends StatementBase {
  readonly kind: 'metric';
  readonly name: Word | undefined;
  readonly file: StringLiteral | undefined;
}

export interface LabelsStatement extends StatementBase {
  readonly kind: 'labels';
  readonly files: StringLiteral | undefined;
}

/** `state "INPUT" from "OUTPUT"` */
export interface StateStatement extends StatementBase {
  readonly kind: 'state';
  readonly input: StringLiteral | undefined;
  readonly output: StringLiteral | undefined;
}

/** A line that begins with no known keyword; already diagnosed. */
export interface UnknownStatement extends StatementBase {
  readonly kind: 'unknown';
}

export type DecisionStatement =
  | DefaultStatement
  | LayerStatement
  | LayersStatement
  | LayersMatchingStatement
  | OpStatement
  | BetweenStatement;

export type Statement =
  | ModelStatement
  | IncludeStatement
  | InputStatement
  | DimStatement
  | TargetStatement
  | ObjectiveStatement
  | ToleranceStatement
  | AccumulateStatement
  | DecisionStatement
  | LatencyStatement
  | MetricStatement
  | LabelsStatement
  | StateStatement
  | UnknownStatement;

export type TokenKind =
  'word' | 'string' | 'number' | 'punctuation' | 'operator' | 'comment' | 'space' | 'newline' | 'error';

/** Tokens follow each other without a gap: joining their texts gives the source back. */
export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
}

export interface SyntaxTree {
  readonly text: string;
  /** Made when they are first asked for. */
  readonly tokens: readonly Token[];
  /** The same tokens, made a little at a time. */
  tokenSteps(): Pausing<readonly Token[]>;
  readonly statements: readonly Statement[];
  /**
   * The statements that hold a syntax error, from first to last character, in the order of the text. They may still
   * have parts that can be used; the formatter leaves their lines as they are.
   */
  readonly broken: readonly TextRange[];
  /** Everything that the text alone shows to be wrong. */
  readonly diagnostics: readonly Diagnostic[];
}
