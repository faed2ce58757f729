/** Whether the target of a piece of work is there at all. Another one is never put in its place in silence. */
import { targetState } from '../analysis/index.js';
import type { Work } from './open-work.js';
import { refused, type Refused } from './problem.js';

/** Why nothing can be executed on the target of `work`, with how to get it; undefined where it can. */
export async function missingTarget({ runtime, target, signal }: Work): Promise<Refused | undefined> {
  // The CPU is always there, and what does not run on it says why by itself.
  if (target === 'cpu') return undefined;
  const { usable, summary, advice } = await targetState(runtime, target, signal);
  if (usable) return undefined;
  return refused('input', 'target-unavailable', [summary, advice].filter(Boolean).join(' '));
}
