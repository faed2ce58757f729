/**
 * How much of what layers were measured to do by themselves counts in a plan: what others have rounded is not rounded again. Knows how a plan's
 * layers stand to each format; neither what was measured nor how it is added up.
 */
import { isFloatFormat, type FormatName } from '../../formats/index.js';
import { LayerStand, type RoundingEvents } from '../../plan/index.js';
import type { OutputTable } from './event-table.js';
import type { PlannedOption } from './learnt-options.js';
import type { RunningErrors, SetErrors } from './set-errors.js';

/** What is known of one format that is sketched, and how the layers of a plan stand to it. */
export interface FormatErrors {
  readonly events: RoundingEvents;
  readonly tables: readonly OutputTable[];
  readonly running: RunningErrors;
  /** By place of a layer, `LayerStand`. */
  readonly stands: Uint8Array;
  /** By place of a layer, `WeightStand`. */
  readonly weights: Uint8Array;
}

type Shares = ReadonlyMap<number, readonly number[]>;

/**
 * The roundings with how much of each counts.
 *
 * @param roundings by place of a layer: what stands for all of its roundings.
 * @param found by format that is sketched: what was added up of the plan.
 * @param ways by place of a layer: 0 where it is as in the model.
 */
export function withShares(
  roundings: ReadonlyMap<number, PlannedOption>,
  found: readonly SetErrors[],
  formats: readonly FormatErrors[],
  ways: Int32Array,
): readonly PlannedOption[] {
  if (roundings.size === 0) return [];
  const others = sharesElsewhere(roundings, formats);
  const first = firstChanged(formats, ways);
  return [...roundings].map(([place, own]) => {
    const at = formats.findIndex(({ events }) => events.format === own.format);
    const shares = at < 0 ? others.get(own.format) : found[at]?.shares;
    return { ...own, shares: shares?.get(place), isSame: place === first };
  });
}

/**
 * The place of the layer before which nothing is computed otherwise than in the model: layers are in that order but for those inside others.
 * -1 where it cannot be told.
 */
function firstChanged([one]: readonly FormatErrors[], ways: Int32Array): number {
  const covered = one?.events.covered ?? [];
  const isInside = ways.some((way, place) => way !== 0 && covered[place] !== true);
  return isInside ? -1 : ways.findIndex((way) => way !== 0);
}

/**
 * By format that is not sketched: the shares of its layers as they would be in one that is. On three models in two formats each, 272 errors of
 * outputs with a few neighbours low were predicted as 1.13 of what was measured on average without that, as .94 with it, and intervals held
 * 97 % instead of 95 %.
 */
function sharesElsewhere(
  roundings: ReadonlyMap<number, PlannedOption>,
  formats: readonly FormatErrors[],
): ReadonlyMap<FormatName, Shares> {
  const [standIn] = formats;
  if (standIn === undefined) return new Map();
  const byFormat = new Map<FormatName, Set<number>>();
  for (const [place, { format }] of roundings) {
    // How much integers err in weights beside what they read is their quantizers' alone.
    if (!isFloatFormat(format) || formats.some(({ events }) => events.format === format)) continue;
    const known = byFormat.get(format) ?? new Set();
    byFormat.set(format, known.add(place));
  }
  return new Map(
    [...byFormat].map(([format, places]) => {
      // Whatever is low and not in this format is in another one.
      const stands = standIn.stands.map((stand) =>
        stand === LayerStand.exact ? stand : LayerStand.otherLow,
      );
      for (const place of places) stands[place] = LayerStand.low;
      return [format, standIn.running.sharesLike(stands, places)];
    }),
  );
}
