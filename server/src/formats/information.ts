/**
 * What each IEEE-like format can hold: its fields, its range and its spacing. Knows no rounding and no arrays.
 * Formats that are not laid out as sign, exponent and significand with subnormals (integers, DLFloat, the hybrid
 * FP8 pair, radix-4 FP4) have no entry here.
 */
import type { FormatName } from './format.js';

/** The formats with a sign, a biased exponent, a significand and subnormals. */
export const FLOAT_FORMAT_NAMES = ['fp32', 'fp16', 'bf16', 'fp8_e4m3', 'fp8_e5m2', 'fp4_e2m1'] as const;

export type FloatFormatName = (typeof FLOAT_FORMAT_NAMES)[number];

export interface FormatInformation {
  readonly name: FloatFormatName;
  readonly bits: number;
  readonly exponentBits: number;
  /** Stored significand bits; the leading one of a normal number is not stored. */
  readonly significandBits: number;
  readonly bias: number;
  /** The largest finite number. */
  readonly largest: number;
  readonly smallestNormal: number;
  readonly smallestSubnormal: number;
  /** The distance from 1 to the next larger number. */
  readonly epsilon: number;
  readonly hasInfinity: boolean;
  readonly hasNaN: boolean;
}

/**
 * What the codes with all exponent bits set are: infinities and NaNs (IEEE 754), numbers but for the last one,
 * which is NaN (the FN formats), or numbers all of them.
 */
type TopCodes = 'ieee' | 'last-is-nan' | 'numbers';

function describe(
  name: FloatFormatName,
  exponentBits: number,
  significandBits: number,
  topCodes: TopCodes,
): FormatInformation {
  const bias = 2 ** (exponentBits - 1) - 1;
  const steps = 2 ** significandBits;
  const topExponent = 2 ** exponentBits - 1 - bias - (topCodes === 'ieee' ? 1 : 0);
  const topSteps = steps - (topCodes === 'last-is-nan' ? 2 : 1);
  const smallestNormal = 2 ** (1 - bias);
  return {
    name,
    bits: 1 + exponentBits + significandBits,
    exponentBits,
    significandBits,
    bias,
    largest: 2 ** topExponent * (1 + topSteps / steps),
    smallestNormal,
    smallestSubnormal: smallestNormal / steps,
    epsilon: 1 / steps,
    hasInfinity: topCodes === 'ieee',
    hasNaN: topCodes !== 'numbers',
  };
}

/**
 * IEEE 754-2019 for binary32 and binary16; bfloat16 is binary32 cut to 16 bits; the OCP 8-bit Floating Point
 * Specification for E4M3 and E5M2 (ONNX's FLOAT8E4M3FN and FLOAT8E5M2); the OCP Microscaling Formats
 * Specification for E2M1.
 */
const INFORMATION: Readonly<Record<FloatFormatName, FormatInformation>> = {
  fp32: describe('fp32', 8, 23, 'ieee'),
  fp16: describe('fp16', 5, 10, 'ieee'),
  bf16: describe('bf16', 8, 7, 'ieee'),
  fp8_e4m3: describe('fp8_e4m3', 4, 3, 'last-is-nan'),
  fp8_e5m2: describe('fp8_e5m2', 5, 2, 'ieee'),
  fp4_e2m1: describe('fp4_e2m1', 2, 1, 'numbers'),
};

/** Whether a format is one that `formatInformation` describes. */
export function isFloatFormat(name: FormatName): name is FloatFormatName {
  return Object.hasOwn(INFORMATION, name);
}

/** Fields, range and spacing of a format. */
export function formatInformation(name: FloatFormatName): FormatInformation {
  return INFORMATION[name];
}
