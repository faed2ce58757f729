/** Local errors of small models, computed independently: what rounding does to one layer given exact inputs. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roundArray } from '../../formats/index.js';
import { makeNode } from '../../onnx/index.js';
import { findLayers } from '../../plan/index.js';
import { openEvaluation } from '../sessions/evaluation.js';
import { localErrors, type LocalErrors } from './local-errors.js';
import type { Sample } from '../samples/index.js';
import {
  computeForTests,
  floatTensor,
  randomSamples,
  randomValues,
  sampleOf,
  WIDTH,
  writeChain,
  writeModel,
} from '../testing/index.js';

const { runtime, folder } = await computeForTests();

async function measured(
  model: ReturnType<typeof writeModel>,
  samples: readonly Sample[],
  format: 'fp16' | 'bf16',
  layersPerVariant?: number,
): Promise<LocalErrors> {
  const evaluation = await openEvaluation(runtime, model, samples);
  const options = layersPerVariant === undefined ? {} : { layersPerVariant };
  return localErrors(evaluation, findLayers(model), format, options);
}

/** `x` [rows] times `w` [rows, columns], summed in double precision. */
function multiply(x: Float32Array, w: Float32Array): Float32Array {
  const columns = w.length / x.length;
  return Float32Array.from({ length: columns }, (_, column) =>
    x.reduce((sum, value, row) => sum + value * (w[row * columns + column] ?? NaN), 0),
  );
}

describe('the local error', () => {
  it.each(['fp16', 'bf16'] as const)('of a MatMul in %s is what rounding does by hand', async (format) => {
    const size = 64;
    const w = randomValues(size * size, 3);
    const model = writeModel(join(folder, `product-${format}.onnx`), {
      nodes: [makeNode({ opType: 'MatMul', name: 'product', inputs: ['x', 'w'], outputs: ['y'] })],
      weights: [floatTensor('w', [size, size], w)],
      inputs: { x: [1, size] },
      outputs: { y: [1, size] },
    });
    const inputs = [11, 12, 13].map((seed) => randomValues(size, seed));
    const squares = inputs.map((x) => {
      const exact = multiply(x, w);
      const rounded = roundArray(format, multiply(roundArray(format, x), roundArray(format, w)));
      const error = exact.reduce((sum, value, index) => sum + ((rounded[index] ?? NaN) - value) ** 2, 0);
      return error / exact.reduce((sum, value) => sum + value ** 2, 0);
    });
    const samples = inputs.map((values, index) => sampleOf(index, { x: { dims: [1, size], values } }));
    const { errors, sessions, inferences } = await measured(model, samples, format);
    expect({ sessions, inferences }).toEqual({ sessions: 1, inferences: 3 });
    expect(errors.map((one) => one.layer.name)).toEqual(['product']);
    const [found] = errors;
    // FP32 sums in another order: an element on the border of two numbers of the format may fall to either.
    const close = (value: number | undefined, square: number): void => {
      expect((value ?? NaN) / Math.sqrt(square)).toBeGreaterThan(0.97);
      expect((value ?? NaN) / Math.sqrt(square)).toBeLessThan(1.03);
    };
    close(found?.value, squares.reduce((sum, square) => sum + square) / 3);
    close(found?.low, Math.min(...squares));
    close(found?.high, Math.max(...squares));
  });

  it('of every layer of a chain given exact inputs does not add up along the chain', async () => {
    const { errors } = await measured(writeChain(join(folder, 'chain.onnx'), 6), randomSamples(3), 'bf16');
    expect(errors.map((one) => one.layer.nodeIndex)).toEqual([...errors.keys()]);
    for (const { value, low, high } of errors) {
      expect(low).toBeLessThanOrEqual(value);
      expect(value).toBeLessThanOrEqual(high);
      // Half a unit in the last place of BF16 is 0.2 to 0.4 %, for inputs, weights and output each.
      expect(value).toBeGreaterThan(0.0005);
      expect(value).toBeLessThan(0.02);
    }
  });

  it('is the same in one session and in many', async () => {
    const model = writeChain(join(folder, 'many.onnx'), 5);
    const one = await measured(model, randomSamples(2), 'fp16');
    const many = await measured(model, randomSamples(2), 'fp16', 3);
    expect(many.errors).toEqual(one.errors);
    expect([one.sessions, one.inferences, many.sessions, many.inferences]).toEqual([1, 2, 4, 8]);
  });

  it('is infinite where rounding overflows, and only there', async () => {
    const model = writeModel(join(folder, 'overflow.onnx'), {
      nodes: [
        makeNode({ opType: 'Mul', name: 'large', inputs: ['x', 'million'], outputs: ['a'] }),
        makeNode({ opType: 'Mul', name: 'back', inputs: ['a', 'millionth'], outputs: ['b'] }),
        makeNode({ opType: 'Sigmoid', name: 'after', inputs: ['b'], outputs: ['y'] }),
      ],
      weights: [
        floatTensor('million', [1], Float32Array.of(1e6)),
        floatTensor('millionth', [1], Float32Array.of(2 ** -10)),
      ],
      inputs: { x: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    const values = randomValues(WIDTH, 1);
    const samples = [sampleOf(0, { x: { dims: [1, WIDTH], values } })];
    const { errors } = await measured(model, samples, 'fp16');
    const found = Object.fromEntries(errors.map((one) => [one.layer.name, one.value]));
    expect(found['large']).toBe(Infinity);
    // Its input is the exact value beyond the range.
    expect(found['back']).toBe(Infinity);
    expect(found['after']).toBeGreaterThan(0);
    expect(found['after']).toBeLessThan(0.01);
    const inBf16 = await measured(model, samples, 'bf16');
    expect(inBf16.errors.every((one) => one.value < 0.02)).toBe(true);
  });

  it('leaves out layers that draw random numbers, be it all of them', async () => {
    const model = writeModel(join(folder, 'random.onnx'), {
      nodes: [makeNode({ opType: 'RandomNormalLike', name: 'noise', inputs: ['x'], outputs: ['y'] })],
      inputs: { x: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    expect(findLayers(model)).toHaveLength(1);
    expect(await measured(model, randomSamples(1), 'fp16')).toMatchObject({ errors: [], sessions: 0 });
  });
});
