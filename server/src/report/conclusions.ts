/** What a comparison means, in plain sentences. Pure. */
import type { Comparison, ComparisonRow } from './report.js';

/** Differences of the medians below this are within what two runs of the same model show. */
const SAME_SPEED = 0.05;

/** Says whether the plan and the low format pay on this machine, and what they save. */
export function conclude(comparison: Comparison, lowFormat: string): string[] {
  const [original, plan, low] = comparison.rows;
  if (original === undefined || plan === undefined || low === undefined) return [];
  const speed = concludeSpeed(comparison, lowFormat);
  const sentences = [sizeSentence(original, plan), ...(speed === undefined ? [] : [speed.sentence])];
  if (comparison.busy)
    sentences.push('This machine was busy while it was timed: trust no difference of a few percent.');
  return sentences;
}

function sizeSentence(original: ComparisonRow, plan: ComparisonRow): string {
  const saved = sizeSaved(original, plan);
  return saved > 0
    ? `The mixed model is ${Math.round(100 * saved)} % smaller than the original.`
    : 'The mixed model is no smaller than the original.';
}

/** Share of the bytes saved; 0 where it is not worth a word. */
function sizeSaved(original: TimedRow, plan: TimedRow): number {
  const saved = 1 - plan.bytes / original.bytes;
  return saved > 0.005 ? saved : 0;
}

/** What speed is concluded from. */
type TimedRow = Pick<ComparisonRow, 'latency' | 'bytes'>;

/** Whether the plan or the low format gain speed on this machine; undefined where nothing was timed. */
export function concludeSpeed(
  { rows: [original, plan, low] }: { readonly rows: readonly TimedRow[] },
  lowFormat: string,
): { readonly pays: boolean; readonly sentence: string } | undefined {
  if (original?.latency === undefined || plan?.latency === undefined || low?.latency === undefined) {
    return undefined;
  }
  const ratio = (row: TimedRow): number =>
    (row.latency?.median ?? Number.NaN) / (original.latency?.median ?? Number.NaN);
  const name = lowFormat.toUpperCase();
  const mixed = ratio(plan);
  const all = ratio(low);
  const both = `the mixed model is ${describeRatio(mixed)} FP32, all in ${name} is ${describeRatio(all)} FP32`;
  if (Math.min(mixed, all) < 1 - SAME_SPEED) {
    return { pays: true, sentence: `${name} pays on this machine: ${both}.` };
  }
  const gains = sizeSaved(original, plan) > 0 ? ' What it gains is size;' : ' What it gains is nothing here;';
  const sentence = `${name} does not pay on this machine: ${both}.${gains} speed is for a device with kernels of that format.`;
  return { pays: false, sentence };
}

/**
 * The sentence for a plan that is no faster than the original on this machine; undefined where it is. Medians in
 * milliseconds.
 */
export function concludeNoGain(
  original: number,
  plan: number,
  lowFormat: string,
  { files, target }: { readonly files?: readonly string[]; readonly target?: string } = {},
): string | undefined {
  const ratio = plan / original;
  if (Number.isNaN(ratio) || ratio < 1 - SAME_SPEED) return undefined;
  const here = `on ${target === undefined ? '' : `${target} on `}this machine`;
  const where = files === undefined ? here : `on another device (${files.join(', ')})`;
  return `${lowFormat.toUpperCase()} does not pay ${where}: the plan is ${describeRatio(ratio)} FP32.`;
}

function describeRatio(ratio: number): string {
  if (Math.abs(ratio - 1) <= SAME_SPEED) return 'as fast as';
  return ratio < 1 ? `${(1 / ratio).toFixed(2)} times faster than` : `${ratio.toFixed(2)} times slower than`;
}
