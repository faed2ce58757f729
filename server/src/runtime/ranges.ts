/** Range of a tensor's values and what formats do to them. Knows arrays of numbers only. */
import { countLost, formatInformation, roundTo } from '../formats/index.js';
import type { RangeFigures } from './types.js';

/** Figures for each of the formats, in their order. */
export function rangesOf(
  values: Float32Array | Float64Array,
  formats: readonly ('fp16' | 'bf16')[],
): readonly RangeFigures[] {
  return formats.map((format) =>
    values instanceof Float32Array ? countLost(format, values) : countLostOfDoubles(format, values),
  );
}

/** As `countLost`, for numbers that FP32 cannot hold: rounded to FP32 first, large ones would be infinite before. */
function countLostOfDoubles(format: 'fp16' | 'bf16', values: Float64Array): RangeFigures {
  const { smallestNormal } = formatInformation(format);
  let maxAbs = 0;
  let maxIndex = -1;
  let nonZero = 0;
  let nonFinite = 0;
  let overflow = 0;
  let underflow = 0;
  let becomesZero = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value !== 0) nonZero++;
    if (!Number.isFinite(value)) {
      nonFinite++;
      continue;
    }
    const magnitude = Math.abs(value);
    if (magnitude > maxAbs || maxIndex < 0) {
      maxAbs = magnitude;
      maxIndex = i;
    }
    if (value === 0) continue;
    const rounded = Math.abs(roundTo(format, value));
    if (rounded === Infinity) overflow++;
    else if (rounded === 0) becomesZero++;
    if (rounded < smallestNormal) underflow++;
  }
  return { elements: values.length, maxAbs, maxIndex, nonZero, nonFinite, overflow, underflow, becomesZero };
}
