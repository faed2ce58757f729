// Eigenvalues of layers of small networks against their Jacobians, which are made element by element.
import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeNode, type Model } from '../../onnx/index.js';
import { findLayers } from '../../plan/index.js';
import { closeEvaluation, openEvaluation } from '../sessions/evaluation.js';
import { measuredAnew } from '../remembered.js';
import { computeForTests, floatTensor, randomValues, sampleOf, writeModel } from '../testing/index.js';
import { knownSpectra, type LayerSpectrum, type LayerSpectrumOptions } from './index.js';
import { symmetricEigen } from '../sketch/index.js';
import { eigenvaluesOf, signedEigenvaluesOf } from './lanczos.js';

const { runtime, folder } = await computeForTests();

const HIDDEN = 24;
const FIRST = 20;
const SECOND = 3;

/** x W -> tanh -> two outputs, one of 20 elements and one of 3. */
function twoHeads(): Model {
  const node = (opType: string, inputs: readonly string[], to: string) =>
    makeNode({ opType, inputs, outputs: [to], name: to });
  return writeModel(join(folder, 'heads.onnx'), {
    nodes: [
      node('MatMul', ['x', 'w'], 'hidden'),
      node('Tanh', ['hidden'], 'bent'),
      node('MatMul', ['bent', 'a'], 'y'),
      node('MatMul', ['bent', 'b'], 'z'),
    ],
    weights: [
      floatTensor('w', [4, HIDDEN], randomValues(4 * HIDDEN, 1)),
      floatTensor('a', [HIDDEN, FIRST], randomValues(HIDDEN * FIRST, 2)),
      floatTensor('b', [HIDDEN, SECOND], randomValues(HIDDEN * SECOND, 3)),
    ],
    inputs: { x: [1, 4] },
    outputs: { y: [1, FIRST], z: [1, SECOND] },
  });
}

const X = randomValues(4, 9);
const at = (matrix: Float32Array, columns: number, row: number, column: number): number =>
  matrix[row * columns + column] ?? 0;

/** By output: J J' of that output with respect to `hidden`, or to `w`, relative to its norm; all outputs where none is named. */
function jacobianSquares(of: 'hidden' | 'w', outputs: readonly ('y' | 'z')[]): Float64Array[] {
  const [w, a, b] = [
    randomValues(4 * HIDDEN, 1),
    randomValues(HIDDEN * FIRST, 2),
    randomValues(HIDDEN * SECOND, 3),
  ];
  const bent = Array.from({ length: HIDDEN }, (_, unit) =>
    Math.tanh(X.reduce((sum, value, row) => sum + value * at(w, HIDDEN, row, unit), 0)),
  );
  const rows = outputs.flatMap((output) => {
    const [matrix, count] = output === 'y' ? [a, FIRST] : [b, SECOND];
    const values = Array.from({ length: count }, (_, column) =>
      bent.reduce((sum, value, unit) => sum + value * at(matrix, count, unit, column), 0),
    );
    const norm = Math.hypot(...values);
    return values.map((_, column) =>
      bent.flatMap((value, unit) => {
        const slope = ((1 - value ** 2) * at(matrix, count, unit, column)) / norm;
        return of === 'hidden' ? [slope] : Array.from(X, (input) => slope * input);
      }),
    );
  });
  return rows.map((row) =>
    Float64Array.from(rows, (other) =>
      row.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0),
    ),
  );
}

function truth(of: 'hidden' | 'w', outputs: readonly ('y' | 'z')[], lambda: number) {
  const values = symmetricEigen(jacobianSquares(of, outputs)).map(({ value }) => value);
  return {
    largest: Math.max(...values),
    logDeterminant: values.reduce((sum, value) => sum + Math.log1p(Math.max(0, value) / lambda), 0),
  };
}

async function spectrumOf(outputs: readonly string[], options: LayerSpectrumOptions): Promise<LayerSpectrum> {
  const model = twoHeads();
  const evaluation = await openEvaluation(runtime, model, [sampleOf(0, { x: { dims: [1, 4], values: X } })]);
  try {
    const layers = findLayers(model).filter(({ name }) => name === 'hidden');
    const { spectra } = await knownSpectra(measuredAnew(evaluation), layers, outputs, options);
    const [own] = spectra;
    if (own === undefined) throw new Error('no spectrum');
    return own;
  } finally {
    await closeEvaluation(evaluation);
  }
}

