/**
 * The float formats of at most eight bits, by their definition: what each code means, and where between two numbers
 * rounding turns from one to the other. One number at a time; the arrays are in `small-arrays.ts`.
 */
import type { OverflowHandling, SmallFormatName } from './format.js';
import { type FormatInformation, formatInformation } from './information.js';

export interface SmallFormat {
  readonly information: FormatInformation;
  /** The non-negative finite numbers, ascending: the place of each is its code without a sign. */
  readonly magnitudes: Float64Array;
  /** FP32 bits of every code, NaN payloads included. Where there is no NaN, those of one follow after the last code. */
  readonly bits: Uint32Array;
  /** The bit of a code that is the sign. */
  readonly signBit: number;
  /** Infinity's code without a sign; undefined where there is none. */
  readonly infinityCode: number | undefined;
  /** A NaN's code without a sign, or with it where only one sign is NaN; undefined where there is none. */
  readonly nanCode: number | undefined;
}

const QUIET_NAN = 0x7fc00000;

/** How far the numbers go: the places of codes that are finite. */
function finiteCodes({
  bits,
  significandBits,
  hasInfinity,
  hasNaN,
  hasNegativeZero,
}: FormatInformation): number {
  const codes = 2 ** (bits - 1);
  if (hasInfinity) return codes - 2 ** significandBits;
  return hasNaN && hasNegativeZero ? codes - 1 : codes;
}

/** (-1)^S x 2^E x (1 + M), of which this is the magnitude; subnormals and powers of four as their formats have them. */
function magnitudeOf(information: FormatInformation, code: number): number {
  const { significandBits, bias, hasSubnormals, radix } = information;
  const exponent = code >>> significandBits;
  const fraction = (code & (2 ** significandBits - 1)) / 2 ** significandBits;
  if (code === 0) return 0;
  if (exponent === 0 && hasSubnormals) return 2 ** (1 - bias) * fraction;
  return radix ** (exponent - bias) * (1 + fraction);
}

function bitsOf(value: number): number {
  return new Uint32Array(new Float32Array([value]).buffer)[0] ?? 0;
}

function smallFormat(name: SmallFormatName): SmallFormat {
  const information = formatInformation(name);
  const { bits: width, significandBits, hasInfinity, hasNaN, hasNegativeZero } = information;
  const signBit = 2 ** (width - 1);
  const magnitudes = Float64Array.from({ length: finiteCodes(information) }, (_, code) =>
    magnitudeOf(information, code),
  );
  const bits = new Uint32Array(hasNaN ? 2 * signBit : 4 * signBit).fill(QUIET_NAN);
  for (let code = 0; code < 2 * signBit; code++) {
    const magnitude = code & (signBit - 1);
    const sign = code >= signBit ? 0x80000000 : 0;
    const value = magnitudes[magnitude];
    if (value !== undefined) {
      bits[code] = (sign | bitsOf(value)) >>> 0;
    } else {
      const payload = magnitude - magnitudes.length;
      bits[code] =
        (sign | (hasInfinity ? 0x7f800000 + (payload << (23 - significandBits)) : QUIET_NAN)) >>> 0;
    }
  }
  if (!hasNegativeZero) bits[signBit] = QUIET_NAN;
  const infinityCode = hasInfinity ? magnitudes.length : undefined;
  const nanCode = !hasNaN
    ? undefined
    : !hasNegativeZero
      ? signBit
      : hasInfinity
        ? magnitudes.length + 2 ** (significandBits - 1)
        : magnitudes.length;
  return { information, magnitudes, bits, signBit, infinityCode, nanCode };
}

const known = new Map<SmallFormatName, SmallFormat>();

/** The numbers and codes of a format; made once. */
export function smallFormatOf(name: SmallFormatName): SmallFormat {
  let format = known.get(name);
  if (format === undefined) {
    format = smallFormat(name);
    known.set(name, format);
  }
  return format;
}

/** The place of the largest number of the format that is not above a magnitude. */
export function floorCode({ magnitudes }: SmallFormat, magnitude: number): number {
  let low = 0;
  let high = magnitudes.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((magnitudes[middle] ?? Infinity) <= magnitude) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * The place of the number nearest to a finite magnitude. One past the last place stands for what is nearer to the
 * number that would follow the largest, if the format went on.
 */
export function nearestCode(format: SmallFormat, magnitude: number): number {
  const { magnitudes, information } = format;
  const code = floorCode(format, magnitude);
  const below = magnitudes[code] ?? 0;
  const above = magnitudes[code + 1] ?? follower(format);
  const toBelow = magnitude - below;
  const toAbove = above - magnitude;
  if (toBelow !== toAbove) return toBelow < toAbove ? code : code + 1;
  return information.ties === 'even' && code % 2 === 0 ? code : code + 1;
}

/** The number that would follow the largest. */
function follower({ magnitudes, information }: SmallFormat): number {
  const { largest, radix } = information;
  if (radix === 4) return 4 * largest;
  return largest + (largest - (magnitudes[magnitudes.length - 2] ?? 0));
}

/** The code of a place that `nearestCode` gave, where it is past the last. */
export function overflowCode(format: SmallFormat, overflow: OverflowHandling): number {
  const largest = format.magnitudes.length - 1;
  return overflow === 'saturate' ? largest : (format.infinityCode ?? format.nanCode ?? largest);
}
