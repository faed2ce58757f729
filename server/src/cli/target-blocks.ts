/**
 * What was found of execution providers, as text that a terminal of 120 columns holds: a block for each, with what it does to the
 * operators of a model. Knows what was found; not how. Pure.
 */
import type { FoundAccumulation, KnownTarget, OperatorSupport, SupportOutcome } from '../analysis/index.js';

const WIDTH = 110;
/** Columns that words of an outcome take. */
const OUTCOME_WIDTH = 15;

const SUMS: Readonly<Record<FoundAccumulation['accumulation'], string>> = {
  fp32: 'in FP32',
  fp16: 'in FP16',
  between: 'in FP16, in several sums',
  'not run': 'not at all',
};

/** Best first. */
const OUTCOMES: readonly SupportOutcome[] = ['native', 'through casts', 'elsewhere', 'refused', 'unknown'];

type ShownTarget = Pick<KnownTarget, 'name' | 'usable' | 'summary' | 'advice' | 'accumulation'>;
type ShownOperator = Pick<OperatorSupport, 'operator' | 'format' | 'outcome' | 'detail'>;

/** The lines of one provider. `operators`: those of a plan's model that were tried on it. */
export function targetBlock(
  { name, usable, summary, advice, accumulation }: ShownTarget,
  operators: readonly ShownOperator[],
): string[] {
  const lines = [`${name}: ${usable ? 'usable' : 'not usable'}`];
  for (const text of [summary, advice ?? '']) lines.push(...wrapped(text, '  '));
  if (!usable) return lines;
  const sums = grouped(accumulation, ({ accumulation: found, chunk, lanes }) => {
    if (lanes !== undefined) return `in FP16, in about ${lanes} sums side by side`;
    return chunk === undefined ? SUMS[found] : `${SUMS[found]} of about ${chunk} products`;
  });
  const words = [...sums].map(([how, own]) => `${own.map(({ operator }) => operator).join(', ')} ${how}`);
  if (words.length > 0) lines.push(...wrapped(`FP16 layers are added up: ${words.join('; ')}`, '  '));
  for (const [format, own] of grouped(operators, (one) => one.format)) {
    lines.push(`  operators in ${format}:`, ...OUTCOMES.flatMap((outcome) => outcomeLines(outcome, own)));
  }
  return lines;
}

/** Operators that have one outcome; by where they run, or why they do not, where that is not the provider itself. */
function outcomeLines(outcome: SupportOutcome, operators: readonly ShownOperator[]): string[] {
  const own = operators.filter((one) => one.outcome === outcome);
  const isHere = outcome === 'native' || outcome === 'through casts';
  return [...grouped(own, ({ detail }) => (isHere ? '' : detail))].flatMap(([detail, same], index) => {
    const names = same.map(({ operator }) => operator).join(', ');
    const lines = wrapped(detail === '' ? names : `${names}: ${detail}`, ' '.repeat(4 + OUTCOME_WIDTH));
    const title = `    ${index === 0 ? outcome : ''}`.padEnd(4 + OUTCOME_WIDTH);
    return lines.map((line, at) => (at === 0 ? title + line.trimStart() : line));
  });
}

function grouped<T>(list: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}

/** Broken between words, never inside of what stands between backquotes, which is there to be copied. */
function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const [word] of text.matchAll(/(?:`[^`]*`|\S)+/gu)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, indent + line];
}
