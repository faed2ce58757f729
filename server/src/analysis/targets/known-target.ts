/**
 * What is known of a target: whether it is there, which is looked at anew, since a driver may come and go; and how it adds up,
 * which is kept for the runtime's version, the provider with its options and the device. Knows no model of the user's.
 */
import type { FoundTarget, PlanTarget } from '../../plan/index.js';
import {
  circumstanceOf,
  PROVIDERS,
  RuntimeFailure,
  type Provider,
  type Runtime,
} from '../../runtime/index.js';
import type { Store } from '../../store/index.js';
import { findAccumulation, foundSums, type FoundAccumulation } from './accumulation.js';
import { targetRecipe } from './target-recipe.js';
import { targetState, type TargetState } from './target-states.js';

export interface KnownTarget extends FoundTarget, TargetState {
  /** Operator by operator; empty for a target that is not usable, and where the experiments came to no end. */
  readonly accumulation: readonly FoundAccumulation[];
}

export interface KnownTargetOptions {
  /** Left out, every experiment is made anew. */
  readonly store?: Store | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The provider that a plan's target is; undefined for a name that no provider has. */
export function providerOf({ name }: Pick<PlanTarget, 'name'>): Provider | undefined {
  return PROVIDERS.find((provider) => provider === name);
}

/** The state of a target and how it adds up. A runtime that cannot be started at all throws its `RuntimeFailure`. */
export async function knownTarget(
  runtime: Runtime,
  name: Provider,
  providerOptions: PlanTarget['options'],
  { store, signal }: KnownTargetOptions = {},
): Promise<KnownTarget> {
  const state = await targetState(runtime, name, signal, providerOptions);
  const accumulation = state.usable
    ? await knownAccumulation(runtime, name, providerOptions, { store, signal })
    : [];
  return { ...state, accumulation, sums: foundSums(accumulation) };
}

const KIND = 'target-sums';

async function knownAccumulation(
  runtime: Runtime,
  name: Provider,
  providerOptions: PlanTarget['options'],
  { store, signal }: KnownTargetOptions,
): Promise<readonly FoundAccumulation[]> {
  const recipe = targetRecipe(await runtime.information(signal), name, providerOptions);
  const known = await store?.get(KIND, recipe);
  if (known !== undefined) return known as readonly FoundAccumulation[];
  try {
    const found = await findAccumulation(runtime, name, { signal, providerOptions });
    await store?.put(KIND, recipe, found);
    return found;
  } catch (error) {
    // The process died under it, or memory was short: nothing is known, and nothing kept.
    if (error instanceof RuntimeFailure && circumstanceOf(error) !== undefined) return [];
    throw error;
  }
}

/**
 * How a target adds up, as far as that is kept, for whoever starts no experiment: it counts as usable, since it was when that
 * was found.
 */
export async function storedTarget(
  runtime: Runtime,
  name: Provider,
  providerOptions: PlanTarget['options'],
  { store, signal }: KnownTargetOptions,
): Promise<FoundTarget | undefined> {
  if (store === undefined) return undefined;
  const recipe = targetRecipe(await runtime.information(signal), name, providerOptions);
  const known = await store.get(KIND, recipe);
  if (known === undefined) return undefined;
  const sums = foundSums(known as readonly FoundAccumulation[]);
  return { usable: true, summary: `${name} was found on this machine before.`, advice: undefined, sums };
}
