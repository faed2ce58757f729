/**
 * Stochastic rounding: a number between two neighbours of a format becomes the upper one as often as it is near to it,
 * so that the mean of many roundings is the number itself. Whole FP32 arrays; the bits come from a seeded generator.
 */
import type { FloatFormatName, OverflowHandling, RunFormat, SmallFormatName } from './format.js';
import { formatInformation } from './information.js';
import type { RandomBits } from './random.js';
import { isSmall, roundArray, roundTo } from './rounding.js';
import { floorCode, smallFormatOf } from './small-numbers.js';

/** What 32 random bits are compared with: a draw is below a share of it that often. */
const DRAWS = 2 ** 32;

type EvenlySpaced = RunFormat | 'dlfloat16';

/**
 * Every number of an FP32 array to one of its two neighbours in `format`, as FP32 numbers. Numbers that the format holds,
 * infinities and NaN become what rounding to nearest makes of them. A number above the largest lies between that and the
 * one that would follow it, and is handled as overflow where it becomes the upper. `out` may be `values` itself.
 */
export function roundArrayStochastically(
  format: FloatFormatName,
  values: Float32Array,
  random: RandomBits,
  out: Float32Array = new Float32Array(values.length),
  overflow: OverflowHandling = 'inf',
): Float32Array {
  if (format === 'fp32') return roundArray(format, values, out);
  const { largest, hasInfinity, hasNaN, hasNegativeZero } = formatInformation(format);
  const beyond = overflow === 'saturate' || !(hasInfinity || hasNaN) ? largest : hasInfinity ? Infinity : NaN;
  const ofInfinity = roundTo(format, Infinity, overflow);
  const pick = isSmall(format) ? smallPicker(format, random) : evenPicker(format, random);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    const magnitude = Math.abs(value);
    let rounded: number;
    if (magnitude < Infinity) {
      rounded = pick(magnitude);
      if (rounded > largest) rounded = beyond;
    } else {
      rounded = magnitude === Infinity ? ofInfinity : NaN;
    }
    const negative = value < 0 || (value === 0 && 1 / value < 0);
    out[i] = negative && (rounded !== 0 || hasNegativeZero) ? -rounded : rounded;
  }
  return out;
}

/** One of the two neighbours of a finite magnitude; far beyond the range, something beyond it. */
type Picker = (magnitude: number) => number;

function evenPicker(format: EvenlySpaced, random: RandomBits): Picker {
  const { bias, significandBits, hasSubnormals, smallestNormal, largest } = formatInformation(format);
  const lowest = hasSubnormals ? 1 - bias : -bias;
  // By the exponent of the FP32 number; its subnormals, of exponent 0, are spaced like the binade above.
  const spacings = Float64Array.from(
    { length: 255 },
    (_, exponent) => 2 ** (Math.max(Math.max(exponent, 1) - 127, lowest) - significandBits),
  );
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  return (magnitude) => {
    if (magnitude > 2 * largest) return Infinity;
    single[0] = magnitude;
    const spacing =
      !hasSubnormals && magnitude < smallestNormal
        ? smallestNormal
        : (spacings[(bits[0] ?? 0) >>> 23] ?? Infinity);
    const steps = magnitude / spacing;
    const below = Math.floor(steps);
    return steps > below && random.next() < (steps - below) * DRAWS ? (below + 1) * spacing : below * spacing;
  };
}

function smallPicker(format: SmallFormatName, random: RandomBits): Picker {
  const small = smallFormatOf(format);
  const { magnitudes, information } = small;
  const last = magnitudes.length - 1;
  const { largest, radix } = information;
  const follower = radix === 4 ? 4 * largest : 2 * largest - (magnitudes[last - 1] ?? 0);
  return (magnitude) => {
    if (magnitude >= follower) return Infinity;
    const code = floorCode(small, magnitude);
    const below = magnitudes[code] ?? 0;
    if (below === magnitude) return below;
    const above = magnitudes[code + 1] ?? follower;
    return random.next() < ((magnitude - below) / (above - below)) * DRAWS ? above : below;
  };
}
