/** Range of a tensor's values, and the largest sum of squares over groups of them. Knows arrays of numbers only. */
import { rangeOfValues } from '../formats/index.js';
import type { RangeFigures, SquareGroups } from './types.js';

/** The figures of an array, with a sum for each kind of group that is asked for. */
export function rangesOf(values: Float32Array | Float64Array, groups: readonly SquareGroups[]): RangeFigures {
  return { ...rangeOfValues(values), largestSquares: groups.map((one) => largestSquares(values, one)) };
}

/** The largest sum over a group, computed in FP64; what is not finite is left out. 0 where no group is whole. */
function largestSquares(
  values: Float32Array | Float64Array,
  { length, step, centred }: SquareGroups,
): number {
  const block = length * step;
  let largest = 0;
  if (!Number.isInteger(block) || block <= 0) return largest;
  for (let start = 0; start + block <= values.length; start += block) {
    for (let first = start; first < start + step; first++) {
      let sum = 0;
      let squares = 0;
      for (let i = first; i < first + block; i += step) {
        const value = values[i] ?? 0;
        if (!Number.isFinite(value)) continue;
        sum += value;
        squares += value * value;
      }
      largest = Math.max(largest, centred ? squares - (sum * sum) / length : squares);
    }
  }
  return largest;
}
