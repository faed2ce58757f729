/**
 * What a decision statement asks for: the format and the options, and which of them are not yet analysed. Knows
 * the statement alone, no model.
 */
import { FORMAT_NAMES, type FormatName } from '../formats/index.js';
import {
  isDecision,
  type DecisionStatement,
  type Diagnostic,
  type Option,
  type SyntaxTree,
  type Value,
} from '../language/index.js';
import { diagnosticIn, type Placed } from './documents.js';

export interface Wish {
  readonly wanted: FormatName | 'original';
  readonly pinned: boolean;
  readonly overflow: 'error' | 'saturate' | 'inf';
  readonly reason: string | undefined;
  /** Why the layers stay as they are in the model although something else is wanted. */
  readonly postponed: string | undefined;
  /** Equal for two statements that decide the same, options included; `UNDECIDED` for no decision at all. */
  readonly key: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** The key of a layer that nothing decides, which is that of a bare `original`. */
export const UNDECIDED = 'original';

/** What a statement asks for; undefined where its format is missing or unknown, which its text shows already. */
export function readWish({ statement, file }: Placed<DecisionStatement>): Wish | undefined {
  const wanted = formatOf(statement);
  if (wanted === undefined || !statement.format) {
    return undefined;
  }
  if (!statement.options && RUN.has(wanted)) {
    return plainWish(wanted);
  }
  const options = effectiveOptions(statement);
  const diagnostics: Diagnostic[] = [];
  let postponed: string | undefined;
  const postpone = (what: string, range: Value['range']): void => {
    postponed ??= `${what} is not yet analysed, so it stays as it is in the model`;
    const message = `${what} is not yet analysed: the layers decided here stay as they are in the model (\`original\`).`;
    diagnostics.push(diagnosticIn(file, 'not-yet-analysed', 'information', range, message));
  };
  if (!RUN.has(wanted)) {
    postpone(`\`${wanted}\``, statement.format.range);
  }
  for (const option of options.values()) {
    if (isPostponed(option, wanted)) {
      postpone(`\`${option.name.text}: ${textOf(file.tree, option.value)}\``, option.range);
    }
  }
  const overflow = wordOf(options.get('overflow'));
  const reason = options.get('reason')?.value;
  return {
    wanted,
    pinned: wordOf(options.get('pinned')) === 'true',
    overflow: overflow === 'saturate' || overflow === 'inf' ? overflow : 'error',
    reason: reason?.kind === 'string' ? reason.value : undefined,
    postponed,
    key: keyOf(file.tree, wanted, options),
    diagnostics,
  };
}

const plainWishes = new Map<string, Wish>();

/** A format without options: the same object each time, as most statements of a long plan are alike. */
function plainWish(wanted: FormatName | 'original'): Wish {
  let wish = plainWishes.get(wanted);
  if (!wish) {
    wish = {
      wanted,
      pinned: false,
      overflow: 'error',
      reason: undefined,
      postponed: undefined,
      key: wanted,
      diagnostics: [],
    };
    plainWishes.set(wanted, wish);
  }
  return wish;
}

/** What can be said of decisions while there is no model. */
export function readPostponedWishes(placed: readonly Placed[]): readonly Diagnostic[] {
  return placed.flatMap(({ statement, file }) =>
    isDecision(statement) ? (readWish({ statement, file })?.diagnostics ?? []) : [],
  );
}

const RUN: ReadonlySet<string> = new Set(['fp32', 'fp16', 'bf16', 'original']);

/** The words that leave everything as it is without them. */
const WITHOUT_EFFECT: Readonly<Record<string, string | undefined>> = {
  accumulate: 'fp32',
  rounding: 'nearest',
  overflow: 'error',
  pinned: 'false',
};

/** Options that are read, whatever they say. */
const READ: ReadonlySet<string> = new Set(['overflow', 'pinned', 'reason']);

function formatOf(statement: DecisionStatement): FormatName | 'original' | undefined {
  const text = statement.format?.text;
  return text === 'original' ? text : FORMAT_NAMES.find((name) => name === text);
}

/** By name, the last of several; those whose value is missing are left out. */
function effectiveOptions(statement: DecisionStatement): ReadonlyMap<string, Option> {
  const options = (statement.options?.options ?? []).filter((option) => option.value !== undefined);
  return new Map(options.map((option) => [option.name.text, option]));
}

function isPostponed(option: Option, wanted: FormatName | 'original'): boolean {
  const name = option.name.text;
  if (READ.has(name) || !POSTPONED.has(name)) {
    return false;
  }
  const word = wordOf(option);
  return word === undefined || (word !== WITHOUT_EFFECT[name] && !(name === 'weights' && word === wanted));
}

const POSTPONED: ReadonlySet<string> = new Set([
  'weights',
  'accumulate',
  'rounding',
  'quantize',
  'per',
  'scale',
]);

function keyOf(tree: SyntaxTree, wanted: string, options: ReadonlyMap<string, Option>): string {
  const parts = [...options]
    .filter(([name, option]) => wordOf(option) === undefined || wordOf(option) !== WITHOUT_EFFECT[name])
    .map(([name, option]) => `${name}: ${textOf(tree, option.value)}`);
  return [wanted, ...parts.sort()].join('\n');
}

function wordOf(option: Option | undefined): string | undefined {
  return option?.value?.kind === 'word' ? option.value.text : undefined;
}

function textOf(tree: SyntaxTree, value: Value | undefined): string {
  return value ? tree.text.slice(value.range.start, value.range.end) : '';
}
