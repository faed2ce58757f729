/** Eigenvalues and eigenvectors of small symmetric matrices. Pure; knows nothing of where they come from. */

export interface Eigenpair {
  readonly value: number;
  /** Of unit length. */
  readonly vector: Float64Array;
}

/** Sweeps that are enough for any small matrix. */
const SWEEPS = 30;

/** All of them in no order, by Jacobi's rotations (G. Golub, C. Van Loan, "Matrix Computations", 8.5). */
export function symmetricEigen(matrix: readonly Float64Array[]): readonly Eigenpair[] {
  const size = matrix.length;
  const a = matrix.map((row) => row.slice());
  /** Row by row the eigenvectors so far: the transpose of the product of all rotations. */
  const vectors = matrix.map((_, row) => Float64Array.from(matrix, (__, at) => (at === row ? 1 : 0)));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let changed = false;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const [off, atP, atQ] = [a[p]?.[q] ?? 0, a[p]?.[p] ?? 0, a[q]?.[q] ?? 0];
        if (Math.abs(off) <= 1e-15 * Math.sqrt(Math.abs(atP * atQ)) || off === 0) continue;
        changed = true;
        const theta = (atQ - atP) / (2 * off);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (const row of a) rotate(row, p, row, q, c, s);
        const [rowP, rowQ, vectorP, vectorQ] = [a[p], a[q], vectors[p], vectors[q]];
        if (rowP === undefined || rowQ === undefined || vectorP === undefined || vectorQ === undefined)
          continue;
        for (let k = 0; k < size; k++) {
          rotate(rowP, k, rowQ, k, c, s);
          rotate(vectorP, k, vectorQ, k, c, s);
        }
      }
    }
    if (!changed) break;
  }
  return vectors.map((vector, row) => ({ value: a[row]?.[row] ?? 0, vector }));
}

/** Turns the pair of one element here and one there. */
function rotate(one: Float64Array, at: number, other: Float64Array, to: number, c: number, s: number): void {
  const [x, y] = [one[at] ?? 0, other[to] ?? 0];
  one[at] = c * x - s * y;
  other[to] = s * x + c * y;
}
