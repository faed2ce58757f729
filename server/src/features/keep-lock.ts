/**
 * Keeps the lock beside a plan (`layer-moved` finds layers by it) when an editor saves the plan: the moment at which its author
 * holds that its names are right. Knows when, not what is in a lock.
 */
import { lockPath, lockTextSteps } from '../plan/index.js';
import { isRefused, saveLock } from '../work/index.js';
import type { OpenPlan } from './open-plan.js';
import type { Readiness } from './readiness.js';
import type { Turns } from './turns.js';

export interface LockKeepingParts {
  readonly readiness: Readiness;
  readonly turns: Turns;
  readonly log: (message: string) => void;
}

/** To be called when a plan was saved. Never rejects: a folder that nobody may write into has plans without locks. */
export async function keepLock(uri: string, { readiness, turns, log }: LockKeepingParts): Promise<void> {
  const seen: OpenPlan[] = [];
  await readiness.take(`lock of ${uri}`, uri, (open) => seen.push(open), 'background');
  const [saved] = seen;
  const plan = saved?.plan;
  if (saved === undefined || plan === undefined) return;
  const { document } = saved;
  const { version } = document;
  // What is typed while the lock is made is not saved.
  const isWanted = (): boolean => document.version === version;
  try {
    const text = await turns.takeSteps(`lock of ${uri}`, lockTextSteps(plan), isWanted, 'background');
    const written = await saveLock(plan.path, text);
    if (isRefused(written)) log(`${lockPath(plan.path)}: ${written.problem.message}`);
  } catch (error) {
    log(`lock of ${uri}: ${String(error)}`);
  }
}
