/**
 * `amp`: the layers that the lists of automatic mixed precision put into the low format, all or none. The field's practice:
 * no search, so that it costs one measurement, and may not hold where a search would find something that does.
 */
import { ampLayers, type AmpStanding, type BoundPlan, type Layer } from '../plan/index.js';
import type { Trials } from './trial.js';

/** Gives the layers of the lists, of `candidates`, if they hold; undefined where they do not. Pinned layers stay as they are. */
export async function amp(
  trials: Pick<Trials, 'holds'>,
  chosen: ReadonlySet<Layer>,
): Promise<ReadonlySet<Layer> | undefined> {
  return (await trials.holds(chosen)) ? chosen : undefined;
}

/** What the lists choose of `candidates`; the other layers are what the plan makes of them. */
export function ampChoice(plan: BoundPlan, candidates: readonly Layer[], format: string): ReadonlySet<Layer> {
  const open = new Set(candidates);
  const pinnedLow = new Set(
    plan.decisions.flatMap((one) => (one.pinned && one.format === format ? [one.layer] : [])),
  );
  const standing = (layer: Layer): AmpStanding => {
    if (open.has(layer)) return 'open';
    return pinnedLow.has(layer) ? 'low' : 'kept';
  };
  const choices = ampLayers(plan.model, plan.layers, standing);
  return new Set(candidates.filter((layer) => choices.get(layer)?.isLow === true));
}
