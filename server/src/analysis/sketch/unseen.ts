/**
 * Layers that an output depends on though no gradient says how: by steps, indices and choices, or through what is flat wherever
 * a sample lies. To first order they do nothing, which is no evidence that they do nothing. Pure.
 */
import type { Layer } from '../../plan/index.js';
import type { Sketch } from './known-sketch.js';

/**
 * Whether some output depends on the layer's values, while none of what it rounds reaches that output to first order.
 *
 * @param own the layer's events
 */
export function isUnseen(
  { samples, probes, outputs, dependence = [] }: Sketch,
  { nodeIndex }: Layer,
  own: readonly number[],
): boolean {
  return outputs.some((_, place) => {
    if (dependence[place]?.has(nodeIndex) !== true) return false;
    let isRounded = false;
    for (const sample of samples) {
      const { dots, diagonals } = sample.outputs[place] ?? {};
      for (const event of own) {
        // That it is blocked is said of it by others.
        if (sample.states[event] === 'blocked') return false;
        isRounded ||= sample.states[event] === 'unreached' || (sample.atoms[event] ?? 0) > 0;
        for (let at = event * probes; at < (event + 1) * probes; at++) {
          if ((dots?.[at] ?? 0) !== 0 || (diagonals?.[at] ?? 0) !== 0) return false;
        }
      }
    }
    return isRounded;
  });
}

/** The places of all of them among the sketch's layers. */
export function unseenPlaces(sketch: Sketch): readonly number[] {
  const eventsOf = eventsByLayer(sketch);
  return sketch.events.layers.flatMap((layer, place) =>
    isUnseen(sketch, layer, eventsOf[place] ?? []) ? [place] : [],
  );
}

/** The events of each layer of the sketch, by its place. */
export function eventsByLayer({ events }: Pick<Sketch, 'events'>): readonly (readonly number[])[] {
  const eventsOf: number[][] = events.layers.map(() => []);
  for (const [event, { layer }] of events.events.entries()) eventsOf[layer]?.push(event);
  return eventsOf;
}
