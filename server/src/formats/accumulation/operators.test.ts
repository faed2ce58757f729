/**
 * MatMul, Gemm and Conv against loops over every output that are written from ONNX's definitions, with values that are
 * small whole numbers, so that all sums are exact and a wrong index shows; and the accumulation against `dot`.
 */
import { describe, expect, it } from 'vitest';
import { seededBits } from '../random.js';
import { roundTo } from '../rounding.js';
import { type Accumulation, dot } from './accumulation.js';
import { conv, type ConvOptions } from './conv.js';
import { gemm, matMul, type ShapedValues } from './matmul.js';

const FP32 = { accumulation: { kind: 'fp32' } } as const;
const ACCUMULATIONS: Accumulation[] = [{ kind: 'fp32' }, { kind: 'fp16' }, { kind: 'chunked', length: 3 }];

function elements(shape: readonly number[]): number {
  return shape.reduce((total, length) => total * length, 1);
}

/** Whole numbers from -4 to 4. */
function whole(shape: readonly number[], seed: number): ShapedValues {
  const random = seededBits(seed);
  return { shape, values: Float32Array.from({ length: elements(shape) }, () => (random.next() % 9) - 4) };
}

/** FP16 numbers around 1, whose sums have to be rounded. */
function fractions(shape: readonly number[], seed: number): ShapedValues {
  const random = seededBits(seed);
  return {
    shape,
    values: Float32Array.from({ length: elements(shape) }, () => roundTo('fp16', random.next() / 2 ** 31)),
  };
}

function at({ values, shape }: ShapedValues, ...indices: number[]): number {
  let place = 0;
  for (const [axis, index] of indices.entries()) {
    const length = shape[axis] ?? 0;
    if (index < 0 || index >= length) return 0;
    place = place * length + index;
  }
  return values[place] ?? NaN;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

describe('matMul', () => {
  it('multiplies matrices', () => {
    const left = whole([3, 4], 1);
    const right = whole([4, 2], 2);
    const expected = range(3).flatMap((i) =>
      range(2).map((j) => range(4).reduce((sum, k) => sum + at(left, i, k) * at(right, k, j), 0)),
    );
    expect(matMul(left, right, FP32)).toEqual({ shape: [3, 2], values: Float32Array.from(expected) });
  });

  it('broadcasts stacks of matrices', () => {
    const left = whole([2, 1, 3, 4], 3);
    const right = whole([5, 4, 2], 4);
    const expected = range(2).flatMap((a) =>
      range(5).flatMap((b) =>
        range(3).flatMap((i) =>
          range(2).map((j) =>
            range(4).reduce((sum, k) => sum + at(left, a, 0, i, k) * at(right, b, k, j), 0),
          ),
        ),
      ),
    );
    expect(matMul(left, right, FP32)).toEqual({
      shape: [2, 5, 3, 2],
      values: Float32Array.from(expected),
    });
  });

  it('takes vectors on either side', () => {
    const vector = whole([4], 5);
    const matrix = whole([4, 3], 6);
    expect(matMul(vector, matrix, FP32)?.shape).toEqual([3]);
    expect(matMul({ ...matrix, shape: [3, 4] }, vector, FP32)?.shape).toEqual([3]);
    expect(matMul(vector, vector, FP32)).toEqual({
      shape: [],
      values: Float32Array.of(vector.values.reduce((sum, value) => sum + value * value, 0)),
    });
  });

  it('gives nothing for shapes that do not multiply', () => {
    expect(matMul(whole([2, 3], 1), whole([2, 3], 2), FP32)).toBeUndefined();
    expect(matMul(whole([2, 2, 3], 1), whole([3, 3, 2], 2), FP32)).toBeUndefined();
    expect(matMul(whole([], 1), whole([1], 2), FP32)).toBeUndefined();
  });

  it.each(ACCUMULATIONS)('adds up in %o', (accumulation) => {
    const left = fractions([3, 40], 7);
    const right = fractions([40, 2], 8);
    const product = matMul(left, right, { accumulation });
    for (const i of range(3)) {
      for (const j of range(2)) {
        const column = Float32Array.from(range(40), (k) => at(right, k, j));
        const row = left.values.subarray(i * 40, i * 40 + 40);
        expect(product?.values[i * 2 + j]).toBe(dot(row, column, { accumulation }));
      }
    }
  });
});

describe('gemm', () => {
  const left = whole([3, 4], 1);
  const right = whole([4, 2], 2);
  const across = (matrix: ShapedValues): ShapedValues => {
    const [rows = 0, columns = 0] = matrix.shape;
    return {
      shape: [columns, rows],
      values: Float32Array.from(range(columns).flatMap((j) => range(rows).map((i) => at(matrix, i, j)))),
    };
  };

  it('is MatMul without more, whichever operand is transposed', () => {
    const product = matMul(left, right, FP32);
    expect(gemm(left, right, FP32)).toEqual(product);
    expect(gemm(across(left), right, FP32, { transposeLeft: true })).toEqual(product);
    expect(gemm(left, across(right), FP32, { transposeRight: true })).toEqual(product);
    expect(gemm(across(left), across(right), FP32, { transposeLeft: true, transposeRight: true })).toEqual(
      product,
    );
  });

  it('scales the product and adds, broadcasting what is added', () => {
    const product = matMul(left, right, FP32)?.values ?? new Float32Array(0);
    const addend = { shape: [2], values: Float32Array.of(10, 20) };
    expect([...(gemm(left, right, FP32, { alpha: 0.5, beta: 3, addend })?.values ?? [])]).toEqual(
      Array.from(product, (value, i) => value / 2 + (i % 2 === 0 ? 30 : 60)),
    );
    const column = { shape: [3, 1], values: Float32Array.of(1, 2, 3) };
    expect([...(gemm(left, right, FP32, { addend: column })?.values ?? [])]).toEqual(
      Array.from(product, (value, i) => value + 1 + Math.floor(i / 2)),
    );
    const scalar = { shape: [], values: Float32Array.of(7) };
    expect([...(gemm(left, right, FP32, { addend: scalar })?.values ?? [])]).toEqual(
      Array.from(product, (value) => value + 7),
    );
  });

  it('gives nothing for shapes that do not fit', () => {
    expect(gemm(left, left, FP32)).toBeUndefined();
    expect(gemm(left, right, FP32, { addend: whole([4], 3) })).toBeUndefined();
    expect(gemm({ ...left, shape: [3, 2, 2] }, right, FP32)).toBeUndefined();
  });
});

/** Conv over two spatial axes, output by output. */
function convolved(input: ShapedValues, weights: ShapedValues, options: ConvOptions): ShapedValues {
  const { group = 1, strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], bias } = options;
  const [batch = 0, , height = 0, width = 0] = input.shape;
  const [outChannels = 0, groupChannels = 0, kernelHeight = 0, kernelWidth = 0] = weights.shape;
  const length = (size: number, kernel: number, i: number) =>
    Math.floor(
      (size + (pads[i] ?? 0) + (pads[i + 2] ?? 0) - (dilations[i] ?? 1) * (kernel - 1) - 1) /
        (strides[i] ?? 1),
    ) + 1;
  const shape = [batch, outChannels, length(height, kernelHeight, 0), length(width, kernelWidth, 1)];
  const values: number[] = [];
  for (const n of range(batch)) {
    for (const m of range(outChannels)) {
      for (const y of range(shape[2] ?? 0)) {
        for (const x of range(shape[3] ?? 0)) {
          let sum = bias?.[m] ?? 0;
          for (const c of range(groupChannels)) {
            const channel = Math.floor(m / (outChannels / group)) * groupChannels + c;
            for (const i of range(kernelHeight)) {
              for (const j of range(kernelWidth)) {
                const row = y * (strides[0] ?? 1) + i * (dilations[0] ?? 1) - (pads[0] ?? 0);
                const column = x * (strides[1] ?? 1) + j * (dilations[1] ?? 1) - (pads[1] ?? 0);
                sum += at(input, n, channel, row, column) * at(weights, m, c, i, j);
              }
            }
          }
          values.push(sum);
        }
      }
    }
  }
  return { shape, values: Float32Array.from(values) };
}

