/** The lock of a plan that a subcommand wrote. */
import { writeLock } from '../work/index.js';
import { loadPlan } from './load.js';
import { resultOf } from './work-failure.js';

/** Writes the lock of a plan that was just written, from its file as it is now. */
export async function lockPlan(path: string): Promise<void> {
  const { plan } = loadPlan(path);
  if (plan.model !== undefined) resultOf(await writeLock(plan));
}
