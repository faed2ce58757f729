/**
 * Whether errors of an output lie in a few directions, and in which: probes that are aligned with those see most of any error
 * exactly. Pure; knows neither where the errors come from nor what is done with the directions.
 */
import { symmetricEigen } from './symmetric-eigen.js';

export interface FewDirections {
  /** Orthonormal, and fewer than there are probes; none where errors go in too many directions. */
  readonly directions: readonly Float64Array[];
  /** The variance that is left to an estimate with them, over that of as many random probes alone: 1 where there are none. */
  readonly variance: number;
}

const NONE: FewDirections = { directions: [], variance: 1 };

/** As little of the squares of errors as rounding in FP32 leaves. */
const NEGLIGIBLE = 1e-4;

/**
 * The principal directions of a few errors such as come about by chance, so many of them that random probes for the rest tell
 * most. How much of an error they hold is seen at each of the errors by the directions of the others: what is left over has
 * a variance of its square over the number of random probes (R. A. Meyer et al., "Hutch++: optimal stochastic trace estimation",
 * 2021).
 */
export function fewDirections(errors: readonly Float32Array[], probes: number): FewDirections {
  const units = errors.flatMap((error) => unitOf(error) ?? []);
  if (units.length < 2) return NONE;
  const products = units.map((one) => Float64Array.from(units, (other) => dot(one, other)));
  const held = new Float64Array(probes);
  for (const left of units.keys()) {
    const others = [...units.keys()].filter((at) => at !== left);
    const own = products[left] ?? new Float64Array(0);
    const squares = principal(products, others, probes - 1).map((weights) =>
      weights.reduce((sum, weight, at) => sum + weight * (own[others[at] ?? 0] ?? 0), 0),
    );
    let sum = 0;
    for (let count = 1; count < probes; count++) {
      sum += (squares[count - 1] ?? 0) ** 2;
      held[count] = (held[count] ?? 0) + sum / units.length;
    }
  }
  let [best, variance] = [0, 1];
  for (let count = 1; count < probes; count++) {
    const left = Math.max(0, 1 - (held[count] ?? 0)) ** 2 * (probes / (probes - count));
    if (left < variance) [best, variance] = [count, left];
  }
  const weights = principal(products, [...units.keys()], best);
  return { directions: orthonormal(weights.map((own) => combined(units, own))), variance };
}

/**
 * The principal directions of some of the vectors, the longest first: by what each of the vectors is multiplied in their sum.
 *
 * @param products of all vectors with each other
 */
function principal(
  products: readonly Float64Array[],
  some: readonly number[],
  most: number,
): readonly Float64Array[] {
  const own = some.map((row) => Float64Array.from(some, (column) => products[row]?.[column] ?? 0));
  return [...symmetricEigen(own)]
    .sort((one, other) => other.value - one.value)
    .filter(({ value }) => value > NEGLIGIBLE * some.length)
    .slice(0, most)
    .map(({ value, vector }) => vector.map((weight) => weight / Math.sqrt(value)));
}

function combined(vectors: readonly Float64Array[], weights: Float64Array): Float64Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0);
  for (const [at, vector] of vectors.entries()) {
    const weight = weights[at] ?? 0;
    for (const [element, value] of vector.entries()) sum[element] = (sum[element] ?? 0) + weight * value;
  }
  return sum;
}

/** The same directions, orthogonal to as many digits as there are: by the modified method of Gram and Schmidt. */
function orthonormal(vectors: readonly Float64Array[]): readonly Float64Array[] {
  const basis: Float64Array[] = [];
  for (const vector of vectors) {
    const rest = vector.slice();
    for (const one of basis) {
      const part = dot(rest, one);
      for (const [at, value] of one.entries()) rest[at] = (rest[at] ?? 0) - part * value;
    }
    const unit = unitOf(rest);
    if (unit !== undefined) basis.push(unit);
  }
  return basis;
}

function unitOf(vector: Float32Array | Float64Array): Float64Array | undefined {
  const values = Float64Array.from(vector);
  const square = dot(values, values);
  return square > 0 ? values.map((value) => value / Math.sqrt(square)) : undefined;
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] ?? 0) * (other[at] ?? 0);
  return sum;
}
