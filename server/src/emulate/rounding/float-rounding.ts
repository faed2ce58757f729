/**
 * FP32 values to numbers of a float format, in nodes that every opset has: the bits are those of `formats/`, for every FP32
 * number. Knows formats and arithmetic; no graph.
 *
 * A magnitude a lies in a binade that begins with a power of two P. With q = (2^23 + 1) a, the difference of q and
 * (1 - 2^-24) q, each rounded to FP32, is P without a logarithm or a table (the unit in the first place: Rump, Ogita and
 * Oishi, "Accurate Floating-Point Summation", 2008). P gives the spacing s of the format there. Then a + 1.5 x 2^23 s - 1.5 x 2^23 s is the
 * nearest multiple of s, ties to even, by FP32's own rounding.
 */
import {
  formatInformation,
  type FloatFormatName,
  type FormatInformation,
  type OverflowHandling,
} from '../../formats/index.js';
import type { ArithmeticNodes } from './nodes.js';

/** Beyond every number of the formats, and small enough that (2^23 + 1) times it is no infinity. */
const LARGEST_HANDLED = 2 ** 90;
const BINADE_FACTOR = 2 ** 23 + 1;
const JUST_BELOW_ONE = 1 - 2 ** -24;
/** What makes the smallest difference that counts a number above 1. */
const LARGE = 2 ** 100;
/** Of FP32: bits of the significand that are stored. */
const FP32_BITS = 23;

export interface FloatRounding {
  /** Not BF16: its range is that of FP32, Cast rounds to it, and `drawn-bf16.ts` where that is drawn. */
  readonly format: Exclude<FloatFormatName, 'fp32' | 'bf16'>;
  readonly overflow: OverflowHandling;
  /** The seed of stochastic rounding; left out, to nearest. */
  readonly seed?: number;
}

/** Adds the rounding of `from`; the name of the result. */
export function addFloatRounding(nodes: ArithmeticNodes, from: string, rounding: FloatRounding): string {
  const information = formatInformation(rounding.format);
  const { seed } = rounding;
  const bounded = nodes.clip(from, -LARGEST_HANDLED, LARGEST_HANDLED);
  const magnitude = nodes.add('Abs', [bounded]);
  const draw = seed === undefined ? undefined : nodes.random(magnitude, seed);
  const rounded =
    information.radix === 4
      ? bySteps(nodes, magnitude, information, draw)
      : roundedMagnitude(nodes, magnitude, information, draw);
  const held = withinRange(nodes, from, rounded, information, rounding.overflow);
  const signed = nodes.add('Mul', [held, sign(nodes, bounded)]);
  // NaN stays NaN whatever Clip makes of it; an infinity is none here, since its reciprocal is 0.
  const whole = nodes.add('Add', [signed, nothingOrNaN(nodes, from)]);
  // -0 and 0 are 0.
  return information.hasNegativeZero ? whole : nodes.calculate('Add', whole, 0);
}

/** 1 or -1, also of zeros. */
export function sign(nodes: ArithmeticNodes, value: string): string {
  const reciprocal = nodes.add('Reciprocal', [value]);
  return nodes.clip(nodes.calculate('Mul', reciprocal, LARGE), -1, 1);
}

/** -0 for every number, so that adding it changes nothing; NaN for NaN. */
export function nothingOrNaN(nodes: ArithmeticNodes, value: string): string {
  const positive = nodes.calculate('Add', nodes.add('Abs', [value]), 1);
  return nodes.calculate('Mul', nodes.add('Reciprocal', [positive]), -0);
}

