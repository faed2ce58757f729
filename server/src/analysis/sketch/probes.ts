/** The vectors that an output is multiplied by from the left. Pure; knows how many elements an output has, no model. */
import { seededBits } from '../../formats/index.js';

/** What the rows of probes are: first those of unit length, then those of random signs. All others are zeros. */
export interface ProbeKinds {
  /** What an error has in their directions is known exactly. */
  readonly aligned: number;
  /** What it has in all other directions is estimated, with a relative variance of 2 over their number. */
  readonly random: number;
}

export interface ProbeRows extends ProbeKinds {
  /** K x elements, in C order. */
  readonly values: Float32Array;
}

/**
 * K rows over an output of `elements` elements, scaled so that the sum over the rows of (row . d)^2 is, or is on average,
 * |d|^2 times `scale` squared: unit vectors where there are at most K elements, otherwise random signs (M. F. Hutchinson, "A
 * stochastic estimator of the trace of the influence matrix", 1989) divided by the root of their number.
 *
 * @param directions orthonormal and fewer than K: the first rows; the random ones then are orthogonal to them (R. A. Meyer et al.,
 *   "Hutch++: optimal stochastic trace estimation", 2021).
 */
export function probeRows(
  elements: number,
  probes: number,
  scale: number,
  seed: number,
  directions: readonly Float64Array[] = [],
): ProbeRows {
  const values = new Float32Array(elements * probes);
  if (elements <= probes) {
    for (let at = 0; at < elements; at++) values[at * elements + at] = scale;
    return { values, aligned: elements, random: 0 };
  }
  const aligned = directions.length;
  const random = probes - aligned;
  for (const [row, direction] of directions.entries()) {
    values.set(
      direction.map((value) => value * scale),
      row * elements,
    );
  }
  const bits = seededBits(seed);
  const value = Math.fround(scale / Math.sqrt(random));
  let drawn = 0;
  for (let at = aligned * elements; at < values.length; at++) {
    if (at % 32 === 0 || at === aligned * elements) drawn = bits.next();
    values[at] = (drawn & 1) === 1 ? value : -value;
    drawn >>>= 1;
  }
  if (aligned > 0) {
    for (let row = aligned; row < probes; row++) {
      removeParts(values.subarray(row * elements, (row + 1) * elements), directions);
    }
  }
  return { values, aligned, random };
}

/**
 * How far a squared error can be from what the rows say, as a relative variance.
 *
 * @param share the part of it that is of random rows.
 */
export function probeVariance({ random }: ProbeKinds, share: number): number {
  return random === 0 ? 0 : (2 / random) * share * share;
}

/**
 * tr C^2 / (tr C)^2 of a covariance C of which there are the products v'Cv with each row v: one over the number of directions that
 * it spreads over. Products with unit vectors are taken for its diagonal. Those with random signs have a variance of twice the
 * squares off the diagonal: at most that of a matrix with this trace and this number of equal directions. Undefined where C is 0.
 *
 * @param products of one sample, from `from` on.
 */
export function concentrationOf(
  products: ArrayLike<number>,
  from: number,
  { aligned, random }: ProbeKinds,
): number | undefined {
  let exact = 0;
  let exactSquares = 0;
  for (let at = from; at < from + aligned; at++) {
    const value = Math.max(0, products[at] ?? 0);
    exact += value;
    exactSquares += value * value;
  }
  let drawn = 0;
  let drawnSquares = 0;
  for (let at = from + aligned; at < from + aligned + random; at++) {
    const value = Math.max(0, products[at] ?? 0);
    drawn += value;
    drawnSquares += value * value;
  }
  const trace = exact + drawn;
  if (trace <= 0) return undefined;
  const spread = random * drawnSquares - drawn * drawn;
  const unbiased = (Math.max(0, spread) * random) / Math.max(1, random - 1) / 2;
  return (exactSquares + unbiased) / (trace * trace);
}

/** Takes from a vector what it has in the directions of an orthonormal basis. */
function removeParts(from: Float32Array | Float64Array, basis: readonly Float64Array[]): void {
  for (const direction of basis) {
    let part = 0;
    for (let at = 0; at < from.length; at++) part += (from[at] ?? 0) * (direction[at] ?? 0);
    for (let at = 0; at < from.length; at++) from[at] = (from[at] ?? 0) - part * (direction[at] ?? 0);
  }
}
