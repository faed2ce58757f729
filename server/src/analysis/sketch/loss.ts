/**
 * The loss that a first order is of, and its gradient with respect to an output: cross-entropy against classes, or half the
 * squared distance from what the output should be. Pure; knows one output of one sample.
 */

/** What an output's values are. */
export type Scores = 'logits' | 'probabilities';

export interface LossGradient {
  readonly loss: number;
  /** Of the output's elements. */
  readonly gradient: Float64Array;
}

/** So small a probability is taken as this: its logarithm would be infinite. */
const SMALLEST = 1e-12;

/**
 * What a label is to an output of these dimensions: classes where there is one whole number for each row (the last axis are the
 * classes), a target where there is a number for each element; undefined where it fits in neither way.
 */
export function labelRole(dims: readonly number[], label: Float64Array): 'classes' | 'target' | undefined {
  const elements = dims.reduce((product, dim) => product * dim, 1);
  const classes = dims.at(-1) ?? 1;
  const rows = classes === 0 ? 0 : elements / classes;
  const areClasses =
    rows > 0 &&
    classes > 1 &&
    label.length === rows &&
    label.every((one) => Number.isInteger(one) && one >= 0 && one < classes);
  if (areClasses) return 'classes';
  return label.length === elements ? 'target' : undefined;
}

/** @returns undefined where the label fits the output in no way. */
export function lossOf(
  values: Float32Array,
  dims: readonly number[],
  label: Float64Array,
  scores: Scores,
): LossGradient | undefined {
  switch (labelRole(dims, label)) {
    case 'classes':
      return crossEntropy(values, dims.at(-1) ?? 1, label, scores);
    case 'target':
      return squaredDistance(values, label);
    case undefined:
      return undefined;
  }
}

/** Mean over rows of -log p, in nats. */
function crossEntropy(
  values: Float32Array,
  classes: number,
  label: Float64Array,
  scores: Scores,
): LossGradient {
  const gradient = new Float64Array(values.length);
  const rows = label.length;
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    const own = label[row] ?? 0;
    const of = values.subarray(start, start + classes);
    if (scores === 'probabilities') {
      const probability = Math.max(SMALLEST, of[own] ?? 0);
      loss -= Math.log(probability) / rows;
      gradient[start + own] = -1 / (probability * rows);
      continue;
    }
    const largest = of.reduce((most, value) => Math.max(most, value), -Infinity);
    const total = of.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    loss += (Math.log(total) + largest - (of[own] ?? 0)) / rows;
    for (let at = 0; at < classes; at++) {
      const share = Math.exp((of[at] ?? 0) - largest) / total;
      gradient[start + at] = (share - (at === own ? 1 : 0)) / rows;
    }
  }
  return { loss, gradient };
}

function squaredDistance(values: Float32Array, label: Float64Array): LossGradient {
  const gradient = Float64Array.from(values, (value, at) => value - (label[at] ?? 0));
  return { loss: gradient.reduce((sum, value) => sum + value * value, 0) / 2, gradient };
}
