/** Whether an exported model loads, keeps the signature of the plan's model, and runs on every sample. */
import {
  originalFile,
  RuntimeFailure,
  withOptimized,
  type OpenedSession,
  type RuntimeFailureKind,
} from '../analysis/index.js';
import { missingTarget } from './missing-target.js';
import type { Work } from './open-work.js';
import { ranElsewhere, type RanElsewhere } from './ran-elsewhere.js';
import { guarded, refused, type Refused } from './problem.js';

export interface RanExported {
  /** Loads, keeps its signature and runs. */
  readonly runs: boolean;
  /** What is wrong with the signature; undefined where it is kept. */
  readonly wrong: string | undefined;
  /** What is to be known of how it was loaded. */
  readonly notes: readonly string[];
  /** What of it ran on another provider than the target. */
  readonly ran: RanElsewhere;
}

/** Runs the model at `path` on every sample of `work`; at a lower level of optimisation where it loads at one and does not run. */
export async function runExported(work: Work, path: string): Promise<RanExported | Refused> {
  return await guarded(work, async () => {
    const missing = await missingTarget(work);
    if (missing !== undefined) return missing;
    // Before anything of the written model: what fails of the original is none of its faults.
    await work.evaluation();
    const { plan, runtime, samples, signal, target, threads } = work;
    const options = {
      ...{ provider: target, threads },
      original: originalFile(runtime, plan.model.source.path, samples, signal),
      renew: () => {
        work.renew();
      },
    };
    try {
      const found = await withOptimized(runtime, path, options, signal, async (opened) => ({
        ...(await ranInSession(work, opened)),
        optimization: opened.optimization,
      }));
      const { optimization, ...result } = found;
      // Of what does not run it makes no difference where it does not.
      const placed = result.runs ? [{ name: '', path, optimization }] : [];
      return { ...result, ran: await ranElsewhere(work, placed) };
    } catch (error) {
      if (!(error instanceof RuntimeFailure) || !DOES_NOT_RUN.has(error.kind)) throw error;
      const message = `the model is written and its types are right, but the runtime of this machine cannot run it: ${error.message}`;
      return refused('runtime', `runtime-${error.kind}`, message, path);
    }
  });
}

/** At every level. */
const DOES_NOT_RUN: ReadonlySet<RuntimeFailureKind> = new Set(['refused', 'failed', 'crashed']);

async function ranInSession(
  work: Work,
  { session, notes }: OpenedSession,
): Promise<Omit<RanExported, 'ran'>> {
  const { runtime, signal, progress } = work;
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
}
