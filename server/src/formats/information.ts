/**
 * What each float format can hold: its fields, its range and its spacing. Knows no rounding and no arrays. The
 * integer formats have no entry here: they hold numbers only together with a scale.
 */
import { FORMAT_NAMES, type FloatFormatName, type FormatName } from './format.js';

export const FLOAT_FORMAT_NAMES: readonly FloatFormatName[] = FORMAT_NAMES.filter(
  (name): name is FloatFormatName => name !== 'int8' && name !== 'int4',
);

export interface FormatInformation {
  readonly name: FloatFormatName;
  readonly bits: number;
  readonly exponentBits: number;
  /** Stored significand bits; the leading one of a normal number is not stored. */
  readonly significandBits: number;
  readonly bias: number;
  /** What an exponent is an exponent of. */
  readonly radix: 2 | 4;
  /** The largest finite number. */
  readonly largest: number;
  /** The smallest positive number with the format's full precision. */
  readonly smallestNormal: number;
  /** The smallest positive number; `smallestNormal` where there are no subnormals. */
  readonly smallestSubnormal: number;
  /** Whether the numbers of exponent 0 are spaced evenly down to zero. */
  readonly hasSubnormals: boolean;
  /** The distance from 1 to the next larger number. */
  readonly epsilon: number;
  readonly hasInfinity: boolean;
  readonly hasNaN: boolean;
  /** Whether zero has a sign. */
  readonly hasNegativeZero: boolean;
  /** Where a number halfway between neighbours goes: to the one whose last bit is 0, or away from zero. */
  readonly ties: 'even' | 'away';
}

/**
 * What the codes with all exponent bits set are: infinities and NaNs (IEEE 754), numbers but for the last one,
 * which is NaN (E4M3FN) or NaN and infinity merged (DLFloat), or numbers all of them.
 */
type TopCodes = 'ieee' | 'last-is-nan' | 'numbers';

interface Layout {
  readonly name: FloatFormatName;
  readonly exponentBits: number;
  readonly significandBits: number;
  readonly top: TopCodes;
  /** The usual one of 2^(exponentBits - 1) - 1 where it is left out. */
  readonly bias?: number;
  /** Exponent 0 is a binade like any other, but for its first code, which is zero. */
  readonly noSubnormals?: true;
  /** The code of -0 is NaN. */
  readonly negativeZeroIsNaN?: true;
  readonly ties?: 'away';
}

function describe({ name, exponentBits, significandBits, top, ...more }: Layout): FormatInformation {
  const bias = more.bias ?? 2 ** (exponentBits - 1) - 1;
  const steps = 2 ** significandBits;
  const topExponent = 2 ** exponentBits - 1 - bias - (top === 'ieee' ? 1 : 0);
  const topSteps = steps - (top === 'last-is-nan' ? 2 : 1);
  const hasSubnormals = more.noSubnormals !== true;
  const smallestNormal = hasSubnormals ? 2 ** (1 - bias) : 2 ** -bias * (1 + 1 / steps);
  return {
    name,
    bits: 1 + exponentBits + significandBits,
    exponentBits,
    significandBits,
    bias,
    radix: 2,
    largest: 2 ** topExponent * (1 + topSteps / steps),
    smallestNormal,
    smallestSubnormal: hasSubnormals ? smallestNormal / steps : smallestNormal,
    hasSubnormals,
    epsilon: 1 / steps,
    hasInfinity: top === 'ieee',
    hasNaN: top !== 'numbers' || more.negativeZeroIsNaN === true,
    hasNegativeZero: more.negativeZeroIsNaN !== true,
    ties: more.ties ?? 'even',
  };
}

/**
 * IEEE 754-2019 for binary32 and binary16; bfloat16 is binary32 cut to 16 bits; the OCP 8-bit Floating Point
 * Specification for E4M3 and E5M2 (ONNX's FLOAT8E4M3FN and FLOAT8E5M2); the OCP Microscaling Formats
 * Specification for E2M1. `docs/formats.md` says where the sources of the others leave a choice, and what was chosen.
 *
 * - DLFloat: Agrawal et al., "DLFloat: A 16-b Floating Point Format Designed for Deep Learning Training and
 *   Inference" (ARITH 2019), and US patent 10656913.
 * - Hybrid FP8: Sun et al., "Hybrid 8-bit Floating Point (HFP8) Training and Inference for Deep Neural Networks"
 *   (NeurIPS 2019). Forward 1-4-3, its bias shifted by 4 to 11: from 2^-11 to 30. Backward 1-5-2.
 * - Radix-4 FP4: Sun et al., "Ultra-Low Precision 4-bit Training of Deep Neural Networks" (NeurIPS 2020): a sign,
 *   three bits of exponent to the base of 4, no significand.
 */
const INFORMATION: Readonly<Record<FloatFormatName, FormatInformation>> = {
  fp32: describe({ name: 'fp32', exponentBits: 8, significandBits: 23, top: 'ieee' }),
  fp16: describe({ name: 'fp16', exponentBits: 5, significandBits: 10, top: 'ieee' }),
  bf16: describe({ name: 'bf16', exponentBits: 8, significandBits: 7, top: 'ieee' }),
  fp8_e4m3: describe({ name: 'fp8_e4m3', exponentBits: 4, significandBits: 3, top: 'last-is-nan' }),
  fp8_e5m2: describe({ name: 'fp8_e5m2', exponentBits: 5, significandBits: 2, top: 'ieee' }),
  fp4_e2m1: describe({ name: 'fp4_e2m1', exponentBits: 2, significandBits: 1, top: 'numbers' }),
  dlfloat16: describe({
    name: 'dlfloat16',
    exponentBits: 6,
    significandBits: 9,
    top: 'last-is-nan',
    noSubnormals: true,
    ties: 'away',
  }),
  fp8_143: describe({
    name: 'fp8_143',
    exponentBits: 4,
    significandBits: 3,
    top: 'numbers',
    bias: 7 + 4,
    noSubnormals: true,
    negativeZeroIsNaN: true,
  }),
  fp8_152: describe({
    name: 'fp8_152',
    exponentBits: 5,
    significandBits: 2,
    top: 'last-is-nan',
    noSubnormals: true,
  }),
  fp4_radix4: {
    name: 'fp4_radix4',
    bits: 4,
    exponentBits: 3,
    significandBits: 0,
    bias: 4,
    radix: 4,
    largest: 4 ** 3,
    smallestNormal: 4 ** -3,
    smallestSubnormal: 4 ** -3,
    hasSubnormals: false,
    epsilon: 3,
    hasInfinity: false,
    hasNaN: false,
    hasNegativeZero: true,
    ties: 'away',
  },
};

/** Whether a format is one that `formatInformation` describes. */
export function isFloatFormat(name: FormatName): name is FloatFormatName {
  return Object.hasOwn(INFORMATION, name);
}

/** Fields, range and spacing of a format. */
export function formatInformation(name: FloatFormatName): FormatInformation {
  return INFORMATION[name];
}

/** The largest number that a format holds by itself: none for integers, whose scale reaches as far as their values. */
export function largestNumber(format: FormatName): number {
  return isFloatFormat(format) ? formatInformation(format).largest : Infinity;
}
