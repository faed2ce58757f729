/**
 * `greedy`: goes through the ranking and keeps each layer that the tolerances still bear. Instead of one
 * measurement per layer it tries blocks: a block that holds doubles the next one, a block that fails is halved,
 * and a single layer that fails is left out for good. Where harm only grows with the set, the outcome is the
 * same as one layer at a time.
 */
import type { Layer } from '../plan/index.js';
import type { StrategyOptions } from './strategy.js';
import type { Trials } from './trial.js';

/** Gives the set of layers that holds; undefined where not even the empty set does. */
export async function greedy(
  trials: Pick<Trials, 'holds'>,
  ranking: readonly Layer[],
  { step, expired }: StrategyOptions,
): Promise<ReadonlySet<Layer> | undefined> {
  if (!(await trials.holds(new Set()))) return undefined;
  let accepted: ReadonlySet<Layer> = new Set();
  let next = 0;
  let block = ranking.length;
  while (next < ranking.length && !expired()) {
    step(next);
    const size = Math.min(block, ranking.length - next);
    const wider = new Set([...accepted, ...ranking.slice(next, next + size)]);
    if (await trials.holds(wider)) {
      accepted = wider;
      next += size;
      block = size * 2;
    } else if (size > 1) {
      block = Math.floor(size / 2);
    } else {
      next += 1;
      block = 1;
    }
  }
  return accepted;
}
