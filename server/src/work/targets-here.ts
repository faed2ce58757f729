/** Which of the targets that a plan names this machine has, for whoever binds it: what an editor says of them, too. Runs no model of the user's. */
import { namedTargets, providerOf, RuntimeFailure, targetState, type Runtime } from '../analysis/index.js';
import type { FindTarget, FoundTarget, TracedPlan, UnboundPlan } from '../plan/index.js';

/**
 * Looks at each target of `plan` but the CPU, which is always there, by a model of one node. Undefined where there is nothing to look
 * at, and where there is no runtime that could tell.
 */
export async function targetsHere(
  plan: TracedPlan | UnboundPlan,
  { runtime, signal }: { readonly runtime: Runtime; readonly signal: AbortSignal },
): Promise<FindTarget | undefined> {
  if (plan.model === undefined) return undefined;
  const found = new Map<string, FoundTarget>();
  for (const target of namedTargets(plan)) {
    const provider = providerOf(target);
    if (provider === undefined || provider === 'cpu') continue;
    try {
      const state = await targetState(runtime, provider, signal, target.options);
      // How it adds up is another question, and takes longer.
      found.set(target.name, { ...state, sums: new Map() });
    } catch (error) {
      if (error instanceof RuntimeFailure && !signal.aborted) return undefined;
      throw error;
    }
  }
  return found.size === 0 ? undefined : ({ name }) => found.get(name);
}
