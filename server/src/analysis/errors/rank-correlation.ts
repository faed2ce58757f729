/** How far two ways to judge the same things order them alike. Knows lists of numbers only. */

/**
 * Spearman's rank correlation, -1 to 1: Pearson's correlation of the ranks, equal values sharing the mean of theirs (C.
 * Spearman, "The proof and measurement of association between two things", 1904, with the correction for ties).
 * Infinities rank as the numbers that they are. Undefined for fewer than two pairs, where one side does not vary, and
 * where a value is no number.
 */
export function rankCorrelation(first: readonly number[], second: readonly number[]): number | undefined {
  if (first.length !== second.length) throw new RangeError('the lists have different lengths');
  if ([...first, ...second].some((value) => Number.isNaN(value))) return undefined;
  const [a, b] = [ranks(first), ranks(second)];
  const mean = (a.length + 1) / 2;
  const product = (left: readonly number[], right: readonly number[]): number =>
    left.reduce((sum, rank, index) => sum + (rank - mean) * ((right[index] ?? mean) - mean), 0);
  const spread = Math.sqrt(product(a, a) * product(b, b));
  return spread === 0 ? undefined : product(a, b) / spread;
}

/** The rank of each value, from 1; equal values have the mean of the ranks that they take up. */
export function ranks(values: readonly number[]): readonly number[] {
  const order = values.map((_, index) => index).sort((a, b) => compare(values[a], values[b]));
  const found = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end] ?? -1] === values[order[start] ?? -1]) end++;
    for (const index of order.slice(start, end)) found[index] = (start + 1 + end) / 2;
    start = end;
  }
  return found;
}

/** Not by difference: that of two infinities is no number. */
function compare(a = 0, b = 0): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
