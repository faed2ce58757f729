/** What a metric is told of one sample. Knows metrics and samples; compares nothing. */
import type { MetricSpecification } from '../../metrics/index.js';
import type { Sample } from '../samples/index.js';

/** The metric as it is asked of a sample: one of the user's own is told the sample's label. */
export function metricOf(metric: MetricSpecification, sample: Sample | undefined): MetricSpecification {
  const label = metric.own === undefined ? undefined : sample?.label;
  return label === undefined ? metric : { ...metric, label };
}
