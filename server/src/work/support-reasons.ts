/** Layers that a target of the plan does not run in the format that the plan gives them, as reasons to look at them. Pure. */
import { insteadOf, isLacking, type Reason, type SupportOnTarget } from '../analysis/index.js';
import type { BoundPlan, Layer } from '../plan/index.js';

/** By layer; what is not known of a target says nothing. */
export function supportReasons(
  { decisions }: Pick<BoundPlan, 'decisions'>,
  found: readonly SupportOnTarget[],
): ReadonlyMap<Layer, readonly Reason[]> {
  const reasons = new Map<Layer, readonly Reason[]>();
  for (const { layer, format } of decisions) {
    const own = found.flatMap(({ target, format: tried, layers }): Reason[] => {
      const outcome = tried === format ? layers.get(layer.name) : undefined;
      if (outcome === undefined || !isLacking(outcome)) return [];
      const sentence = `${target} does not run it in ${format}: it runs ${insteadOf(outcome, target, format)}`;
      return [{ code: 'unsupported-on-target', sentence, flags: true }];
    });
    if (own.length > 0) reasons.set(layer, own);
  }
  return reasons;
}
