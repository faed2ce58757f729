/** An output against its reference, by metrics. Knows arrays of numbers only. */
import { measure, type Figure, type MetricSpecification } from '../metrics/index.js';
import { ownMetricFigure, type Values } from './own-metrics.js';

/**
 * A figure for each of the metrics, in their order. Metrics compare in FP32: 64-bit elements are rounded to it first.
 * Tensors of different sizes give the worst value.
 */
export async function compareTensors(
  reference: Values,
  actual: Values,
  metrics: readonly MetricSpecification[],
): Promise<readonly Figure[]> {
  const expected = toFp32(reference.values);
  const found = toFp32(actual.values);
  const figures: Figure[] = [];
  for (const metric of metrics) {
    const own = await ownMetricFigure(metric, reference, actual);
    figures.push(own ?? measure(metric, expected, found, reference.dims));
  }
  return figures;
}

function toFp32(values: Float32Array | Float64Array): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}
