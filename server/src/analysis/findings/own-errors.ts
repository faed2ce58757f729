/**
 * What a layer errs by where it rounds: read off a sketch, which has the norms of all roundings, where nobody ran the layer by itself.
 * Pure; knows nothing of what becomes of these errors.
 */
import { scaledInputs, type Layer } from '../../plan/index.js';
import { relativeErrors, type RelativeErrors } from '../errors/relative-errors.js';
import type { Sketch } from '../sketch/index.js';

/** An error of the layer's own, relative to its exact values. */
export interface OwnError extends RelativeErrors {
  /**
   * `output`: of its output, as it was run. `about-output`: of its output, by the roundings of what it reads, holds and writes, but for
   * what its inputs cancel out. `roundings`: of what it rounds alone, as its operator may make any error of that.
   */
  readonly of: 'output' | 'about-output' | 'roundings';
}

/**
 * The errors of the sketch's layers, but for those that round nothing in it, or whose roundings it does not have all: those that no
 * gradient reaches. Roundings of one layer are taken to be independent.
 */
export function sketchedOwnErrors({ events, samples }: Sketch): ReadonlyMap<Layer, OwnError> {
  const eventsOf: number[][] = events.layers.map(() => []);
  for (const [event, { layer }] of events.events.entries()) eventsOf[layer]?.push(event);
  return new Map(
    events.layers.flatMap((layer, place): [Layer, OwnError][] => {
      const own = eventsOf[place] ?? [];
      const isWhole = samples.every(({ states }) => own.every((event) => states[event] === 'sketched'));
      if (own.length === 0 || samples.length === 0 || !isWhole) return [];
      const sums = samples.map(({ atoms, exact }) => {
        const squares = own.map((event) => relativeSquare(atoms[event] ?? 0, exact[event] ?? 0));
        return { error: squares.reduce((sum, square) => sum + square, 0), norm: 1 };
      });
      const passesOn = scaledInputs(layer.node) !== undefined;
      const isOfOutput = passesOn || own.every((event) => events.events[event]?.kind !== 'input');
      return [[layer, { ...relativeErrors(sums), of: isOfOutput ? 'about-output' : 'roundings' }]];
    }),
  );
}

/** Of zeros there is no error: they are representable. */
function relativeSquare(error: number, norm: number): number {
  return error === 0 ? 0 : error / norm;
}
