/**
 * `kl`: the mean over rows of the Kullback-Leibler divergence of the actual distribution from that of the reference,
 * in nats, sum of p ln(p / q) - p + q. The last two terms cancel for distributions that add up to one, and keep the
 * sum from falling below zero for those that only nearly do. With `softmax`, rows are logits. A row with a negative
 * probability is infinitely far; one with NaN or an infinite logit, being the same in both, is equal. Sums: of
 * divergences; rows.
 */
import { classAxis, classAxisProblem, forEachRow } from './class-axis.js';
import { at, share, type MetricDefinition } from './definition.js';

/** One row as probabilities, or undefined where it has none. */
function probabilities(
  values: Float32Array,
  start: number,
  classes: number,
  stride: number,
  softmax: boolean,
): Float64Array | undefined {
  const row = new Float64Array(classes);
  for (let c = 0; c < classes; c++) row[c] = values[start + c * stride] ?? 0;
  if (!softmax) return row.every((p) => p >= 0 && p < Infinity) ? row : undefined;
  const largest = row.reduce((most, logit) => Math.max(most, logit), -Infinity);
  if (!Number.isFinite(largest)) return undefined;
  let total = 0;
  for (let c = 0; c < classes; c++) {
    const weight = Math.exp((row[c] ?? 0) - largest);
    row[c] = weight;
    total += weight;
  }
  return row.map((weight) => weight / total);
}

function divergence(reference: Float64Array, actual: Float64Array): number {
  let sum = 0;
  for (let c = 0; c < reference.length; c++) {
    const p = reference[c] ?? 0;
    const q = actual[c] ?? 0;
    if (p === q) continue;
    sum += (p === 0 ? 0 : p * Math.log(p / q)) - p + q;
  }
  // Each term is at least zero, but for the rounding of the logarithm.
  return Math.max(0, sum);
}

function equalRow(
  reference: Float32Array,
  actual: Float32Array,
  start: number,
  classes: number,
  stride: number,
): boolean {
  for (let c = 0; c < classes; c++) {
    if (!Object.is(reference[start + c * stride], actual[start + c * stride])) return false;
  }
  return true;
}

function rowHasNonFinite(values: Float32Array, start: number, classes: number, stride: number): boolean {
  for (let c = 0; c < classes; c++) {
    if (!Number.isFinite(values[start + c * stride])) return true;
  }
  return false;
}

export const kl: MetricDefinition = {
  better: '<=',
  over: 'worst',
  best: 0,
  worst: Infinity,
  seesNonFinite: true,
  problem: classAxisProblem,
  sums(specification, reference, actual, dims) {
    const axis = classAxis(specification, dims);
    const softmax = specification.softmax ?? false;
    let total = 0;
    let rows = 0;
    forEachRow(axis, (start) => {
      rows++;
      if (equalRow(reference, actual, start, axis.classes, axis.inner)) return;
      const p = probabilities(reference, start, axis.classes, axis.inner, softmax);
      const q = probabilities(actual, start, axis.classes, axis.inner, softmax);
      if (p !== undefined && q !== undefined) total += divergence(p, q);
      else if (!rowHasNonFinite(reference, start, axis.classes, axis.inner)) total = Infinity;
    });
    return [total, rows];
  },
  value: (sums) => share(at(sums, 0), at(sums, 1), 0),
};
