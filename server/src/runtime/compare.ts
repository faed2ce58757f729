/** An output against its reference, by metrics. Knows arrays of numbers only. */
import { measure, type Figure, type MetricSpecification } from '../metrics/index.js';

export interface Values {
  readonly dims: readonly number[];
  readonly values: Float32Array | Float64Array;
}

/**
 * A figure for each of the metrics, in their order. Metrics compare in FP32: 64-bit elements are rounded to it first.
 * Tensors of different sizes give the worst value.
 */
export function compareTensors(
  reference: Values,
  actual: Values,
  metrics: readonly MetricSpecification[],
): readonly Figure[] {
  const expected = toFp32(reference.values);
  const found = toFp32(actual.values);
  return metrics.map((metric) => measure(metric, expected, found, reference.dims));
}

function toFp32(values: Float32Array | Float64Array): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}
