/** The layers of a plan that round nothing themselves: what they read is rounded already, and they make no new numbers. */
import type { LowFormatName } from '../../formats/index.js';
import { LayerStand, roundingEvents, type BoundPlan, type Layer } from '../../plan/index.js';

/** Of the layers that the plan puts into `format`, those that cause no rounding of their own. */
export function quietLayers(plan: BoundPlan, format: LowFormatName): ReadonlySet<Layer> {
  const possible = roundingEvents(plan.model, plan.layers, format);
  const { events, covered } = possible;
  const stands = Uint8Array.from(plan.decisions, (decision) => {
    if (decision.format === format) return LayerStand.low;
    return decision.format === 'fp32' || decision.format === 'original'
      ? LayerStand.exact
      : LayerStand.otherLow;
  });
  const triggered = new Uint8Array(events.length);
  possible.trigger(stands, triggered);
  const loud = new Set(events.flatMap(({ layer }, index) => (triggered[index] === 1 ? [layer] : [])));
  return new Set(
    plan.layers.filter(
      (_, place) => stands[place] === LayerStand.low && covered[place] === true && !loud.has(place),
    ),
  );
}
