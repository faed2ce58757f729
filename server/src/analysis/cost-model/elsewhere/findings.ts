/** What is to be said of profiles that were taken elsewhere, at the statements that name them: what of them belongs to no layer. Pure. */
import type { Diagnostic } from '../../../language/index.js';
import { finish, type Steps } from '../../../onnx/index.js';
import type { BoundPlan } from '../../../plan/index.js';
import { formatPercent } from '../../findings/number-text.js';
import { mappedSources } from './elsewhere-cost-model.js';

/** Less than this of a run is no reason to speak. */
const WORTH_SAYING = 0.05;
/** Kernels that are named. */
const NAMED = 3;

/** `latency-unmapped`: nothing of a profile belongs to the model, or more than a few percent of it do not. */
export function latencySourceFindings(plan: BoundPlan): readonly Diagnostic[] {
  return finish(latencySourceFindingSteps(plan));
}

/** The same a little at a time. */
export function* latencySourceFindingSteps(plan: BoundPlan): Steps<readonly Diagnostic[]> {
  const sources = yield* mappedSources(plan, plan.latencySources ?? []);
  return sources.flatMap(({ source, mapped: profile }): Diagnostic[] => {
    const { layers, unmapped, unmappedKernels } = profile;
    const kernels = source.profile.kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const total = source.profile.runs.length > 0 ? profile.whole : kernels;
    const named = unmappedKernels.slice(0, NAMED).map((name) => `"${name}"`);
    const more = unmappedKernels.length - named.length;
    const listed = `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    const place = {
      range: source.source.range,
      ...(source.source.path === plan.path ? {} : { path: source.source.path }),
    };
    if (layers.size === 0) {
      const message =
        `no kernel in this profile bears the name of a layer of this model (${listed}): is it a profile of another model, or of one ` +
        'whose nodes were renamed? Latencies are those of no device until it is replaced or removed';
      return [{ code: 'latency-unmapped', severity: 'warning', message, ...place }];
    }
    if (!(unmapped > WORTH_SAYING * total)) return [];
    const message = `${formatPercent(unmapped / total)} of this profile belongs to no layer of this model, and is counted to none: ${listed}`;
    return [{ code: 'latency-unmapped', severity: 'information', message, ...place }];
  });
}
