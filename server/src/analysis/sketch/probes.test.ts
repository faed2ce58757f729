// Rows of probes, what they tell of an error, and in which directions they are aligned.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomValues } from '../testing/index.js';
import { concentrationOf, fewDirections, probeRows, probeVariance } from './probes.js';

const ELEMENTS = 50;
const PROBES = 8;

/** Vectors of a space of `dimensions`, seen through a fixed matrix in one of `ELEMENTS`. */
function vectorsOf(dimensions: number, count: number, seed = 1): readonly Float32Array[] {
  const matrix = randomValues(dimensions * ELEMENTS, 99);
  return Array.from({ length: count }, (_, at) => {
    const inner = randomValues(dimensions, seed * 1000 + at);
    return Float32Array.from({ length: ELEMENTS }, (_, element) =>
      inner.reduce((sum, value, axis) => sum + value * (matrix[axis * ELEMENTS + element] ?? 0), 0),
    );
  });
}

function squaresOf(rows: Float32Array, vector: Float32Array): readonly number[] {
  return Array.from({ length: PROBES }, (_, row) => {
    const dot = vector.reduce((sum, value, at) => sum + value * (rows[row * ELEMENTS + at] ?? 0), 0);
    return dot * dot;
  });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const squaredLength = (vector: Float32Array): number => sum([...vector].map((value) => value * value));

describe('probes', () => {
  it.each([0, 3])('estimate the squared length of any vector, with %i of them aligned', (aligned) => {
    const directions = fewDirections(vectorsOf(Math.max(1, aligned), aligned), PROBES);
    expect(directions).toHaveLength(aligned);
    const vector = randomValues(ELEMENTS, 9);
    let mean = 0;
    for (let seed = 0; seed < 400; seed++) {
      const rows = probeRows(ELEMENTS, PROBES, 1, seed, directions);
      expect(rows).toMatchObject({ aligned, random: PROBES - aligned });
      mean += sum(squaresOf(rows.values, vector)) / 400;
    }
    expect(mean / squaredLength(vector)).toBeCloseTo(1, 1);
  });

  it('that are aligned tell exactly what lies in their directions, and random ones see nothing of it', () => {
    const directions = fewDirections(vectorsOf(3, 4), PROBES);
    const { values, aligned } = probeRows(ELEMENTS, PROBES, 1, 5, directions);
    // Four errors of three directions.
    expect(aligned).toBe(3);
    for (const vector of vectorsOf(3, 5, 7)) {
      const squares = squaresOf(values, vector);
      expect(sum(squares.slice(0, aligned)) / squaredLength(vector)).toBeCloseTo(1, 5);
      expect(sum(squares.slice(aligned)) / squaredLength(vector)).toBeLessThan(1e-9);
    }
  });

  it('are unit vectors where there are enough', () => {
    expect(probeRows(2, 2, 3, 0)).toEqual({ values: Float32Array.of(3, 0, 0, 3), aligned: 2, random: 0 });
  });

  it('leave the less open the more of an error lies in directions that are known', () => {
    expect(probeVariance({ aligned: 0, random: 8 }, 1)).toBeCloseTo(1 / 4, 12);
    expect(probeVariance({ aligned: 4, random: 4 }, 1 / 2)).toBeCloseTo(1 / 8, 12);
    expect(probeVariance({ aligned: 8, random: 0 }, 0)).toBe(0);
  });
});

describe('directions to align probes with', () => {
  it('are those of errors that lie in a few', () => {
    for (const dimensions of [1, 2, 4]) {
      expect(fewDirections(vectorsOf(dimensions, 4), PROBES)).toHaveLength(dimensions);
    }
  });

  it('are none where errors lie in many, and where there is only one', () => {
    expect(fewDirections(vectorsOf(ELEMENTS, 4), PROBES)).toEqual([]);
    expect(fewDirections(vectorsOf(1, 1), PROBES)).toEqual([]);
    expect(fewDirections([], PROBES)).toEqual([]);
    expect(fewDirections([new Float32Array(ELEMENTS), ...vectorsOf(1, 1)], PROBES)).toEqual([]);
  });

  it('are orthonormal and lie in the span of the errors, whatever those are', () => {
    const value = fc.integer({ min: -8, max: 8 });
    const vector = fc.array(value, { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(vector, { minLength: 2, maxLength: 4 }), (errors) => {
        const basis = fewDirections(
          errors.map((error) => Float32Array.from(error)),
          PROBES,
        );
        for (const [at, one] of basis.entries()) {
          for (const [other, another] of basis.entries()) {
            const dot = one.reduce((total, x, index) => total + x * (another[index] ?? 0), 0);
            expect(dot).toBeCloseTo(at === other ? 1 : 0, 9);
          }
        }
        if (basis.length === 0) return;
        const { values, aligned } = probeRows(12, PROBES, 1, 3, basis);
        for (const error of errors) {
          const length = sum(error.map((x) => x * x));
          const known = basis.map((_, row) =>
            error.reduce((total, x, index) => total + x * (values[row * 12 + index] ?? 0), 0),
          );
          expect(aligned).toBe(basis.length);
          // But for what is as little as rounding.
          expect(length - sum(known.map((x) => x * x))).toBeLessThan(1e-3 * length + 1e-9);
        }
      }),
    );
  });
});

describe('how few directions a covariance spreads over', () => {
  it('is told by products with unit vectors, exactly', () => {
    expect(concentrationOf([3, 1, 0, 0], 0, { aligned: 4, random: 0 })).toBeCloseTo(10 / 16, 12);
    expect(concentrationOf([9, 9, 0, 0], 2, { aligned: 2, random: 0 })).toBeUndefined();
  });

  it('is estimated from how much products with random signs differ', () => {
    expect(concentrationOf([2, 2, 2, 2], 0, { aligned: 0, random: 4 })).toBe(0);
    // Of one direction the products are as squares of a normal draw: twice their mean squared is their variance.
    let [mean, count] = [0, 0];
    for (let seed = 0; seed < 300; seed++) {
      const { values } = probeRows(ELEMENTS, PROBES, 1, seed);
      const [vector = new Float32Array(ELEMENTS)] = vectorsOf(1, 1);
      mean += concentrationOf(squaresOf(values, vector), 0, { aligned: 0, random: PROBES }) ?? 0;
      count += 1;
    }
    expect(mean / count).toBeGreaterThan(0.6);
    expect(mean / count).toBeLessThan(1.2);
  });

  it('puts both together', () => {
    expect(concentrationOf([6, 1, 1], 0, { aligned: 1, random: 2 })).toBeCloseTo(36 / 64, 12);
  });
});
