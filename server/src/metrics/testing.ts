/** For tests of this room: every metric in a form that can be measured, and what one makes of two tensors. */
import { expect } from 'vitest';
import { measure } from './measure.js';
import { METRIC_NAMES, type Aggregation, type LandmarkLayout, type MetricSpecification } from './metric.js';

/** Four landmarks of (x, y, visibility); shoulders 0 and 1, hips 2 and 3. */
export const BODY: LandmarkLayout = {
  first: 0,
  last: 3,
  stride: 3,
  dims: 2,
  normalize: { kind: 'torso', points: [0, 1, 2, 3] },
};

/** Every metric in a form that any tensor of 12 elements or more can be measured with. */
export const ALL: readonly MetricSpecification[] = METRIC_NAMES.map((name) => ({
  name,
  ...(name === 'nme' || name === 'pck' ? { landmarks: BODY } : {}),
  ...(name === 'pck' || name === 'iou' ? { threshold: 0.1 } : {}),
  ...(name === 'kl' ? { softmax: true } : {}),
}));
export const NAMED = ALL.map((specification) => [specification.name, specification] as const);

export const AGGREGATIONS: readonly Aggregation[] = ['worst', 'mean', 'pooled'];

/** What the metric makes of one sample. */
export function valueOf(
  specification: MetricSpecification,
  reference: Float32Array,
  actual: Float32Array,
): number {
  return measure(specification, reference, actual, [reference.length]).value;
}

export function checkValue(
  specification: MetricSpecification,
  reference: number[],
  actual: number[],
  expected: number,
): void {
  expect(valueOf(specification, new Float32Array(reference), new Float32Array(actual))).toBeCloseTo(
    expected,
    12,
  );
}
