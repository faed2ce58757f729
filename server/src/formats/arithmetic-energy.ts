/**
 * What arithmetic in a format costs in energy, by published figures for one operation in a 45 nm process. Moving data is not in them,
 * so they compare formats and are no forecast of a battery.
 *
 * M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014.
 */
import type { FormatName } from './format.js';

/** Picojoules of one operation. */
interface OperationEnergy {
  readonly add: number;
  readonly multiply: number;
}

const FP32: OperationEnergy = { add: 0.9, multiply: 3.7 };
const FP16: OperationEnergy = { add: 0.4, multiply: 1.1 };
/** Products of 8-bit integers are added up in 32 bits. */
const INT8: OperationEnergy = { add: 0.1, multiply: 0.2 };

/** Formats without a published figure have that of the next larger one, which they do not exceed. */
const BY_FORMAT: Readonly<Record<FormatName, OperationEnergy>> = {
  fp32: FP32,
  fp16: FP16,
  bf16: FP16,
  dlfloat16: FP16,
  fp8_e4m3: FP16,
  fp8_e5m2: FP16,
  fp8_143: FP16,
  fp8_152: FP16,
  fp4_e2m1: FP16,
  fp4_radix4: FP16,
  int8: INT8,
  int4: INT8,
};

/** Picojoules of a multiply-add in `format`, its sum included. */
export function multiplyAddEnergy(format: FormatName): number {
  const { add, multiply } = BY_FORMAT[format];
  return multiply + add;
}

/** Picojoules to give one number another format: counted as an addition in FP32, in want of a published figure. */
export const CAST_ENERGY = FP32.add;
