/** The fastest settings of a session for a written model, kept in a file beside it. */
import { basename } from 'node:path';
import { tuneSession, type SessionTuning } from '../analysis/index.js';
import { missingTarget } from './missing-target.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, refused, type Refused } from './problem.js';
import { replaceFile } from './replace-file.js';

export interface TunedSession {
  readonly tuning: SessionTuning;
  /** The file that was written. */
  readonly path: string;
}

/** Timed runs of each setting. */
const RUNS = 30;

/** The file beside a model that says how its session is best opened. */
export function sessionFile(model: string): string {
  return `${model}.session.json`;
}

/** Tries settings for the model at `model` on the first sample, and writes the best to `sessionFile(model)`. */
export async function tuneExportedSession(work: Work, model: string): Promise<TunedSession | Refused> {
  const { runtime, samples, target: provider, signal, progress } = work;
  const [sample] = samples;
  if (sample === undefined) return refused('input', 'samples-unusable', 'there is no sample to time', model);
  return await guarded(work, async () => {
    const missing = await missingTarget(work);
    if (missing !== undefined) return missing;
    const tuning = await tuneSession(runtime, model, sample, { provider, runs: RUNS, signal, progress });
    const path = sessionFile(model);
    const written = await replaceFile(path, settingsText(model, tuning));
    return isRefused(written) ? written : { tuning, path };
  });
}

/** Under ONNX Runtime's own names for the options of a session. */
function settingsText(model: string, { best, usual }: SessionTuning): string {
  const settings = {
    model: basename(model),
    executionProviders: [best.provider],
    graphOptimizationLevel: best.optimization,
    intraOpNumThreads: best.threads,
    medianMilliseconds: best.median,
    usualMedianMilliseconds: usual.median,
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}
