/** Paths as plans write them: relative to the plan's folder. Knows paths only. */
import { dirname, resolve } from 'node:path';

/** The absolute path of what a plan names; undefined for a plan that lies in no folder. */
export function resolveBeside(plan: string | undefined, written: string): string | undefined {
  return plan === undefined ? undefined : resolve(dirname(plan), written);
}
