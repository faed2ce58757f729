// Rows of probes, and what they tell of an error.
import { describe, expect, it } from 'vitest';
import { randomValues } from '../testing/index.js';
import { fewDirections } from './few-directions.js';
import { concentrationOf, probeRows, probeVariance } from './probes.js';
import { ELEMENTS, vectorsOf } from './testing.js';

const PROBES = 8;

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
    const { directions } = fewDirections(aligned === 0 ? [] : vectorsOf(aligned, 6), PROBES);
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
    const { directions } = fewDirections(vectorsOf(3, 4), PROBES);
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
