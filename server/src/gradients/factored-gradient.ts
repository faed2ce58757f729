/**
 * Gradients that are not multiplied out. What acts on each element by itself (an activation, a product with a tensor, a mask)
 * multiplies the gradients of all probes by one and the same factor: K times the work of multiplying two factors. So the
 * factor is kept beside the gradient until somebody needs the product. Knows no operator.
 */
import type { Emitter } from './emitter.js';

export interface FactoredGradient {
  /** [K, ...S] */
  readonly gradient: string;
  /** Broadcasts to S; undefined: nothing is to be multiplied. */
  readonly factor: string | undefined;
}

/** @param factor broadcasts to the gradient's shape without the axis of probes. */
export function multipliedBy(
  emit: Emitter,
  { gradient, factor: before }: FactoredGradient,
  factor: string,
): FactoredGradient {
  return { gradient, factor: before === undefined ? factor : emit.mul(before, factor) };
}

/**
 * The sum of gradients of one shape; undefined of none. What is a product of one gradient is that one times the sum of the
 * factors.
 *
 * @param multipliedOut gives [K, ...S].
 */
export function sumOfFactored(
  emit: Emitter,
  parts: readonly FactoredGradient[],
  multipliedOut: (part: FactoredGradient) => string,
): FactoredGradient | undefined {
  const gradients = [...new Set(parts.map(({ gradient }) => gradient))];
  const sums = gradients.map((gradient) => {
    const alike = parts.filter((part) => part.gradient === gradient);
    return { gradient, factor: sumOfFactors(emit, alike) };
  });
  const [first, ...rest] = sums;
  if (first === undefined || rest.length === 0) return first;
  return { gradient: emit.op('Sum', sums.map(multipliedOut)), factor: undefined };
}

function sumOfFactors(emit: Emitter, parts: readonly FactoredGradient[]): string | undefined {
  const [first, ...rest] = parts.map(({ factor }) => factor ?? emit.scalar(1));
  if (first === undefined || rest.length === 0) return parts[0]?.factor;
  return rest.reduce((sum, factor) => emit.add(sum, factor), first);
}
