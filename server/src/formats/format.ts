/** The number formats by name. Pure; imports nothing of ours. */

export const FORMAT_NAMES = [
  'fp32',
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

export type FormatName = (typeof FORMAT_NAMES)[number];

/** The formats that a layer can run in and be exported in today. */
export type RunFormat = 'fp32' | 'fp16' | 'bf16';

/** What becomes of a finite number beyond a format's range: an infinity, or the largest number. */
export type OverflowHandling = 'inf' | 'saturate';