const within = (value: number | undefined, wanted: number, share: number): void => {
  expect(Math.abs((value ?? Number.NaN) / wanted - 1)).toBeLessThan(share);
};

describe('the spectrum of a layer', () => {
  it('is exact for an output of few elements', async () => {
    const { output, weights } = await spectrumOf(['z'], { lambda: 0.1 });
    for (const [found, of] of [
      [output, 'hidden'],
      [weights, 'w'],
    ] as const) {
      const wanted = truth(of, ['z'], 0.1);
      expect(found?.exact).toBe(true);
      within(found?.largest, wanted.largest, 2e-3);
      within(found?.logDeterminant, wanted.logDeterminant, 2e-3);
    }
  });

  it('of several outputs is that of all of them together, each relative to itself', async () => {
    const { output, weights } = await spectrumOf(['y', 'z'], { lambda: 0.1, vectors: 24 });
    for (const [found, of] of [
      [output, 'hidden'],
      [weights, 'w'],
    ] as const) {
      const wanted = truth(of, ['y', 'z'], 0.1);
      expect(found?.exact).toBe(false);
      within(found?.largest, wanted.largest, 0.01);
      within(found?.logDeterminant, wanted.logDeterminant, 0.12);
    }
  });

  it('is the same for the same seed', async () => {
    const options = { seed: 7, steps: 4 };
    const [one, other] = [await spectrumOf(['y'], options), await spectrumOf(['y'], options)];
    expect([one.output, one.weights]).toEqual([other.output, other.weights]);
  });
});

describe('eigenvalues by products alone', () => {
  it('are those of the whole matrix', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 2, maxLength: 6 }),
        fc.integer({ min: 0, max: 1000 }),
        async (values, seed) => {
          // A diagonal matrix between two reflections has these eigenvalues.
          const size = values.length;
          const unit = Float64Array.from({ length: size }, (_, index) => 1 + ((index * 7 + seed) % 5));
          const norm = unit.reduce((sum, value) => sum + value * value, 0);
          const reflect = (vector: Float64Array): Float64Array => {
            const part = unit.reduce((sum, value, index) => sum + value * (vector[index] ?? 0), 0);
            return vector.map((value, index) => value - (2 * part * (unit[index] ?? 0)) / norm);
          };
          const times = (vector: Float64Array): Promise<Float64Array> =>
            Promise.resolve(reflect(reflect(vector).map((value, index) => value * (values[index] ?? 0))));
          const wanted = values.reduce((sum, value) => sum + Math.log1p(value), 0);
          const options = { vectors: 1, lambda: 1, seed };
          const whole = await eigenvaluesOf(size, times, { ...options, steps: size });
          expect(whole.exact).toBe(true);
          expect(whole.largest).toBeCloseTo(Math.max(...values), 8);
          expect(whole.logDeterminant).toBeCloseTo(wanted, 8);
          // Of a part of the steps the largest is no more than there is.
          const part = await eigenvaluesOf(size, times, { ...options, steps: size - 1 });
          expect(part.exact).toBe(false);
          expect(part.largest).toBeLessThanOrEqual(Math.max(...values) + 1e-8);
        },
      ),
    );
  });

  it('may be negative, and their sum is known well although one is far larger than all others', async () => {
    const size = 60;
    const values = Float64Array.from({ length: size }, (_, at) => (at === 7 ? -50 : (at % 5) / 5));
    const times = (vector: Float64Array): Promise<Float64Array> =>
      Promise.resolve(vector.map((value, at) => value * (values[at] ?? 0)));
    const wanted = values.reduce((sum, value) => sum + value, 0);
    for (const steps of [size, 8]) {
      const { trace, largest } = await signedEigenvaluesOf(size, times, { steps, seed: 3 });
      expect(largest).toBeCloseTo(-50, 6);
      expect(Math.abs(trace - wanted)).toBeLessThan(3);
    }
  });
});
