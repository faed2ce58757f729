/**
 * Eigenvalues of a symmetric matrix that is only known by its products with vectors: the largest one, and the log-determinant of
 * what is added to the identity. Pure; knows no network. G. Golub, G. Meurant, "Matrices, Moments and Quadrature", 2009, for both.
 */
import { seededBits, type RandomBits } from '../../formats/index.js';
import { symmetricEigen } from '../sketch/index.js';

/** The matrix times a vector. */
export type Product = (vector: Float64Array) => Promise<Float64Array>;

export interface Eigenvalues {
  /** The largest eigenvalue; of a Lanczos iteration never above the true one, but for rounding. */
  readonly largest: number;
  /** log det(I + A / lambda). */
  readonly logDeterminant: number;
  /** The matrix was made as a whole: nothing is estimated. */
  readonly exact: boolean;
}

export interface SpectrumOptions {
  /** Products for each random vector; a matrix of at most that size is made as a whole. */
  readonly steps: number;
  /** Random vectors for the log-determinant. */
  readonly vectors: number;
  readonly lambda: number;
  readonly seed: number;
}

/** The eigenvalues of a positive semidefinite matrix of `size` rows. */
export async function eigenvaluesOf(
  size: number,
  times: Product,
  { steps, vectors, lambda, seed }: SpectrumOptions,
): Promise<Eigenvalues> {
  const logOf = (value: number): number => Math.log1p(Math.max(0, value) / lambda);
  if (size <= steps) {
    const values = symmetricEigen(await wholeMatrix(size, times)).map(({ value }) => value);
    const logDeterminant = values.reduce((sum, value) => sum + logOf(value), 0);
    return { largest: Math.max(0, ...values), logDeterminant, exact: true };
  }
  const bits = seededBits(seed);
  let largest = 0;
  let logDeterminant = 0;
  for (let vector = 0; vector < vectors; vector++) {
    const nodes = symmetricEigen((await lanczos(randomUnit(size, bits), times, steps)).matrix);
    for (const {
      value,
      vector: [first = 0],
    } of nodes) {
      largest = Math.max(largest, value);
      // Gauss quadrature of start' log(I + A / lambda) start; times the size it estimates the trace.
      logDeterminant += (size / vectors) * first ** 2 * logOf(value);
    }
  }
  return { largest, logDeterminant, exact: false };
}

/** What A is times each unit vector, made symmetric. */
async function wholeMatrix(size: number, times: Product): Promise<Float64Array[]> {
  const columns: Float64Array[] = [];
  for (let at = 0; at < size; at++) {
    const unit = new Float64Array(size);
    unit[at] = 1;
    columns.push(await times(unit));
  }
  return columns.map((column, row) => column.map((value, at) => (value + (columns[at]?.[row] ?? 0)) / 2));
}

/** Of a matrix that may have negative eigenvalues. */
export interface SignedEigenvalues {
  /**
   * Over the directions of a Lanczos iteration as it is, over the rest by Hutchinson's estimate (R. Meyer et al., "Hutch++:
   * Optimal Stochastic Trace Estimation", 2021): one large eigenvalue alone would make the plain estimate one of chance.
   */
  readonly trace: number;
  /** The one of largest magnitude, with its sign. */
  readonly largest: number;
}

/** The same of any symmetric matrix of `size` rows. */
export async function signedEigenvaluesOf(
  size: number,
  times: Product,
  { steps, seed }: Pick<SpectrumOptions, 'steps' | 'seed'>,
): Promise<SignedEigenvalues> {
  const largestOf = (pairs: readonly { readonly value: number }[]): number =>
    pairs.reduce((most, { value }) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  if (size <= steps) {
    const pairs = symmetricEigen(await wholeMatrix(size, times));
    return { trace: pairs.reduce((sum, { value }) => sum + value, 0), largest: largestOf(pairs) };
  }
  const bits = seededBits(seed);
  const { matrix, basis } = await lanczos(randomUnit(size, bits), times, steps);
  const pairs = symmetricEigen(matrix);
  let trace = pairs.reduce((sum, { value }) => sum + value, 0);
  for (let vector = 0; vector < REST_VECTORS; vector++) {
    const rest = randomUnit(size, bits).map((value) => value * Math.sqrt(size));
    for (const known of basis) subtract(rest, dot(rest, known), known);
    trace += dot(rest, await times(rest)) / REST_VECTORS;
  }
  return { trace, largest: largestOf(pairs) };
}

/** Random vectors for the trace over what a Lanczos iteration has not looked at. */
const REST_VECTORS = 4;

/** Signs over the root of the size. */
function randomUnit(size: number, bits: RandomBits): Float64Array {
  return new Float64Array(size).map(() => ((bits.next() & 1) === 1 ? 1 : -1) / Math.sqrt(size));
}

/** So small beside what it was before is a vector that nothing is left of but rounding. */
const NOTHING_LEFT = 1e-7;

/** Lanczos' tridiagonal matrix from a unit vector, and the basis that it is in, each vector made orthogonal to all before. */
async function lanczos(
  start: Float64Array,
  times: Product,
  steps: number,
): Promise<{ readonly matrix: Float64Array[]; readonly basis: readonly Float64Array[] }> {
  const basis = [start];
  const diagonal: number[] = [];
  const beside: number[] = [];
  for (let step = 0; step < steps; step++) {
    const current = basis.at(-1) ?? start;
    const next = await times(current);
    const size = Math.sqrt(dot(next, next));
    diagonal.push(dot(next, current));
    // Twice is enough (W. Kahan, in B. Parlett, "The Symmetric Eigenvalue Problem", 1980).
    for (const other of [...basis, ...basis]) subtract(next, dot(next, other), other);
    const left = Math.sqrt(dot(next, next));
    if (!(left > NOTHING_LEFT * size)) break;
    beside.push(left);
    basis.push(next.map((value) => value / left));
  }
  const count = diagonal.length;
  const matrix = Array.from({ length: count }, (_, row) =>
    Float64Array.from({ length: count }, (__, column) => {
      if (row === column) return diagonal[row] ?? 0;
      return Math.abs(row - column) === 1 ? (beside[Math.min(row, column)] ?? 0) : 0;
    }),
  );
  return { matrix, basis: basis.slice(0, count) };
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] ?? 0) * (other[at] ?? 0);
  return sum;
}

function subtract(from: Float64Array, factor: number, what: Float64Array): void {
  for (let at = 0; at < from.length; at++) from[at] = (from[at] ?? 0) - factor * (what[at] ?? 0);
}
