/** What operators add up inside, how many terms, and what cancels out: on small models, against sums by hand. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeAttribute, makeNode, type Node } from '../../onnx/index.js';
import { findLayers } from '../../plan/index.js';
import { closeEvaluation, openEvaluation } from '../sessions/evaluation.js';
import { insideSum } from './inside-sums.js';
import type { MeasuredLayerRange } from './layer-surroundings.js';
import { measureRanges } from './ranges.js';
import {
  computeForTests,
  floatTensor,
  randomValues,
  sampleOf,
  writeModel,
  type SmallModel,
} from '../testing/index.js';

const { runtime, folder } = await computeForTests();
let models = 0;

/** Two samples of this many elements, the second ten times as large. */
const DIMS = [2, 4, 3, 5];
const FIRST = randomValues(120, 7);
const SECOND = randomValues(120, 8).map((value) => 10 * value);

/** The range of the layer `node` in a model that feeds it the samples as `x`, and `more`. */
async function rangeOf(
  node: Node,
  more: Pick<SmallModel, 'weights'> & { readonly before?: readonly Node[] } = {},
  samples: readonly Float32Array[] = [FIRST, SECOND],
): Promise<MeasuredLayerRange> {
  models += 1;
  const model = writeModel(join(folder, `sums-${models}.onnx`), {
    nodes: [...(more.before ?? []), node],
    weights: more.weights ?? [],
    inputs: { x: DIMS },
    outputs: { y: DIMS.map(() => undefined) },
  });
  const fed = samples.map((values, index) => sampleOf(index, { x: { dims: DIMS, values } }));
  const evaluation = await openEvaluation(runtime, model, fed);
  try {
    const layer = findLayers(model).at(-1);
    if (layer === undefined) throw new Error('no layer');
    const range = (await measureRanges(evaluation, [layer], () => 120)).ranges.get(layer);
    if (range === undefined) throw new Error('no range');
    return range;
  } finally {
    await closeEvaluation(evaluation);
  }
}

/** The largest over rows of `length` neighbours of what `sum` makes of a row. */
function overRows(length: number, sum: (row: readonly number[]) => number): number {
  const sums: number[] = [];
  for (let start = 0; start < SECOND.length; start += length) {
    sums.push(sum([...SECOND.slice(start, start + length)]));
  }
  return Math.max(...sums);
}

const squaresOf = (row: readonly number[]): number => row.reduce((sum, value) => sum + value * value, 0);
const deviationsOf = (row: readonly number[]): number => {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return squaresOf(row.map((value) => value - mean));
};

const near = (value: number): number => expect.closeTo(value, 2) as number;
const ones = (name: string, count: number) => floatTensor(name, [count], new Float32Array(count).fill(1));
const node = (opType: string, inputs: readonly string[], attributes: Node['attributes'] = []): Node =>
  makeNode({ opType, name: 'layer', inputs, outputs: ['y'], attributes });
const int = (name: string, value: number) => makeAttribute(name, { kind: 'int', value });
const ints = (name: string, value: readonly number[]) => makeAttribute(name, { kind: 'ints', value });

describe('the sum of squares', () => {
  it('of a LayerNormalization is measured over what it normalizes, and is in FP32 by its definition', async () => {
    const { inside, terms } = await rangeOf(node('LayerNormalization', ['x', 's'], [int('axis', 2)]), {
      weights: [floatTensor('s', [3, 5], new Float32Array(15).fill(1))],
    });
    const value = near(overRows(15, deviationsOf));
    expect(inside).toEqual({
      quantity: 'sum of squares',
      terms: 15,
      value,
      evidence: 'measured',
      inFp32: true,
    });
    expect(terms).toBe(15);
  });

  it('of an InstanceNormalization and of an LpNormalization', async () => {
    const instance = await rangeOf(node('InstanceNormalization', ['x', 's', 'b']), {
      weights: [ones('s', 4), ones('b', 4)],
    });
    expect(instance.inside).toMatchObject({
      terms: 15,
      value: near(overRows(15, deviationsOf)),
      inFp32: false,
    });
    const along = await rangeOf(node('LpNormalization', ['x'], [int('axis', -1)]));
    expect(along.inside).toMatchObject({ terms: 5, value: near(overRows(5, squaresOf)) });
    const across = await rangeOf(node('LpNormalization', ['x'], [int('axis', 0)]));
    const pairs = SECOND.slice(0, 60).map((value, index) => value ** 2 + (SECOND[index + 60] ?? 0) ** 2);
    expect(across.inside).toMatchObject({ terms: 2, value: near(Math.max(...pairs)) });
  });

  it('of a ReduceL2 is told by its result', async () => {
    const { inside } = await rangeOf(node('ReduceL2', ['x'], [ints('axes', [2, 3])]));
    expect(inside).toMatchObject({ quantity: 'sum of squares', terms: 15, evidence: 'measured' });
    expect(inside?.value).toBeCloseTo(overRows(15, squaresOf), 1);
  });
});

