/** The number formats by name, and how values that they do not hold become values that they do. Imports nothing of ours. */

/** The formats that a layer loses something in. */
export const LOW_FORMAT_NAMES = [
  'fp16',
  'bf16',
  'fp8_e4m3',
  'fp8_e5m2',
  'fp4_e2m1',
  'int8',
  'int4',
  'dlfloat16',
  'fp8_143',
  'fp8_152',
  'fp4_radix4',
] as const;

export type LowFormatName = (typeof LOW_FORMAT_NAMES)[number];

export const FORMAT_NAMES = ['fp32', ...LOW_FORMAT_NAMES] as const;

export type FormatName = (typeof FORMAT_NAMES)[number];

/** The formats that are types in which operators compute. */
export type RunFormat = 'fp32' | 'fp16' | 'bf16';

/** The formats that hold numbers only together with a scale. */
export type IntegerFormatName = 'int8' | 'int4';

/** The formats whose codes are numbers by themselves. */
export type FloatFormatName = Exclude<FormatName, IntegerFormatName>;

/** The float formats of at most eight bits: few enough numbers to have each in a table. */
export type SmallFormatName = Exclude<FloatFormatName, RunFormat | 'dlfloat16'>;

/**
 * What becomes of a finite number beyond a format's range: the largest number (`saturate`), or what the format has
 * for it (`inf`): an infinity, a NaN where it has no infinity, and the largest number where it has neither.
 */
export type OverflowHandling = 'inf' | 'saturate';
