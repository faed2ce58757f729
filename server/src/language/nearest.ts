/**
 * Which of many names a misspelt one was meant to be. Ranks by edit distance and looks at thousands of candidates
 * in a few milliseconds. Knows nothing of what the names stand for.
 */

/**
 * The candidates nearest to `word`, nearest first, at most `count`; equally near ones in their given order. The distance is
 * that of optimal string alignment (insert, delete, replace, swap neighbours) without regard to case; a candidate
 * that contains the word, or is contained in it, is near whatever its length. Candidates further away than
 * `furthest` (two fifths of the word's length, at least 1, unless given) are left out.
 */
export function nearest(
  word: string,
  candidates: Iterable<string>,
  count: number,
  furthest = Math.max(1, Math.floor(word.length * 0.4)),
): string[] {
  if (count <= 0) return [];
  const wanted = word.toLowerCase();
  const wantedLetters = letterCounts(wanted);
  const scratch = new Int32Array(BUCKETS);
  const hopeful: { name: string; lower: string; bound: number }[] = [];
  const found: { name: string; distance: number; order: number }[] = [];
  for (const name of candidates) {
    const lower = name.toLowerCase();
    if (contains(lower, wanted)) {
      const difference = Math.abs(lower.length - wanted.length);
      found.push({ name, distance: difference === 0 ? 0 : 1 + difference / 32, order: found.length });
      continue;
    }
    const bound = leastDistance(wantedLetters, scratch, lower, wanted.length);
    if (bound <= furthest) hopeful.push({ name, lower, bound });
  }
  // Whoever could be nearest is measured first, so that the rest can be cut off early.
  hopeful.sort((a, b) => a.bound - b.bound);
  found.sort(byDistance);
  found.length = Math.min(found.length, count);
  let order = found.length;
  const rows = new Rows(hopeful.reduce((longest, { lower }) => Math.max(longest, lower.length), 0));
  for (const candidate of hopeful) {
    const worst = found.length < count ? furthest : (found[found.length - 1]?.distance ?? furthest);
    if (candidate.bound > worst) break;
    const distance = boundedDistance(wanted, candidate.lower, Math.floor(worst), rows);
    if (distance > worst) continue;
    found.push({ name: candidate.name, distance, order: order++ });
    found.sort(byDistance);
    found.length = Math.min(found.length, count);
  }
  return found.map((entry) => entry.name);
}

function byDistance(a: { distance: number; order: number }, b: { distance: number; order: number }): number {
  return a.distance - b.distance || a.order - b.order;
}

/** A part of three characters or more says enough. */
function contains(candidate: string, wanted: string): boolean {
  if (candidate.length >= wanted.length) {
    return candidate === wanted || (wanted.length >= 3 && candidate.includes(wanted));
  }
  return candidate.length >= 3 && wanted.includes(candidate);
}

const BUCKETS = 64;

function letterCounts(text: string): Int32Array {
  const counts = new Int32Array(BUCKETS);
  for (let index = 0; index < text.length; index++) {
    const bucket = text.charCodeAt(index) & (BUCKETS - 1);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return counts;
}

/** A bound from below: letters that one text has and the other lacks must be edited. */
function leastDistance(
  wanted: Int32Array,
  balance: Int32Array,
  candidate: string,
  wantedLength: number,
): number {
  balance.set(wanted);
  let surplus = 0;
  for (let index = 0; index < candidate.length; index++) {
    const bucket = candidate.charCodeAt(index) & (BUCKETS - 1);
    const left = (balance[bucket] ?? 0) - 1;
    balance[bucket] = left;
    if (left < 0) surplus++;
  }
  const shortage = wantedLength - (candidate.length - surplus);
  return Math.max(surplus, shortage);
}

/** Three rows of the table of distances, made once for thousands of candidates. */
class Rows {
  beforeLast: Int32Array;
  last: Int32Array;
  current: Int32Array;

  constructor(longest: number) {
    this.beforeLast = new Int32Array(longest + 1);
    this.last = new Int32Array(longest + 1);
    this.current = new Int32Array(longest + 1);
  }
}

/** The distance of two texts, or `limit + 1` as soon as it is known to be above `limit`; `b` fits into `rows`. */
function boundedDistance(a: string, b: string, limit: number, scratch: Rows): number {
  let start = 0;
  let aEnd = a.length;
  let bEnd = b.length;
  while (start < aEnd && start < bEnd && a.charCodeAt(start) === b.charCodeAt(start)) start++;
  while (aEnd > start && bEnd > start && a.charCodeAt(aEnd - 1) === b.charCodeAt(bEnd - 1)) {
    aEnd--;
    bEnd--;
  }
  const rows = aEnd - start;
  const columns = bEnd - start;
  if (rows === 0 || columns === 0) return Math.min(Math.max(rows, columns), limit + 1);
  let { beforeLast, last, current } = scratch;
  for (let column = 0; column <= columns; column++) last[column] = column;
  for (let row = 1; row <= rows; row++) {
    // Only a band of width `limit` round the diagonal can stay within the limit.
    const from = Math.max(1, row - limit);
    const to = Math.min(columns, row + limit);
    current.fill(limit + 1, 0, columns + 1);
    if (row <= limit) current[0] = row;
    let least = current[0] ?? 0;
    const letter = a.charCodeAt(start + row - 1);
    for (let column = from; column <= to; column++) {
      const other = b.charCodeAt(start + column - 1);
      let cost = (last[column - 1] ?? 0) + (letter === other ? 0 : 1);
      cost = Math.min(cost, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      if (
        row > 1 &&
        column > 1 &&
        letter === b.charCodeAt(start + column - 2) &&
        a.charCodeAt(start + row - 2) === other
      ) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current[column] = cost;
      if (cost < least) least = cost;
    }
    if (least > limit) return limit + 1;
    [beforeLast, last, current] = [last, current, beforeLast];
  }
  return Math.min(last[columns] ?? 0, limit + 1);
}
