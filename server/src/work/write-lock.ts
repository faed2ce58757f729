/** Keeps the lock beside a plan, by which its layers are known again after the model was exported anew. */
import { readFileSync } from 'node:fs';
import { finish } from '../onnx/index.js';
import { lockPath, lockTextSteps, type TracedPlan } from '../plan/index.js';
import type { Refused } from './problem.js';
import { replaceFile } from './replace-file.js';

/**
 * Writes the lock of a plan that was just written, unless it is there already or the plan needs none.
 *
 * @param plan bound from the plan's file as it is now.
 * @returns the path of a lock that was written.
 */
export async function writeLock(plan: TracedPlan): Promise<{ readonly path: string | undefined } | Refused> {
  return await saveLock(plan.path, finish(lockTextSteps(plan)));
}

/** The same with the text that `lockTextSteps` gave. */
export async function saveLock(
  planPath: string,
  text: string | undefined,
): Promise<{ readonly path: string | undefined } | Refused> {
  const path = lockPath(planPath);
  if (text === undefined || textOf(path) === text) return { path: undefined };
  return await replaceFile(path, text);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // There is none yet.
    return undefined;
  }
}