function roundedMagnitude(
  nodes: ArithmeticNodes,
  magnitude: string,
  information: FormatInformation,
  draw: string | undefined,
): string {
  const { bias, significandBits, hasSubnormals, smallestNormal, ties } = information;
  const leastSpacing = 2 ** ((hasSubnormals ? 1 - bias : -bias) - significandBits);
  const power = binadeBegin(nodes, magnitude);
  if (draw === undefined && ties === 'even') {
    const steps = 1.5 * 2 ** FP32_BITS;
    const wanted = nodes.calculate('Mul', power, steps * 2 ** -significandBits);
    const magic = nodes.clip(wanted, steps * leastSpacing, LARGE * steps);
    const rounded = nodes.add('Sub', [nodes.add('Add', [magnitude, magic]), magic]);
    if (hasSubnormals) return rounded;
    // Between zero and the smallest number there is nothing: half of it goes to zero, more to it.
    const atLeast = nodes.clip(rounded, smallestNormal, LARGE);
    return nodes.add('Mul', [atLeast, isAbove(nodes, magnitude, smallestNormal / 2)]);
  }
  const spacing = nodes.clip(nodes.calculate('Mul', power, 2 ** -significandBits), leastSpacing, LARGE);
  const inSteps = nodes.add('Mul', [magnitude, nodes.add('Reciprocal', [spacing])]);
  if (draw === undefined) {
    const whole = nodes.add('Floor', [nodes.calculate('Add', inSteps, 0.5)]);
    const rounded = nodes.add('Mul', [whole, spacing]);
    return nodes.add('Mul', [rounded, isAbove(nodes, rounded, pred(smallestNormal))]);
  }
  const drawn = nodes.add('Mul', [drawnSteps(nodes, inSteps, draw), spacing]);
  if (hasSubnormals) return drawn;
  const inSmallest = nodes.calculate('Div', nodes.clip(magnitude, 0, smallestNormal), smallestNormal);
  const isNumber = isAbove(nodes, magnitude, pred(smallestNormal));
  const isLess = nodes.calculate('Mul', nodes.calculate('Sub', isNumber, 1), -smallestNormal);
  return nodes.add('Add', [
    nodes.add('Mul', [drawn, isNumber]),
    nodes.add('Mul', [drawnSteps(nodes, inSmallest, draw), isLess]),
  ]);
}

/** The largest power of two that is not above a magnitude; exact. */
export function binadeBegin(nodes: ArithmeticNodes, magnitude: string): string {
  const large = nodes.calculate('Mul', magnitude, BINADE_FACTOR);
  return nodes.add('Sub', [large, nodes.calculate('Mul', large, JUST_BELOW_ONE)]);
}

/** Whole steps: those below, and one more as often as what is left over is near to it. */
export function drawnSteps(nodes: ArithmeticNodes, steps: string, draw: string): string {
  const below = nodes.add('Floor', [steps]);
  const rest = nodes.add('Sub', [steps, below]);
  return nodes.add('Add', [below, nodes.add('Floor', [nodes.add('Add', [rest, draw])])]);
}

/** 1 where a value is above a threshold, else 0. */
export function isAbove(nodes: ArithmeticNodes, value: string, threshold: number): string {
  const difference = nodes.calculate('Sub', value, threshold);
  return nodes.clip(nodes.calculate('Mul', difference, LARGE), 0, 1);
}

/** The FP32 number before a positive one. */
function pred(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer);
  return new Float32Array(Uint32Array.of((bits[0] ?? 0) - 1).buffer)[0] ?? 0;
}

/** A format of few numbers, far apart: each that is reached adds what it is more than the one before. */
function bySteps(
  nodes: ArithmeticNodes,
  magnitude: string,
  { smallestNormal, largest, radix }: FormatInformation,
  draw: string | undefined,
): string {
  const parts: string[] = [];
  for (let below = 0, number = smallestNormal; number <= largest; below = number, number *= radix) {
    const step = number - below;
    const middle = below + step / 2;
    const share =
      draw === undefined
        ? isAbove(nodes, magnitude, pred(middle))
        : nodes.add('Floor', [
            nodes.add('Add', [
              nodes.clip(nodes.calculate('Div', nodes.calculate('Sub', magnitude, below), step), 0, 1),
              draw,
            ]),
          ]);
    parts.push(nodes.calculate('Mul', share, step));
  }
  return nodes.add('Sum', parts);
}

/** What the format has for magnitudes beyond the largest, and for infinities. */
function withinRange(
  nodes: ArithmeticNodes,
  from: string,
  rounded: string,
  { name, largest, hasInfinity, hasNaN, significandBits }: FormatInformation,
  overflow: OverflowHandling,
): string {
  if (overflow === 'saturate' || !(hasInfinity || hasNaN)) {
    const held = nodes.clip(rounded, 0, largest);
    // The OCP specification saturates infinities of E4M3 and E5M2 too.
    const isLargest = name === 'fp8_e4m3' || name === 'fp8_e5m2' || !hasNaN;
    if (isLargest) return held;
    const infinite = nodes.add('Sub', [nodes.add('Abs', [from]), nodes.add('Abs', [from])]);
    return hasInfinity ? held : nodes.add('Add', [held, infinite]);
  }
  if (hasInfinity) {
    // What follows the largest number is a power of two, and this makes it FP32's infinity.
    const factor = 2 ** (127 - Math.floor(Math.log2(largest)));
    return nodes.calculate('Mul', nodes.calculate('Mul', rounded, factor), 1 / factor);
  }
  const follower = largest + 2 ** (Math.floor(Math.log2(largest)) - significandBits);
  const large = nodes.calculate('Mul', rounded, Math.fround(2 ** 128 / ((largest + follower) / 2)));
  return nodes.add('Add', [rounded, nodes.add('Sub', [large, large])]);
}
