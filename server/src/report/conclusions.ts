/** What a comparison means, in plain sentences. Pure. */
import type { Comparison, ComparisonRow } from './report.js';

/** Differences of the medians below this are within what two runs of the same model show. */
const SAME_SPEED = 0.05;

/** Says whether the plan and the low format pay on this machine, and what they save. */
export function conclude(comparison: Comparison, lowFormat: string): string[] {
  const [original, plan, low] = comparison.rows;
  if (original === undefined || plan === undefined || low === undefined) return [];
  const sentences = [sizeSentence(original, plan), ...speedSentences(original, plan, low, lowFormat)];
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
function sizeSaved(original: ComparisonRow, plan: ComparisonRow): number {
  const saved = 1 - plan.bytes / original.bytes;
  return saved > 0.005 ? saved : 0;
}

function speedSentences(
  original: ComparisonRow,
  plan: ComparisonRow,
  low: ComparisonRow,
  lowFormat: string,
): string[] {
  if (original.latency === undefined || plan.latency === undefined || low.latency === undefined) return [];
  const ratio = (row: ComparisonRow): number =>
    (row.latency?.median ?? Number.NaN) / (original.latency?.median ?? Number.NaN);
  const name = lowFormat.toUpperCase();
  const mixed = ratio(plan);
  const all = ratio(low);
  const both = `the mixed model is ${describeRatio(mixed)} FP32, all in ${name} is ${describeRatio(all)} FP32`;
  if (Math.min(mixed, all) < 1 - SAME_SPEED) return [`${name} pays on this machine: ${both}.`];
  const gains = sizeSaved(original, plan) > 0 ? ' What it gains is size;' : ' What it gains is nothing here;';
  return [
    `${name} does not pay on this machine: ${both}.${gains} speed is for a device with kernels of that format.`,
  ];
}

function describeRatio(ratio: number): string {
  if (Math.abs(ratio - 1) <= SAME_SPEED) return 'as fast as';
  return ratio < 1 ? `${(1 / ratio).toFixed(2)} times faster than` : `${ratio.toFixed(2)} times slower than`;
}
