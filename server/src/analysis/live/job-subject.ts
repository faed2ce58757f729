/** The samples that a job measures a plan on, and by what results of the two are told apart. Knows no step of the work. */
import type { BoundPlan } from '../../plan/index.js';
import { identify, type Identity } from '../remembered.js';
import { resolvePlanSamples, type Sample } from '../samples/index.js';
import type { WatchedFiles } from '../watched-files.js';
import type { JobContext } from './job-context.js';
import { checkFiles } from './job-steps.js';

export async function identityOf(
  { runtime, store }: JobContext,
  plan: BoundPlan,
  samples: readonly Sample[],
  files: WatchedFiles,
  signal: AbortSignal,
): Promise<Identity> {
  const identity = await identify(plan.model, samples, runtime, store, signal);
  if (!('problem' in identity)) return identity;
  checkFiles(files);
  throw new Error(identity.problem.message);
}

export async function usableSamples(plan: BoundPlan, signal: AbortSignal): Promise<readonly Sample[]> {
  const { samples, problems } = await resolvePlanSamples(plan, signal);
  const wrong = problems.find((problem) => problem.severity === 'error');
  if (wrong !== undefined) throw new Error(wrong.message);
  return samples;
}
