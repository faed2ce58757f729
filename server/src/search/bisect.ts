/**
 * `bisect`: the longest prefix of the ranking that holds, found by halving: log2(layers) measurements, right where
 * harm grows with the prefix. One misplaced layer early in the ranking would spoil it, so the layer at which the
 * prefix breaks is set aside and the halving goes on behind it, a few times.
 */
import type { Layer } from '../plan/index.js';
import type { StrategyOptions } from './strategy.js';
import type { Trials } from './trial.js';

/** Layers that may be set aside before the prefix ends for good. */
export function layersToSetAside(layers: number): number {
  return Math.ceil(Math.log2(layers + 1));
}

/** Gives the longest prefix found to hold, possibly empty; undefined where not even the empty one holds. */
export async function bisect(
  trials: Pick<Trials, 'holds'>,
  ranking: readonly Layer[],
  { step, expired }: StrategyOptions,
): Promise<ReadonlySet<Layer> | undefined> {
  if (!(await trials.holds(new Set()))) return undefined;
  let candidates = ranking;
  let holding = 0;
  const prefix = (length: number): ReadonlySet<Layer> => new Set(candidates.slice(0, length));
  for (let aside = layersToSetAside(ranking.length); aside >= 0 && !expired(); aside--) {
    step(holding);
    if (await trials.holds(prefix(candidates.length))) return prefix(candidates.length);
    let failing = candidates.length;
    while (failing - holding > 1 && !expired()) {
      const middle = Math.floor((holding + failing) / 2);
      if (await trials.holds(prefix(middle))) holding = middle;
      else failing = middle;
      step(holding);
    }
    if (aside > 0) candidates = candidates.filter((_, index) => index !== holding);
  }
  return prefix(holding);
}
