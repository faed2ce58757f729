/** Whether targets of a piece of work are there at all. Another one is never put in the place of one in silence. */
import { PROVIDERS, targetState, type Provider } from '../analysis/index.js';
import type { BoundPlan } from '../plan/index.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, refused, type Refused } from './problem.js';

/** Why nothing can be executed on the target of `work`, with how to get it; undefined where it can. */
export async function missingTarget(work: Work): Promise<Refused | undefined> {
  // Its options reach every session of the work.
  return await whyMissing(work, work.target);
}

/** The same of the first of some targets of `plan` that is not there, whatever the target of `work`. */
export async function missingAmong(
  work: Work,
  { targets }: BoundPlan,
  names: readonly string[],
): Promise<Refused | undefined> {
  const found = await guarded(work, async () => {
    for (const name of names) {
      const provider = PROVIDERS.find((one) => one === name);
      const options = targets.find((one) => one.name === name)?.options;
      const missing = provider && (await whyMissing(work, provider, options));
      if (missing !== undefined) return missing;
    }
    return {};
  });
  return isRefused(found) ? found : undefined;
}

async function whyMissing(
  { runtime, signal }: Work,
  target: Provider,
  options?: BoundPlan['targets'][number]['options'],
): Promise<Refused | undefined> {
  // The CPU is always there, and what does not run on it says why by itself.
  if (target === 'cpu') return undefined;
  const { usable, summary, advice } = await targetState(runtime, target, signal, options);
  if (usable) return undefined;
  return refused('input', 'target-unavailable', [summary, advice].filter(Boolean).join(' '));
}
