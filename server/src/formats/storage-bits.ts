/** How many bits a number of each format takes. */
import type { FormatName } from './format.js';

const BITS: Readonly<Record<FormatName, number>> = {
  fp32: 32,
  fp16: 16,
  bf16: 16,
  dlfloat16: 16,
  fp8_e4m3: 8,
  fp8_e5m2: 8,
  fp8_143: 8,
  fp8_152: 8,
  int8: 8,
  fp4_e2m1: 4,
  fp4_radix4: 4,
  int4: 4,
};

export function bitsOf(format: FormatName): number {
  return BITS[format];
}