describe('conv', () => {
  it.each<[string, ConvOptions]>([
    ['as it is', {}],
    ['with strides', { strides: [2, 3] }],
    ['with pads that differ on every side', { pads: [1, 2, 0, 3] }],
    ['dilated', { dilations: [2, 1], pads: [1, 1, 1, 1] }],
    ['in groups', { group: 2 }],
    ['channel by channel', { group: 4, pads: [1, 1, 1, 1] }],
    [
      'with a bias and everything else',
      { group: 2, strides: [2, 1], dilations: [1, 2], pads: [2, 1, 1, 2], bias: Float32Array.of(1, 2, 3, 4) },
    ],
  ])('slides over two axes %s', (_, options) => {
    const input = whole([2, 4, 7, 6], 11);
    const weights = whole([4, 4 / (options.group ?? 1), 3, 2], 12);
    expect(conv(input, weights, FP32, options)).toEqual(convolved(input, weights, options));
  });

  it('slides over one axis as over two of which one is 1 long', () => {
    const input = whole([1, 3, 9], 13);
    const weights = whole([2, 3, 4], 14);
    const flat = conv(input, weights, FP32, { strides: [2], pads: [1, 2] });
    const square = conv({ ...input, shape: [1, 3, 1, 9] }, { ...weights, shape: [2, 3, 1, 4] }, FP32, {
      strides: [1, 2],
      pads: [0, 1, 0, 2],
    });
    expect(flat?.values).toEqual(square?.values);
    expect(flat?.shape).toEqual([1, 2, 5]);
  });

  it('slides over three axes', () => {
    const input = whole([1, 1, 2, 3, 4], 15);
    const weights = whole([1, 1, 2, 3, 4], 16);
    const sum = input.values.reduce((total, value, i) => total + value * (weights.values[i] ?? 0), 0);
    expect(conv(input, weights, FP32)).toEqual({ shape: [1, 1, 1, 1, 1], values: Float32Array.of(sum) });
  });

  it.each(ACCUMULATIONS)('adds up in %o', (accumulation) => {
    const input = fractions([1, 5, 4, 4], 17);
    const weights = fractions([2, 5, 4, 4], 18);
    const out = conv(input, weights, { accumulation });
    expect([...(out?.values ?? [])]).toEqual(
      range(2).map((m) => dot(weights.values.subarray(m * 80, m * 80 + 80), input.values, { accumulation })),
    );
  });

  it('gives nothing for shapes that do not fit', () => {
    expect(conv(whole([1, 3, 4, 4], 1), whole([2, 4, 2, 2], 2), FP32)).toBeUndefined();
    expect(conv(whole([1, 4, 4, 4], 1), whole([3, 2, 2, 2], 2), FP32, { group: 2 })).toBeUndefined();
    expect(conv(whole([1, 1, 2, 2], 1), whole([1, 1, 3, 3], 2), FP32)).toBeUndefined();
    expect(conv(whole([1, 1, 2], 1), whole([1, 1, 2, 2], 2), FP32)).toBeUndefined();
  });
});
