/** Errors for tests of what is made of them. */
import { randomValues } from '../testing/index.js';

export const ELEMENTS = 50;

/** Vectors of a space of `dimensions`, seen through a fixed matrix in one of `ELEMENTS`. */
export function vectorsOf(dimensions: number, count: number, seed = 1): readonly Float32Array[] {
  const matrix = randomValues(dimensions * ELEMENTS, 99);
  return Array.from({ length: count }, (_, at) => {
    const inner = randomValues(dimensions, seed * 1000 + at);
    return Float32Array.from({ length: ELEMENTS }, (_, element) =>
      inner.reduce((sum, value, axis) => sum + value * (matrix[axis * ELEMENTS + element] ?? 0), 0),
    );
  });
}
