// In how few directions errors lie, and how much is left to random probes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomValues } from '../testing/index.js';
import { fewDirections } from './few-directions.js';
import { symmetricEigen } from './symmetric-eigen.js';
import { ELEMENTS, vectorsOf } from './testing.js';

const PROBES = 8;

const dot = (one: ArrayLike<number>, other: ArrayLike<number>): number =>
  Array.from(one).reduce((total, value, at) => total + value * (other[at] ?? 0), 0);

/** What part of the square of an error lies in orthonormal directions. */
function heldBy(directions: readonly Float64Array[], error: ArrayLike<number>): number {
  return directions.reduce((sum, one) => sum + dot(one, error) ** 2, 0) / dot(error, error);
}

function checkOrthonormal(directions: readonly Float64Array[]): void {
  for (const [at, one] of directions.entries()) {
    for (const [other, another] of directions.entries()) {
      expect(dot(one, another)).toBeCloseTo(at === other ? 1 : 0, 9);
    }
  }
}

describe('directions to align probes with', () => {
  it('are those of errors that lie in a few, and leave nothing open', () => {
    for (const dimensions of [1, 2, 4, 7]) {
      const { directions, variance } = fewDirections(vectorsOf(dimensions, 12), PROBES);
      expect(directions).toHaveLength(dimensions);
      expect(variance).toBeLessThan(1e-6);
      for (const error of vectorsOf(dimensions, 4, 5)) expect(heldBy(directions, error)).toBeCloseTo(1, 6);
    }
  });

  it('are none where errors lie in many, and where there is only one', () => {
    const none = { directions: [], variance: 1 };
    const anywhere = Array.from({ length: 16 }, (_, seed) => randomValues(ELEMENTS, seed));
    expect(fewDirections(anywhere, PROBES)).toEqual(none);
    expect(fewDirections(vectorsOf(1, 1), PROBES)).toEqual(none);
    expect(fewDirections([], PROBES)).toEqual(none);
    expect(fewDirections([new Float32Array(ELEMENTS), ...vectorsOf(1, 1)], PROBES)).toEqual(none);
  });

  it('are the longest ones of errors that have a part in many: more errors show them better', () => {
    /** Three directions of twelve have nine tenths of the square. */
    const errors = (count: number, seed: number): readonly Float32Array[] => {
      const many = vectorsOf(12, count, seed + 50);
      return vectorsOf(3, count, seed).map((few, at) => {
        const other = many[at] ?? few;
        const share = Math.sqrt(dot(few, few) / dot(other, other) / 9);
        return few.map((value, element) => value + share * (other[element] ?? 0));
      });
    };
    const heldOfNew = ({ directions }: { readonly directions: readonly Float64Array[] }): number =>
      errors(40, 9).reduce((sum, error) => sum + heldBy(directions, error) / 40, 0);
    const [few, many] = [fewDirections(errors(4, 1), PROBES), fewDirections(errors(16, 1), PROBES)];
    expect(many.directions.length).toBeGreaterThanOrEqual(3);
    expect(heldOfNew(many)).toBeGreaterThan(heldOfNew(few));
    expect(heldOfNew(many)).toBeGreaterThan(0.85);
    // What it says is left open is about what is left open of errors that it has not seen.
    const left = ((1 - heldOfNew(many)) ** 2 * PROBES) / (PROBES - many.directions.length);
    expect(many.variance / left).toBeGreaterThan(0.5);
    expect(many.variance / left).toBeLessThan(2);
  });

  it('are orthonormal and lie in the span of the errors, whatever those are', () => {
    const value = fc.integer({ min: -8, max: 8 });
    const vector = fc.array(value, { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(vector, { minLength: 2, maxLength: 10 }), (errors) => {
        const { directions, variance } = fewDirections(
          errors.map((error) => Float32Array.from(error)),
          PROBES,
        );
        checkOrthonormal(directions);
        expect(directions.length).toBeLessThan(PROBES);
        expect(variance).toBeGreaterThanOrEqual(0);
        expect(variance).toBeLessThanOrEqual(1);
        // In the span: orthogonal to whatever is orthogonal to all errors.
        const products = errors.map((one) => Float64Array.from(errors, (other) => dot(one, other)));
        const span = symmetricEigen(products)
          .filter((pair) => pair.value > 1e-9)
          .map((pair) =>
            Float64Array.from({ length: 12 }, (_, at) =>
              errors.reduce((sum, error, row) => sum + (pair.vector[row] ?? 0) * (error[at] ?? 0), 0),
            ).map((element) => element / Math.sqrt(pair.value)),
          );
        for (const direction of directions) expect(heldBy(span, direction)).toBeCloseTo(1, 6);
      }),
    );
  });
});

describe('eigenvectors', () => {
  it('are orthonormal, and turned by the matrix into themselves times the value', () => {
    const size = fc.integer({ min: 1, max: 9 });
    const matrices = size.chain((n) =>
      fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: n, maxLength: n }), {
        minLength: n,
        maxLength: n,
      }),
    );
    fc.assert(
      fc.property(matrices, (values) => {
        const matrix = values.map((row, at) =>
          Float64Array.from(row, (value, column) => value + (values[column]?.[at] ?? 0)),
        );
        const pairs = symmetricEigen(matrix);
        checkOrthonormal(pairs.map(({ vector }) => vector));
        for (const { value, vector } of pairs) {
          for (const [at, row] of matrix.entries()) {
            expect(dot(row, vector)).toBeCloseTo(value * (vector[at] ?? 0), 8);
          }
        }
      }),
    );
  });
});
