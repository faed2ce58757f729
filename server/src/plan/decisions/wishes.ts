/** What a decision statement asks for: the format and the options. Knows the statement alone, no model. */
import { FORMAT_NAMES, type FormatName } from '../../formats/index.js';
import type { DecisionStatement, Option, SyntaxTree, TextRange, Value } from '../../language/index.js';
import type { Placed } from '../text/documents.js';
import { readNumerics } from '../roundings/numerics.js';
import type { LayerNumerics } from '../types.js';

export interface Wish {
  readonly wanted: FormatName | 'original';
  readonly pinned: boolean;
  readonly overflow: 'error' | 'saturate' | 'inf';
  readonly reason: string | undefined;
  /** Undefined where nothing but the format is asked for. */
  readonly numerics: LayerNumerics | undefined;
  /** What is asked for beside the format and changes what it does, by name, as it is written. */
  readonly options: Readonly<Record<string, string>>;
  /** Where `scale:` stands. */
  readonly scaleRange: TextRange | undefined;
  /** Equal for two statements that decide the same, options included; `UNDECIDED` for no decision at all. */
  readonly key: string;
}

/** The key of a layer that nothing decides, which is that of a bare `original`. */
export const UNDECIDED = 'original';

/** What a statement asks for; undefined where its format is missing or unknown, which its text shows already. */
export function readWish({ statement, file }: Placed<DecisionStatement>): Wish | undefined {
  const wanted = formatOf(statement);
  if (wanted === undefined || !statement.format) {
    return undefined;
  }
  if (!statement.options) {
    return plainWish(wanted);
  }
  const options = effectiveOptions(statement);
  const overflow = wordOf(options.get('overflow'));
  const reason = options.get('reason')?.value;
  return {
    wanted,
    pinned: wordOf(options.get('pinned')) === 'true',
    overflow: overflow === 'saturate' || overflow === 'inf' ? overflow : 'error',
    reason: reason?.kind === 'string' ? reason.value : undefined,
    numerics: readNumerics(options, wanted),
    options: Object.fromEntries(effective(file.tree, options).filter(([name]) => !ABOUT.has(name))),
    scaleRange: options.get('scale')?.range,
    key: keyOf(file.tree, wanted, options),
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
      numerics: undefined,
      options: {},
      scaleRange: undefined,
      key: wanted,
    };
    plainWishes.set(wanted, wish);
  }
  return wish;
}

/** The words that leave everything as it is without them. */
const WITHOUT_EFFECT: Readonly<Record<string, string | undefined>> = {
  rounding: 'nearest',
  quantize: 'minmax',
  per: 'tensor',
  overflow: 'error',
  pinned: 'false',
};

/** Options that say something of the decision, and not what is decided. */
const ABOUT: ReadonlySet<string> = new Set(['pinned', 'reason']);

function formatOf(statement: DecisionStatement): FormatName | 'original' | undefined {
  const text = statement.format?.text;
  return text === 'original' ? text : FORMAT_NAMES.find((name) => name === text);
}

/** By name, the last of several; those whose value is missing are left out. */
function effectiveOptions(statement: DecisionStatement): ReadonlyMap<string, Option> {
  const options = (statement.options?.options ?? []).filter((option) => option.value !== undefined);
  return new Map(options.map((option) => [option.name.text, option]));
}

function keyOf(tree: SyntaxTree, wanted: string, options: ReadonlyMap<string, Option>): string {
  return [wanted, ...effective(tree, options).map(([name, value]) => `${name}: ${value}`)].join('\n');
}

/** Those that change anything, sorted, with their values as they are written. */
function effective(
  tree: SyntaxTree,
  options: ReadonlyMap<string, Option>,
): readonly (readonly [string, string])[] {
  return [...options]
    .filter(([name, option]) => wordOf(option) === undefined || wordOf(option) !== WITHOUT_EFFECT[name])
    .map(([name, option]) => [name, textOf(tree, option.value)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

function wordOf(option: Option | undefined): string | undefined {
  return option?.value?.kind === 'word' ? option.value.text : undefined;
}

function textOf(tree: SyntaxTree, value: Value | undefined): string {
  return value ? tree.text.slice(value.range.start, value.range.end) : '';
}