describe('the definition of a normalization', () => {
  it('says whether it is computed in FP32', () => {
    const around = { opset: 17, inputs: [], output: undefined, dims: [2, 8], largestSquares: 3 };
    const more = { ...around, exponent: undefined, weights: undefined };
    const inFp32 = (...attributes: Node['attributes']): boolean | undefined =>
      insideSum({ ...more, node: node('LayerNormalization', ['x', 's'], attributes) })?.inFp32;
    expect([inFp32(), inFp32(int('stash_type', 1)), inFp32(int('stash_type', 10))]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('other sums', () => {
  it('of a mean are the mean times its terms', async () => {
    const sums = overRows(15, (row) => Math.abs(row.reduce((sum, value) => sum + value, 0)));
    const { inside, terms } = await rangeOf(node('GlobalAveragePool', ['x']));
    expect(inside).toMatchObject({ quantity: 'sum', terms: 15, evidence: 'measured', value: near(sums) });
    expect(terms).toBe(15);
    const pool = await rangeOf(node('AveragePool', ['x'], [ints('kernel_shape', [3, 5])]));
    expect(pool.inside).toMatchObject({ terms: 15, value: near(sums) });
  });

  it('of exponentials are at most their number', async () => {
    const { inside } = await rangeOf(node('Softmax', ['x'], [int('axis', 1)]));
    expect(inside).toMatchObject({
      quantity: 'sum of exponentials',
      terms: 4,
      value: 4,
      evidence: 'bounded',
    });
  });

  it('of products are bounded by the norms of their factors, and the bound holds', async () => {
    const values = randomValues(5 * 6, 3);
    const { inside, terms, tensors } = await rangeOf(node('MatMul', ['x', 'w']), {
      weights: [floatTensor('w', [5, 6], values)],
    });
    const columns = [0, 1, 2, 3, 4, 5].map((column) =>
      squaresOf([0, 1, 2, 3, 4].map((row) => values[row * 6 + column] ?? 0)),
    );
    const largest = Math.max(...SECOND.map(Math.abs));
    const bound = Math.sqrt(5 * Math.max(...columns)) * largest;
    expect(inside).toMatchObject({
      quantity: 'sum of products',
      terms: 5,
      evidence: 'bounded',
      value: near(bound),
    });
    expect(terms).toBe(5);
    expect(tensors.find(({ kind }) => kind === 'output')?.maxAbs).toBeLessThanOrEqual(bound);
  });

  it('of a negative power is the power of the largest value', async () => {
    const { inside } = await rangeOf(node('Pow', ['x', 'p']), {
      weights: [floatTensor('p', [], Float32Array.of(-3))],
    });
    const value = near(Math.max(...SECOND.map(Math.abs)) ** 3);
    expect(inside).toMatchObject({ quantity: 'power', terms: 1, evidence: 'measured', value });
  });

  it('are none of an operator that adds nothing up', async () => {
    expect(await rangeOf(node('Relu', ['x']))).toMatchObject({ inside: undefined, terms: undefined });
  });
});

describe('cancellation', () => {
  it('is how much larger than their sum the inputs are', async () => {
    const almost = makeNode({ opType: 'Mul', name: 'almost', inputs: ['x', 'c'], outputs: ['z'] });
    const weights = [floatTensor('c', [1], Float32Array.of(0.99))];
    const { cancellation } = await rangeOf(node('Sub', ['x', 'z']), { before: [almost], weights });
    expect(cancellation).toBeGreaterThan(99);
    expect(cancellation).toBeLessThan(101);
    const sum = await rangeOf(node('Add', ['x', 'z']), { before: [almost], weights });
    expect(sum.cancellation).toBeCloseTo(1 / 1.99, 2);
  });

  it('is seen through movement, and beside a constant', async () => {
    const shape = makeNode({
      opType: 'Transpose',
      name: 'turn',
      inputs: ['x'],
      outputs: ['z'],
      attributes: [ints('perm', [0, 1, 2, 3])],
    });
    const { cancellation } = await rangeOf(
      node('Sub', ['z', 'k']),
      { before: [shape], weights: [floatTensor('k', [1], Float32Array.of(1000))] },
      [FIRST.map((value) => 1000 + value)],
    );
    expect(cancellation).toBeGreaterThan(500);
  });

  it('in a mean of independent values is none, in one of opposites is strong', async () => {
    const mean = await rangeOf(node('GlobalAveragePool', ['x']));
    expect(mean.cancellation).toBeLessThan(5);
    const opposites = FIRST.map((_, index) =>
      index % 15 === 14 ? 0.01 : index % 2 === Math.floor(index / 15) % 2 ? 1 : -1,
    );
    const gone = await rangeOf(node('GlobalAveragePool', ['x']), {}, [opposites]);
    expect(gone.cancellation).toBeGreaterThan(100);
  });
});
