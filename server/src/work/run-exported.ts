/** Whether an exported model loads, keeps the signature of the plan's model, and runs on every sample. */
import { openOptimized, RuntimeFailure, type OpenedSession } from '../analysis/index.js';
import { missingTarget } from './missing-target.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, refused, type Refused } from './problem.js';

export interface RanExported {
  /** Loads, keeps its signature and runs. */
  readonly runs: boolean;
  /** What is wrong with the signature; undefined where it is kept. */
  readonly wrong: string | undefined;
  /** What is to be known of how it was loaded. */
  readonly notes: readonly string[];
}

/** Runs the model at `path` on every sample of `work`. */
export async function runExported(work: Work, path: string): Promise<RanExported | Refused> {
  const { runtime, signal, progress } = work;
  return await guarded(work, async () => {
    const missing = await missingTarget(work);
    if (missing !== undefined) return missing;
    const opened = await openWritten(work, path);
    if (isRefused(opened)) return opened;
    const { session, notes } = opened;
    // A level that crashed took along what was open.
    if (notes.length > 0) work.renew();
    try {
      const { original, feeds } = await work.evaluation();
      for (const side of ['inputs', 'outputs'] as const) {
        const [found, wanted] = [session[side].join(', '), original[side].join(', ')];
        if (found === wanted) continue;
        return { runs: false, wrong: `the ${side} are ${found}, wanted ${wanted}`, notes };
      }
      for (const [index, feed] of feeds.entries()) {
        progress(index, feeds.length, 'written model');
        await runtime.release(Object.values(await runtime.run(session, feed, undefined, signal)));
      }
      progress(feeds.length, feeds.length, 'written model');
      return { runs: true, wrong: undefined, notes };
    } finally {
      await runtime.close(session);
    }
  });
}

/** The written model in a session; where no level loads it, the problem says that the file is there all the same. */
async function openWritten(
  { plan, runtime, signal, target, threads }: Work,
  path: string,
): Promise<OpenedSession | Refused> {
  try {
    const original = plan.model.source.path;
    return await openOptimized(runtime, path, { provider: target, threads, original }, signal);
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || error.kind !== 'refused') throw error;
    const message = `the model is written and its types are right, but the runtime of this machine cannot run it: ${error.message}`;
    return refused('runtime', 'runtime-refused', message, path);
  }
}
