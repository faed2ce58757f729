/**
 * Other scores of layers that gradients give, for comparison: those of the Gauss-Newton Hessian of half the squared relative
 * error, and the first order of a loss. They have units of their own and are no errors. Pure.
 */
import type { Layer, RoundingEvent, RoundingEvents } from '../../plan/index.js';
import type { Sketch } from './known-sketch.js';

export interface HessianScore {
  readonly layer: Layer;
  /** Of the Hessian with respect to the layer's output, by Hutchinson's estimate; undefined where it rounds none. */
  readonly outputTrace: number | undefined;
  /** With respect to its constants; undefined for a layer without. */
  readonly weightTrace: number | undefined;
  /**
   * For each constant the mean of the Hessian's diagonal times the squared norm of what rounding changes, summed (Z. Dong et
   * al., "HAWQ-V2: Hessian aware trace-weighted quantization of neural networks", 2020): the squared relative error that the
   * change would bring about if its direction were one of chance. 0 for a layer without constants.
   */
  readonly weights: number;
  /** The same of all that the layer rounds by itself, what it reads and writes as well: in the paper, of activations. */
  readonly all: number;
}

/**
 * Of several outputs they are sums. Layers whose gradients are not known have none.
 *
 * @param sketch with `curvature`.
 */
export function hessianScores({ events, samples }: Sketch): readonly HessianScore[] {
  const eventsOf = eventsByLayer(events);
  return events.layers.flatMap((layer, place): HessianScore[] => {
    const own = eventsOf[place] ?? [];
    const isKnown = samples.every(({ states }) => own.every((event) => states[event] !== 'blocked'));
    if (events.covered[place] !== true || !isKnown) return [];
    const ofKind = (...kinds: readonly RoundingEvent['kind'][]): readonly number[] =>
      own.filter((event) => kinds.includes(events.events[event]?.kind ?? 'input'));
    const mean = (figure: 'curvature' | 'weighed', of: readonly number[]): number =>
      samples.reduce(
        (sum, sample) => sum + of.reduce((all, event) => all + infiniteOr(sample[figure][event]), 0),
        0,
      ) / samples.length;
    const trace = (kind: RoundingEvent['kind']): number | undefined =>
      ofKind(kind).length === 0 ? undefined : mean('curvature', ofKind(kind));
    return [
      {
        layer,
        outputTrace: trace('output'),
        weightTrace: trace('weight'),
        weights: mean('weighed', ofKind('weight')),
        all: mean('weighed', own),
      },
    ];
  });
}

/** By place of a layer: its events. */
function eventsByLayer({ events, layers }: RoundingEvents): readonly (readonly number[])[] {
  const found: number[][] = layers.map(() => []);
  for (const [event, { layer }] of events.entries()) found[layer]?.push(event);
  return found;
}

/** Of 0 times an infinite change nothing is known but that the change is infinite. */
function infiniteOr(value = 0): number {
  return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
}

/**
 * |g . dw|, mean over samples, where g is the gradient of a loss with respect to the layer's constants, and dw what rounding
 * changes in them; 0 for a layer without constants. Layers whose gradients are not known have none.
 *
 * @param sketch with `direction: 'output'`: half the squared norm of the output, relative to which the score is; or with
 *   `direction: 'loss'`: a loss against labels, in its own units.
 */
export function firstOrderScores({ events, samples }: Sketch): ReadonlyMap<Layer, number> {
  const eventsOf = eventsByLayer(events);
  return new Map(
    events.layers.flatMap((layer, place): [Layer, number][] => {
      const own = (eventsOf[place] ?? []).filter((event) => events.events[event]?.kind === 'weight');
      const isKnown = samples.every(({ states }) => own.every((event) => states[event] !== 'blocked'));
      if (events.covered[place] !== true || !isKnown) return [];
      const changes = samples.map(({ outputs }) =>
        outputs.reduce(
          (sum, { dots }) => sum + own.reduce((all, event) => all + Math.abs(dots[event] ?? 0), 0),
          0,
        ),
      );
      return [[layer, changes.reduce((sum, change) => sum + change, 0) / samples.length]];
    }),
  );
}
