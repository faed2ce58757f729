/**
 * The samples of a plan with the truth of each, where a metric of the user's own is there to be told it. Only then are labels
 * part of the samples, and so of what results are kept under.
 */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { BoundPlan } from '../../plan/index.js';
import { readLabels } from './labels.js';
import { resolveSamples } from './resolve.js';
import type { ResolvedSamples } from './types.js';

export type SampledPlan = Pick<BoundPlan, 'path' | 'inputs' | 'labels' | 'tolerances'>;

/** The glob of the labels that tolerances of the plan need; undefined where none does. */
export function neededLabels({ labels, tolerances }: SampledPlan): string | undefined {
  return tolerances.some(({ metric }) => metric.own !== undefined) ? labels?.glob : undefined;
}

/** As `resolveSamples`. Labels that cannot be read leave no sample, with a problem at the statement that names them. */
export async function resolvePlanSamples(plan: SampledPlan, signal?: AbortSignal): Promise<ResolvedSamples> {
  const folder = dirname(plan.path);
  const resolved = await resolveSamples(plan.inputs, folder, signal);
  const glob = neededLabels(plan);
  const isWrong = resolved.problems.some(({ severity }) => severity === 'error');
  if (glob === undefined || plan.labels === undefined || isWrong) return resolved;
  const read = await readLabels(glob, folder, resolved.samples.length);
  signal?.throwIfAborted();
  if (!read.ok) {
    const { path, range } = plan.labels.source;
    const statement = { path, range, valueRange: range };
    const problem = { ...read.fault, severity: 'error', input: '', statement } as const;
    return { samples: [], problems: [...resolved.problems, problem] };
  }
  const samples = resolved.samples.map((sample, at) => {
    const { values = new Float64Array(0), key = '' } = read.value[at] ?? {};
    const both = createHash('sha256').update(`${sample.key} ${key}`).digest('hex');
    return { ...sample, label: [...values], key: both };
  });
  return { samples, problems: resolved.problems };
}
