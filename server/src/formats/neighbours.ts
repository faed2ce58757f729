/** Where a number falls between the numbers of a format, for people to look at. One number at a time. */
import type { FloatFormatName, OverflowHandling } from './format.js';
import { formatInformation } from './information.js';
import { isSmall, roundTo, spacingAt } from './rounding.js';
import { floorCode, smallFormatOf } from './small-numbers.js';

export interface Neighbours {
  /** What the value becomes: the nearest number of the format, or what the format has for what is beyond its range. */
  readonly rounded: number;
  /** The largest number of the format that is not above the value; the value itself where the format holds it. */
  readonly below: number;
  /** The smallest number of the format that is not below the value. */
  readonly above: number;
  /** `rounded` minus the value. */
  readonly error: number;
}

/** The numbers of the format next to a finite magnitude, towards zero and away from it; the magnitude twice if it is one. */
function around(format: FloatFormatName, magnitude: number): readonly [number, number] {
  const { largest, smallestSubnormal, hasSubnormals } = formatInformation(format);
  if (magnitude > largest) return [largest, Infinity];
  if (!hasSubnormals && magnitude > 0 && magnitude < smallestSubnormal) return [0, smallestSubnormal];
  if (isSmall(format)) {
    const small = smallFormatOf(format);
    const code = floorCode(small, magnitude);
    const below = small.magnitudes[code] ?? 0;
    return below === magnitude ? [below, below] : [below, small.magnitudes[code + 1] ?? Infinity];
  }
  const spacing = spacingAt(format, magnitude);
  const below = Math.floor(magnitude / spacing) * spacing;
  if (below === magnitude) return [below, below];
  return [below, below === largest ? Infinity : below + spacing];
}

/**
 * What becomes of `value` in `format`, and the two numbers of the format that it lies between: infinite where the
 * format has no number further out. NaN gives NaN throughout, and an infinity itself for neighbours.
 */
export function neighbours(
  format: FloatFormatName,
  value: number,
  overflow: OverflowHandling = 'inf',
): Neighbours {
  const rounded = roundTo(format, value, overflow);
  if (!Number.isFinite(value)) {
    return { rounded, below: value, above: value, error: rounded === value ? 0 : rounded - value };
  }
  const [near, far] = around(format, Math.abs(value));
  const error = rounded - value;
  // Zero keeps the sign that the value has, where the format has signs of zero.
  const signed = (magnitude: number): number =>
    magnitude === 0 && !formatInformation(format).hasNegativeZero ? 0 : -magnitude;
  return value < 0 || Object.is(value, -0)
    ? { rounded, below: signed(far), above: signed(near), error }
    : { rounded, below: near, above: far, error };
}
