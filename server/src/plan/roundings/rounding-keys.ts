/** By what roundings are told apart and scales are found. Knows single roundings; no graph. */
import type { FormatName, IntegerFormatName } from '../../formats/index.js';
import type { RangeWish, TensorRounding } from '../types.js';

/** Whether the rounding takes scales that are found in values. */
export function isQuantizing({ format }: TensorRounding): boolean {
  return isInteger(format);
}

export function isInteger(format: FormatName): format is IntegerFormatName {
  return format === 'int8' || format === 'int4';
}

/** Equal for two roundings that make the same of the same values. */
export function roundingKey({ format, stochastic, overflow, quantize, axis }: TensorRounding): string {
  const range = isInteger(format) ? [rangeText(quantize), axis ?? ''] : [];
  return [format, stochastic ? 'stochastic' : '', overflow === 'saturate' ? overflow : '', ...range].join(
    ',',
  );
}

/** The key of a tensor's scales in `PrecisionGraph.quantizations`: those of the tensor as it is in the model. */
export function quantizationKey(tensor: string, rounding: TensorRounding): string {
  const { format, quantize, axis } = rounding;
  return [format, rangeText(quantize), axis ?? '', tensor].join(' ');
}

function rangeText(wish: RangeWish): string {
  return wish.name === 'percentile' ? `${wish.name} ${wish.percent}` : wish.name;
}
