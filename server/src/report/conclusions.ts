/** What a comparison means, in plain sentences. Pure. */
import { overlap, type Spread } from './benchmark-comparison.js';
import type { Comparison, ComparisonRow } from './report.js';

/** Differences of the medians below this are within what two runs of the same model show. */
const SAME_SPEED = 0.05;

/**
 * Says whether the plan and the low format pay on this machine, and what they save.
 *
 * @param lowFormat that all layers are in, in the comparison's last row.
 * @param planFormats the low formats of the plan.
 */
export function conclude(
  comparison: Comparison,
  lowFormat: string,
  planFormats: readonly string[] = [lowFormat],
): string[] {
  const [original, plan, low] = comparison.rows;
  if (original === undefined || plan === undefined || low === undefined) return [];
  const speed = concludeSpeed(comparison, lowFormat, { planFormats, runs: comparison.runs });
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

/**
 * Whether the plan or the low format gain speed on this machine; undefined where nothing was timed. `lacksKernels`: the target has
 * no kernels of the format for most of what is lowered, so that another device may be faster. `runs`: of each, where that is known.
 */
export function concludeSpeed(
  { rows: [original, plan, low] }: { readonly rows: readonly TimedRow[] },
  lowFormat: string,
  {
    lacksKernels = false,
    planFormats = [lowFormat],
    runs,
  }: {
    readonly lacksKernels?: boolean;
    readonly planFormats?: readonly string[];
    readonly runs?: number | undefined;
  } = {},
): { readonly pays: boolean; readonly sentence: string } | undefined {
  if (original?.latency === undefined || plan?.latency === undefined || low?.latency === undefined) {
    return undefined;
  }
  const name = planFormats.map((format) => format.toUpperCase()).join(' and ');
  const pays = planFormats.length === 1 ? 'pays' : 'pay';
  if (runs === 1) {
    const sentence = `Whether ${name} ${pays} on this machine cannot be told: one run of each has no spread, several tell.`;
    return { pays: false, sentence };
  }
  const mixed = compareSpeed(plan.latency, original.latency);
  const all = compareSpeed(low.latency, original.latency);
  const both = `the mixed model is ${mixed.words}, all in ${lowFormat.toUpperCase()} is ${all.words}`;
  // All in one format says nothing of a plan that has others.
  const isOfPlan = planFormats.every((format) => format === lowFormat);
  const judged = [mixed, ...(isOfPlan ? [all] : [])].map(({ outcome }) => outcome);
  if (judged.includes('faster')) {
    return { pays: true, sentence: `${name} ${pays} on this machine: ${both}.` };
  }
  const sized = sizeSaved(original, plan) > 0;
  if (judged.includes('untold')) {
    const sentence = `Whether ${name} ${pays} on this machine cannot be told: ${both}.`;
    return { pays: false, sentence: `${sentence}${sized ? ' What it gains is size.' : ''}` };
  }
  const gains = `What it gains is ${sized ? 'size' : 'nothing here'}`;
  const elsewhere = lacksKernels ? '; speed is for a device with kernels of that format' : '';
  const doNot = planFormats.length === 1 ? 'does not' : 'do not';
  return { pays: false, sentence: `${name} ${doNot} pay on this machine: ${both}. ${gains}${elsewhere}.` };
}

/**
 * The sentence for a plan that is no faster than the original on this machine, or of which that cannot be told; undefined where it is. In
 * milliseconds.
 */
export function concludeNoGain(
  original: Spread,
  plan: Spread,
  lowFormat: string,
  { files, target }: { readonly files?: readonly string[]; readonly target?: string } = {},
): string | undefined {
  if (Number.isNaN(plan.median / original.median)) return undefined;
  const { outcome, words } = compareSpeed(plan, original);
  if (outcome === 'faster') return undefined;
  const here = `on ${target === undefined ? '' : `${target} on `}this machine`;
  const where = files === undefined ? here : `on another device (${files.join(', ')})`;
  const name = lowFormat.toUpperCase();
  return outcome === 'untold'
    ? `Whether ${name} pays ${where} cannot be told: the plan is ${words}.`
    : `${name} does not pay ${where}: the plan is ${words}.`;
}

/** Untold: the medians differ, and the spreads of the two overlap, so that it may be chance. */
interface SpeedComparison {
  readonly outcome: 'faster' | 'same' | 'slower' | 'untold';
  readonly words: string;
}

function compareSpeed(plan: Spread, original: Spread): SpeedComparison {
  const ratio = plan.median / original.median;
  if (Math.abs(ratio - 1) <= SAME_SPEED) return { outcome: 'same', words: 'as fast as FP32' };
  if (overlap(plan, original)) return { outcome: 'untold', words: 'within the spread of FP32' };
  return ratio < 1
    ? { outcome: 'faster', words: `${(1 / ratio).toFixed(2)} times faster than FP32` }
    : { outcome: 'slower', words: `${ratio.toFixed(2)} times slower than FP32` };
}
