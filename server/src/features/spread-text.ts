/** A histogram in one line of text: a bar of a character's height for each power of two. */
import { binadesOf, type Histogram } from '../formats/index.js';

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const EMPTY = '·';
/** Bars at most; what lies below the first of them is in it. */
const MOST_BARS = 24;

/**
 * From which power of two on, the counts of magnitudes as bars, up to which one: `2^-3 ▂▁█ 2^0`; `≤` before it where values
 * lie below. Heights grow with the logarithm of the count, since one value of a million can be the one that overflows.
 */
export function spreadText(histogram: Histogram): string {
  const binades = binadesOf(histogram);
  const lowest = binades[0]?.[0];
  const highest = binades.at(-1)?.[0];
  if (lowest === undefined || highest === undefined) return histogram.zeros > 0 ? 'zeros' : 'none';
  const first = Math.max(lowest, highest - MOST_BARS + 1);
  const counts = new Map<number, number>();
  for (const [exponent, count] of binades) {
    const bar = Math.max(exponent, first);
    counts.set(bar, (counts.get(bar) ?? 0) + count);
  }
  const most = Math.max(...counts.values());
  const bars = Array.from({ length: highest - first + 1 }, (_, index) => {
    const count = counts.get(first + index) ?? 0;
    if (count === 0) return EMPTY;
    const height = Math.ceil((BARS.length * Math.log2(count + 1)) / Math.log2(most + 1));
    return BARS[Math.min(height, BARS.length) - 1] ?? EMPTY;
  });
  return `${lowest < first ? '≤' : ''}2^${first} ${bars.join('')} 2^${highest + 1}`;
}
