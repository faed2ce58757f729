/** The targets of a plan as a piece of work has them: how they add up, and their options. Knows no sample. */
import {
  addsUpSomewhere,
  withTargetSums,
  type BoundPlan,
  type FoundTarget,
  type PlanTarget,
} from '../../plan/index.js';
import {
  withProviderOptions,
  type Provider,
  type ProviderOptions,
  type Runtime,
} from '../../runtime/index.js';
import type { Store } from '../../store/index.js';
import {
  knownTarget,
  providerOf,
  storedTarget,
  type KnownTarget,
  type KnownTargetOptions,
} from './known-target.js';

/** The plan with its layers adding up as its targets were found to, where it leaves that open. */
export async function withKnownSums<P extends BoundPlan>(
  plan: P,
  runtime: Runtime,
  options: KnownTargetOptions,
): Promise<P> {
  if (!leavesSumsOpen(plan)) return plan;
  const known = new Map<PlanTarget, KnownTarget>();
  for (const target of plan.targets) {
    const provider = target.isAssumed === true ? undefined : providerOf(target);
    if (provider !== undefined) {
      known.set(target, await knownTarget(runtime, provider, target.options, options));
    }
  }
  return withTargetSums(plan, (target) => known.get(target));
}

/** The same as far as it is kept: nothing is tried. */
export async function withStoredSums<P extends BoundPlan>(
  plan: P,
  runtime: Runtime,
  store: Store,
): Promise<P> {
  if (!leavesSumsOpen(plan)) return plan;
  const known = new Map<PlanTarget, FoundTarget>();
  for (const target of plan.targets) {
    const provider = target.isAssumed === true ? undefined : providerOf(target);
    if (provider === undefined) continue;
    const found = await storedTarget(runtime, provider, target.options, { store });
    if (found !== undefined) known.set(target, found);
  }
  return withTargetSums(plan, (target) => known.get(target));
}

/** Whether how a target adds up would change what the plan, or a plan of its model, does. */
function leavesSumsOpen(plan: BoundPlan): boolean {
  return plan.accumulate === undefined && addsUpSomewhere(plan);
}

/** A runtime whose sessions on the plan's targets have the options that the plan gives them. */
export function withOptionsOf(targets: readonly PlanTarget[], runtime: Runtime): Runtime {
  const options = targets.flatMap((target): [Provider, ProviderOptions][] => {
    const provider = providerOf(target);
    return provider === undefined || target.options === undefined ? [] : [[provider, target.options]];
  });
  return withProviderOptions(runtime, new Map(options));
}
