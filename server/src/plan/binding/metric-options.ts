/**
 * A tolerance's metric as it is computed: name, threshold, landmarks, axis. What the text gets wrong has been said
 * when it was read; here it only means that the tolerance is left out. Knows no model.
 */
import {
  METRIC_NAMES,
  type Aggregation,
  type LandmarkLayout,
  type MetricSpecification,
} from '../../metrics/index.js';
import type { OwnMetricStatement } from '../types.js';
import { findOption, METRICS, type ToleranceStatement, type Value } from '../../language/index.js';

export interface ReadMetric {
  readonly specification: MetricSpecification;
  readonly over: Aggregation;
}

export function readMetric(statement: ToleranceStatement): ReadMetric | undefined {
  const { metric, operator } = statement;
  const written = metric?.kind === 'call' ? metric.name.text : metric?.text;
  const name = METRIC_NAMES.find((candidate) => candidate === written);
  const term = METRICS.find((candidate) => candidate.name === written);
  if (!metric || !name || !term || operator?.text !== term.operator) {
    return undefined;
  }
  const items = metric.kind === 'call' ? metric.items : [];
  const threshold = numberOf(items[0]);
  if (items.length !== (term.threshold ? 1 : 0) || term.threshold !== (threshold !== undefined)) {
    return undefined;
  }
  const landmarks = term.landmarks ? readLandmarks(statement) : undefined;
  if (term.landmarks && !landmarks) {
    return undefined;
  }
  const axis = term.options.some((option) => option.name === 'axis')
    ? wholeOption(statement, 'axis')
    : undefined;
  const softmax = findOption(statement, 'softmax')?.value;
  const isSoftmax = softmax?.kind === 'word' && softmax.text === 'true';
  return {
    specification: {
      name,
      ...(threshold === undefined ? {} : { threshold }),
      ...(landmarks ? { landmarks } : {}),
      ...(axis === undefined ? {} : { axis }),
      ...(isSoftmax && name === 'kl' ? { softmax: true } : {}),
    },
    over: readAggregation(findOption(statement, 'over')?.value) ?? term.over,
  };
}

/** The direction in which a metric of the user's own is better is the one that the tolerance writes. */
export function readOwnMetric(
  statement: ToleranceStatement,
  ownMetrics: ReadonlyMap<string, OwnMetricStatement>,
): ReadMetric | undefined {
  const { metric, operator } = statement;
  if (metric === undefined || metric.kind === 'call' || operator === undefined) return undefined;
  const found = ownMetrics.get(metric.text);
  if (found === undefined) return undefined;
  const name = operator.text === '<=' ? 'own_error' : 'own_score';
  const over = readAggregation(findOption(statement, 'over')?.value) ?? 'worst';
  return { specification: { name, own: found.own }, over };
}

function readLandmarks(statement: ToleranceStatement): LandmarkLayout | undefined {
  const points = findOption(statement, 'points')?.value;
  const stride = wholeOption(statement, 'stride');
  const dims = wholeOption(statement, 'dims');
  const normalize = readNormalize(findOption(statement, 'normalize')?.value);
  if (points?.kind !== 'range' || stride === undefined || dims === undefined || !normalize) {
    return undefined;
  }
  const { first, last } = points;
  const makesSense =
    Number.isSafeInteger(first) &&
    Number.isSafeInteger(last) &&
    first >= 0 &&
    first <= last &&
    dims >= 1 &&
    stride >= dims;
  return makesSense ? { first, last, stride, dims, normalize } : undefined;
}

function readNormalize(value: Value | undefined): LandmarkLayout['normalize'] | undefined {
  switch (value?.kind) {
    case 'word':
      return value.text === 'bbox' || value.text === 'diagonal' ? { kind: value.text } : undefined;
    case 'number':
      return Number.isFinite(value.value) && value.value > 0
        ? { kind: 'constant', value: value.value }
        : undefined;
    case 'call': {
      const [a, b, c, d] = value.items.map(landmarkOf);
      const isTorso = value.name.text === 'torso' && value.items.length === 4;
      return isTorso && a !== undefined && b !== undefined && c !== undefined && d !== undefined
        ? { kind: 'torso', points: [a, b, c, d] }
        : undefined;
    }
    default:
      return undefined;
  }
}

function landmarkOf(value: Value): number | undefined {
  const landmark = numberOf(value);
  return landmark !== undefined && Number.isSafeInteger(landmark) && landmark >= 0 ? landmark : undefined;
}

function readAggregation(value: Value | undefined): Aggregation | undefined {
  const text = value?.kind === 'word' ? value.text : undefined;
  return text === 'worst' || text === 'mean' || text === 'pooled' ? text : undefined;
}

function wholeOption(statement: ToleranceStatement, name: string): number | undefined {
  const value = numberOf(findOption(statement, name)?.value);
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

function numberOf(value: Value | undefined): number | undefined {
  return value?.kind === 'number' && Number.isFinite(value.value) ? value.value : undefined;
}
