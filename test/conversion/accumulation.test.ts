// Sums that are rounded as they grow, in a real session: the bits of the reference in `formats/accumulation`.
import * as ort from 'onnxruntime-node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeForTests } from '../../server/src/analysis/testing/index.js';
import { emulated } from '../../server/src/emulate/index.js';
import {
  conv,
  dot,
  gemm,
  matMul,
  roundTo,
  type Accumulation,
  type ShapedValues,
} from '../../server/src/formats/index.js';
import { DataType } from '../../server/src/onnx/index.js';
import type { LayerNumerics } from '../../server/src/plan/index.js';
import { modelOf } from './graph-text.js';
import { graphFor } from './plans.js';
import { floatsOf, randomNumbers, runModel } from './run-model.js';

const ACCUMULATIONS: readonly Accumulation[] = [
  { kind: 'fp16' },
  { kind: 'chunked', length: 1 },
  { kind: 'chunked', length: 4 },
  { kind: 'chunked', length: 64 },
  { kind: 'lanes', count: 1 },
  { kind: 'lanes', count: 3 },
  { kind: 'lanes', count: 64 },
  { kind: 'lanes', count: 100 },
];

/** Values of few digits and very different size, so that partial sums are ties, are swamped and overflow. */
function valuesOf(shape: readonly number[], seed: number): ShapedValues {
  const random = randomNumbers(seed + 1);
  const count = shape.reduce((product, dim) => product * dim, 1);
  const one = (): number => Math.fround((random() - 0.5) * 2 ** Math.floor(random() * 14 - 4));
  return { values: Float32Array.from({ length: count }, one), shape };
}

async function run(
  text: string,
  accumulate: Accumulation,
  feeds: Readonly<Record<string, ShapedValues>>,
  opset?: number,
  others: LayerNumerics = {},
): Promise<readonly number[]> {
  const model = modelOf(text, opset === undefined ? {} : { opset });
  const variant = emulated(graphFor(model, { '*': 'fp32' }, 'error', { accumulate, ...others }));
  const tensors = Object.entries(feeds).map(([name, { values, shape }]) => [
    name,
    new ort.Tensor('float32', values, shape),
  ]);
  return plain(
    floatsOf(await runModel(variant.bytes, Object.fromEntries(tensors) as Record<string, ort.Tensor>), 'y'),
  );
}

/** The places of a tensor of 3 x 4 x 5 whose elements are added up together, in their order. */
function groupsOver(axes: readonly number[]): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  for (let at = 0; at < 60; at++) {
    const place = [Math.floor(at / 20), Math.floor(at / 5) % 4, at % 5];
    const key = place.filter((_, axis) => !axes.includes(axis)).join();
    groups.set(key, [...(groups.get(key) ?? []), at]);
  }
  return [...groups.values()];
}

/** An equation by its definition: letters that are summed run in the order of the alphabet, the first outermost. */
function einsumOf(
  equation: string,
  operands: readonly ShapedValues[],
  accumulation: Accumulation,
): Float32Array {
  // Here an ellipsis is one axis, and what has no arrow is a product of matrices.
  const [left = '', right = 'ik'] = equation.replaceAll('...', 'e').split('->');
  const labels = left.split(',');
  const sizes = new Map(
    labels.flatMap((own, at) =>
      Array.from(own, (label, axis) => [label, operands[at]?.shape[axis] ?? 1] as const),
    ),
  );
  const summed = [...sizes.keys()].filter((label) => !right.includes(label)).sort();
  const places = (over: readonly string[]): readonly Map<string, number>[] =>
    over.reduce<readonly Map<string, number>[]>(
      (all, label) =>
        all.flatMap((place) =>
          Array.from({ length: sizes.get(label) ?? 1 }, (_, at) => new Map([...place, [label, at]])),
        ),
      [new Map()],
    );
  const valueAt = (operand: number, place: ReadonlyMap<string, number>): number => {
    const { shape, values } = operands[operand] ?? { shape: [], values: new Float32Array(0) };
    const at = Array.from(labels[operand] ?? '').reduce(
      (index, label, axis) => index * (shape[axis] ?? 1) + (place.get(label) ?? 0),
      0,
    );
    return values[at] ?? 0;
  };
  return Float32Array.from(places(Array.from(right)), (kept) => {
    const terms = Float32Array.from(places(summed), (place) =>
      labels.reduce((product, _, operand) => product * valueAt(operand, new Map([...kept, ...place])), 1),
    );
    return dot(
      terms,
      terms.map(() => 1),
      { accumulation },
    );
  });
}

/** What an operator makes of elements of its input, by its call. */
type Reduction =
  | 'sum'
  | 'mean'
  | 'sum of squares'
  | 'root of squares'
  | 'sum of magnitudes'
  | 'log of sum'
  | 'log of sum of exponentials';

/** What an operator adds up, and by what it is multiplied first. */
function termsOf(group: Float32Array, reduction: Reduction): readonly [Float32Array, Float32Array] {
  const ones = group.map(() => 1);
  switch (reduction) {
    case 'sum of squares':
    case 'root of squares':
      return [group, group];
    case 'sum of magnitudes':
      return [group.map(Math.abs), ones];
    case 'log of sum of exponentials':
      return [group.map((value) => roundTo('fp16', Math.exp(value))), ones];
    default:
      return [group, ones];
  }
}

/** The elements along `axes` of a tensor of rank 3 or their squares added up, by the reference for sums of products. */
function addedOver(
  { values, shape: [, rows = 1, columns = 1] }: ShapedValues,
  axes: readonly number[],
  reduction: Reduction,
  accumulation: Accumulation,
): Float32Array {
  const groups = new Map<string, number[]>();
  for (const [at, value] of values.entries()) {
    const place = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
    const key = place.filter((_, axis) => !axes.includes(axis)).join();
    groups.set(key, [...(groups.get(key) ?? []), value]);
  }
  return Float32Array.from([...groups.values()], (group) => {
    const own = Float32Array.from(group);
    const sum = dot(...termsOf(own, reduction), { accumulation });
    if (reduction === 'root of squares') return Math.sqrt(sum);
    if (reduction === 'log of sum' || reduction === 'log of sum of exponentials') return Math.log(sum);
    return reduction === 'mean' ? sum / group.length : sum;
  });
}

/** Softmax of one row, or its logarithm, with all that it is made of in FP16. */
function sharesOf(row: Float32Array, isLog: boolean, accumulation: Accumulation): Float32Array {
  const largest = Math.max(...row);
  const powers = row.map((value) => roundTo('fp16', Math.fround(value - largest)));
  const terms = powers.map((power) => roundTo('fp16', Math.exp(power)));
  const sum = dot(
    terms,
    terms.map(() => 1),
    { accumulation },
  );
  return isLog
    ? powers.map((power) => power - roundTo('fp16', Math.log(sum)))
    : terms.map((term) => term / sum);
}

/** Signs of zero say nothing here. */
function plain(values: Float32Array | undefined): readonly number[] {
  return [...(values ?? [])].map((value) => value + 0);
}

const declare = (feeds: Readonly<Record<string, ShapedValues>>): string =>
  Object.entries(feeds)
    .map(([name, { shape }]) => `input ${name}: float[${shape.join(',')}]\n`)
    .join('');

const { runtime, folder } = await computeForTests();

/** Scan is another operator up to 10, and Mod is younger than 9. */
const opsets = fc.constantFrom(9, 10, 11, 13, 17);
const seeds = fc.integer({ min: 0, max: 1e6 });
const accumulations = fc.constantFrom(...ACCUMULATIONS);

describe('accumulation', () => {
  it('of MatMul, of stacks and vectors too', async () => {
    const shapes = fc.constantFrom<readonly (readonly number[])[]>(
      [
        [3, 9],
        [9, 4],
      ],
      [
        [2, 3, 7],
        [7, 2],
      ],
      [
        [2, 1, 3, 5],
        [4, 5, 2],
      ],
      [[6], [6, 3]],
      [[3, 6], [6]],
      [[5], [5]],
    );
    const property = fc.asyncProperty(
      shapes,
      seeds,
      accumulations,
      async ([a = [], b = []], seed, accumulate) => {
        const feeds = { a: valuesOf(a, seed), b: valuesOf(b, seed + 1) };
        const expected = matMul(feeds.a, feeds.b, { accumulation: accumulate });
        const text = `${declare(feeds)}y = MatMul(a, b)\noutput y: float`;
        expect(await run(text, accumulate, feeds)).toEqual(plain(expected?.values));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('of products of whose operands nobody knows the rank', async () => {
    const stacked = { a: valuesOf([2, 1, 3, 5], 1), b: valuesOf([4, 5, 2], 2) };
    const flat = { a: valuesOf([3, 9], 3), b: valuesOf([9, 4], 4) };
    for (const accumulate of ACCUMULATIONS) {
      for (const [operator, feeds] of [
        ['MatMul', stacked],
        ['MatMul', flat],
        ['Gemm', flat],
      ] as const) {
        const expected = matMul(feeds.a, feeds.b, { accumulation: accumulate });
        const text = `input a: float\ninput b: float\ny = ${operator}(a, b)\noutput y: float`;
        expect(await run(text, accumulate, feeds)).toEqual(plain(expected?.values));
      }
    }
  });

  it('of Gemm, with factors, addend and either operand turned', async () => {
    const property = fc.asyncProperty(
      fc.boolean(),
      fc.boolean(),
      opsets,
      seeds,
      accumulations,
      async (transA, transB, opset, seed, accumulate) => {
        const feeds = {
          a: valuesOf(transA ? [8, 3] : [3, 8], seed),
          b: valuesOf(transB ? [5, 8] : [8, 5], seed + 1),
          c: valuesOf([5], seed + 2),
        };
        const attributes = `{"transA": ${transA ? 1 : 0}, "transB": ${transB ? 1 : 0}, "alpha": {"float": 0.5}, "beta": {"float": 3}}`;
        const expected = gemm(
          feeds.a,
          feeds.b,
          { accumulation: accumulate },
          {
            ...{ alpha: 0.5, beta: 3, transposeLeft: transA, transposeRight: transB, addend: feeds.c },
          },
        );
        const text = `${declare(feeds)}y = Gemm(a, b, c) ${attributes}\noutput y: float[3,5]`;
        expect(await run(text, accumulate, feeds, opset)).toEqual(plain(expected?.values));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('of Conv, with groups, strides, pads and dilations', async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(1, 2, 4),
      fc.constantFrom(1, 2),
      fc.constantFrom(1, 2),
      opsets,
      seeds,
      accumulations,
      async (group, stride, dilation, opset, seed, accumulate) => {
        const feeds = {
          x: valuesOf([2, 4, 7, 6], seed),
          w: valuesOf([8, 4 / group, 3, 2], seed + 1),
          b: valuesOf([8], seed + 2),
        };
        const options = { group, strides: [stride, 1], dilations: [1, dilation], pads: [1, 0, 2, 1] };
        const expected = conv(
          feeds.x,
          feeds.w,
          { accumulation: accumulate },
          { ...options, bias: feeds.b.values },
        );
        const attributes = JSON.stringify(options);
        const text = `${declare(feeds)}y = Conv(x, w, b) ${attributes}\noutput y: float`;
        expect(await run(text, accumulate, feeds, opset)).toEqual(plain(expected?.values));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('of AveragePool, with strides, dilations and pads that count or do not', async () => {
    const property = fc.asyncProperty(
      fc.boolean(),
      fc.constantFrom(1, 2),
      fc.constantFrom(1, 2),
      seeds,
      accumulations,
      async (countsPads, stride, dilation, seed, accumulate) => {
        const x = valuesOf([2, 3, 7, 6], seed);
        const options = { strides: [stride, 1], dilations: [1, dilation], pads: [1, 0, 2, 1] };
        const [ones, kernel] = [x.shape, [3, 1, 3, 2]].map((shape) => ({
          shape,
          values: new Float32Array(shape.reduce((total, length) => total * length, 1)).fill(1),
        }));
        if (ones === undefined || kernel === undefined) throw new Error('two shapes');
        const sums = conv(x, kernel, { accumulation: accumulate }, { ...options, group: 3 });
        const counts = conv(ones, kernel, { accumulation: { kind: 'fp32' } }, { ...options, group: 3 });
        const expected = sums?.values.map((sum, at) => sum / (countsPads ? 6 : (counts?.values[at] ?? 0)));
        const attributes = { ...options, kernel_shape: [3, 2], count_include_pad: countsPads ? 1 : 0 };
        const text = `${declare({ x })}y = AveragePool(x) ${JSON.stringify(attributes)}\noutput y: float`;
        expect(await run(text, accumulate, { x }, 19)).toEqual(plain(expected));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('of a pool whose windows go beyond the edge, or whose channels are not known, stays that of the runtime', async () => {
    const x = valuesOf([1, 2, 5, 5], 1);
    const ceiled = `${declare({ x })}y = AveragePool(x) {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}\noutput y: float`;
    const unknown = 'input x: float\ny = AveragePool(x) {"kernel_shape": [5, 5]}\noutput y: float';
    for (const text of [ceiled, unknown]) {
      expect(await run(text, { kind: 'fp16' }, { x })).toEqual(await run(text, { kind: 'fp32' }, { x }));
    }
  });

  it('of sums and means, of elements and of squares, over any axes, in any opset', async () => {
    const cases = fc.constantFrom<readonly [string, readonly number[], number, Reduction]>(
      ['ReduceSum(x) {"axes": [1]}', [1], 12, 'sum'],
      ['ReduceSum(x, axes)', [0, 2], 13, 'sum'],
      ['ReduceMean(x) {"axes": [-1, 0], "keepdims": 0}', [0, 2], 11, 'mean'],
      ['ReduceMean(x) {"keepdims": 0}', [0, 1, 2], 17, 'mean'],
      ['ReduceMean(x, axes)', [0, 2], 18, 'mean'],
      ['ReduceSumSquare(x) {"axes": [1]}', [1], 11, 'sum of squares'],
      ['ReduceSumSquare(x, axes)', [0, 2], 18, 'sum of squares'],
      ['ReduceL2(x) {"axes": [-1], "keepdims": 0}', [2], 13, 'root of squares'],
      ['ReduceL2(x, axes)', [0, 2], 18, 'root of squares'],
      ['ReduceL1(x) {"axes": [1]}', [1], 11, 'sum of magnitudes'],
      ['ReduceL1(x, axes)', [0, 2], 18, 'sum of magnitudes'],
      ['ReduceLogSum(x, axes)', [0, 2], 18, 'log of sum'],
      ['ReduceLogSum(x) {"axes": [-1], "keepdims": 0}', [2], 13, 'log of sum'],
      ['ReduceLogSumExp(x) {"axes": [0, 2]}', [0, 2], 13, 'log of sum of exponentials'],
      ['ReduceLogSumExp(x, axes)', [0, 2], 18, 'log of sum of exponentials'],
      ['GlobalAveragePool(x)', [2], 17, 'mean'],
    );
    const property = fc.asyncProperty(
      cases,
      seeds,
      accumulations,
      async ([call, axes, opset, reduction], seed, accumulate) => {
        const x = valuesOf([3, 4, 5], seed);
        const text = `input x: float[3,4,5]\n${call.includes(', axes') ? 'init axes: int64[2] = 0 -1\n' : ''}y = ${call}\noutput y: float`;
        const found = await run(text, accumulate, { x }, opset);
        expect(found).toEqual(plain(addedOver(x, axes, reduction, accumulate)));
      },
    );
    await fc.assert(property, { numRuns: 80 });
  });

  it('of Softmax and LogSoftmax, over one axis or all from one on', async () => {
    const cases = fc.constantFrom<readonly [string, number, readonly number[]]>(
      ['{"axis": 2}', 13, [2]],
      ['{"axis": 0}', 13, [0]],
      ['{"axis": -2}', 18, [1]],
      ['', 11, [1, 2]],
      ['{"axis": -1}', 9, [2]],
      ['', 17, [2]],
    );
    const property = fc.asyncProperty(
      cases,
      fc.boolean(),
      seeds,
      accumulations,
      async ([attributes, opset, axes], isLog, seed, accumulate) => {
        const x = valuesOf([3, 4, 5], seed);
        x.values.forEach((value, at) => (x.values[at] = value / 64));
        const operator = isLog ? 'LogSoftmax' : 'Softmax';
        const text = `${declare({ x })}y = ${operator}(x) ${attributes}\noutput y: float`;
        const expected = new Float32Array(60);
        for (const group of groupsOver(axes)) {
          const row = Float32Array.from(group, (at) => x.values[at] ?? 0);
          sharesOf(row, isLog, accumulate).forEach((share, at) => (expected[group[at] ?? 0] = share));
        }
        expect(await run(text, accumulate, { x }, opset)).toEqual(plain(expected));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('of Softmax keeps what is masked out at 0', async () => {
    const x = { values: Float32Array.of(1, -Infinity, 1, 0, -Infinity, 0), shape: [2, 3] };
    const found = await run(`${declare({ x })}y = Softmax(x)\noutput y: float`, { kind: 'fp16' }, { x });
    expect(found).toEqual([0.5, 0, 0.5, 0.5, 0, 0.5]);
  });

  it('of CumSum, from either end, with the element itself or without', async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(0, 1, 2, -1, -2),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom(11, 14),
      seeds,
      accumulations,
      async (axis, reverse, exclusive, opset, seed, accumulate) => {
        const x = valuesOf([3, 4, 5], seed);
        const attributes = `{"reverse": ${reverse ? 1 : 0}, "exclusive": ${exclusive ? 1 : 0}}`;
        const text = `${declare({ x })}init axis: int64[] = ${axis}\ny = CumSum(x, axis) ${attributes}\noutput y: float`;
        const expected = new Float32Array(60);
        for (const group of groupsOver([(axis + 3) % 3])) {
          for (const [place, at] of group.entries()) {
            const counted = (other: number): boolean =>
              reverse ? other >= place + (exclusive ? 1 : 0) : other <= place - (exclusive ? 1 : 0);
            const own = Float32Array.from(group, (one, other) => (counted(other) ? (x.values[one] ?? 0) : 0));
            expected[at] = dot(
              own,
              own.map(() => 1),
              { accumulation: accumulate },
            );
          }
        }
        expect(await run(text, accumulate, { x }, opset)).toEqual(plain(expected));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('of CumSum behind an infinite element is infinite from there on, and a number before', async () => {
    const x = { values: Float32Array.of(1, 2, Infinity, 3), shape: [4] };
    const text = `${declare({ x })}init axis: int64[] = 0\ny = CumSum(x, axis)\noutput y: float`;
    expect(await run(text, { kind: 'fp16' }, { x })).toEqual([1, 3, Infinity, Infinity]);
  });

  it('of Einsum, of any equation without a diagonal', async () => {
    const cases = fc.constantFrom<readonly [string, Readonly<Record<string, readonly number[]>>]>(
      ['ij,jk->ik', { a: [3, 7], b: [7, 2] }],
      ['bhid,bhjd->bhij', { a: [2, 2, 3, 5], b: [2, 2, 4, 5] }],
      ['ij,jk', { a: [3, 7], b: [7, 2] }],
      ['kij,jl->lik', { a: [2, 3, 5], b: [5, 4] }],
      ['ijk,kj->i', { a: [2, 3, 4], b: [4, 3] }],
      ['ij->j', { a: [6, 3] }],
      ['ij->', { a: [3, 4] }],
      ['...ij,...jk->...ik', { a: [2, 3, 5], b: [2, 5, 2] }],
      ['ij,k->i', { a: [3, 4], b: [2] }],
      ['bij,jk,k->bi', { a: [2, 3, 4], b: [4, 3], c: [3] }],
    );
    const property = fc.asyncProperty(
      cases,
      seeds,
      accumulations,
      async ([equation, shapes], seed, accumulate) => {
        // Products of three in FP32 are not exact, of whole numbers they are.
        const feeds = Object.fromEntries(
          Object.entries(shapes).map(([name, shape], at) => {
            const { values } = valuesOf(shape, seed + at);
            return [name, { shape, values: values.map((value) => Math.trunc(value)) }];
          }),
        );
        const text = `${declare(feeds)}y = Einsum(${Object.keys(feeds).join(', ')}) {"equation": "${equation}"}\noutput y: float`;
        expect(await run(text, accumulate, feeds)).toEqual(
          plain(einsumOf(equation, Object.values(feeds), accumulate)),
        );
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('of Einsum with a diagonal, and of one that adds up nothing, stays that of the runtime', async () => {
    const square = valuesOf([4, 4], 1);
    for (const [equation, feeds] of [
      ['ii->', { a: square }],
      ['ij,j->ij', { a: square, b: valuesOf([4], 2) }],
    ] as const) {
      const text = `${declare(feeds)}y = Einsum(${Object.keys(feeds).join(', ')}) {"equation": "${equation}"}\noutput y: float`;
      expect(await run(text, { kind: 'fp16' }, feeds)).toEqual(await run(text, { kind: 'fp32' }, feeds));
    }
  });

  /** A call, its inputs and whatever else is in the model. */
  interface Empty {
    readonly call: string;
    readonly shapes: Readonly<Record<string, readonly number[]>>;
    readonly more?: string;
    readonly opset?: number;
  }

  const lengths = fc.constantFrom(0, 1, 3);
  const emptyCases = fc
    .tuple(lengths, lengths, lengths)
    .chain(([n, k, m]) =>
      fc.constantFrom<Empty>(
        { call: 'MatMul(a, b)', shapes: { a: [n, k], b: [k, m] } },
        { call: 'MatMul(a, b)', shapes: { a: [2, n, k], b: [k, m] } },
        { call: 'MatMul(a, b)', shapes: { a: [k], b: [k, m] } },
        { call: 'Gemm(a, b, c) {"alpha": {"float": 0.5}}', shapes: { a: [n, k], b: [k, m], c: [m] } },
        { call: 'Einsum(a, b) {"equation": "ij,jk->ki"}', shapes: { a: [n, k], b: [k, m] } },
        { call: 'Einsum(a) {"equation": "ijk->j"}', shapes: { a: [n, k, m] } },
        { call: 'Conv(x, w)', shapes: { x: [n, 2, 3, 3], w: [4, 2, 3, 2] } },
        { call: 'AveragePool(x) {"kernel_shape": [3, 2]}', shapes: { x: [n, 2, 3, 3] } },
        { call: 'GlobalAveragePool(x)', shapes: { x: [n, 2, 3, 3] } },
        { call: 'ReduceSum(x, axes)', shapes: { x: [n, k, m] }, more: 'init axes: int64[1] = 1\n' },
        { call: 'ReduceMean(x) {"axes": [0, 2], "keepdims": 0}', shapes: { x: [n, k, m] } },
        { call: 'ReduceL2(x) {"axes": [1]}', shapes: { x: [n, k, m] } },
        { call: 'ReduceLogSumExp(x) {"axes": [2]}', shapes: { x: [n, k, m] } },
        { call: 'Softmax(x) {"axis": 1}', shapes: { x: [n, k, m] } },
        { call: 'LogSoftmax(x)', shapes: { x: [n, k, m] }, opset: 11 },
        { call: 'CumSum(x, axis)', shapes: { x: [n, k, m] }, more: 'init axis: int64[] = 1\n' },
      ),
    );

  it('of shapes that are known only when it runs is the same, and of nothing what FP32 makes of it', async () => {
    const property = fc.asyncProperty(
      emptyCases,
      accumulations,
      fc.boolean(),
      seeds,
      async ({ call, shapes, more = '', opset }, accumulate, isInBranch, seed) => {
        const feeds = Object.fromEntries(
          Object.entries(shapes).map(([name, shape], at) => [name, valuesOf(shape, seed + at)]),
        );
        const isEmpty = Object.values(shapes).flat().includes(0);
        // Kernels and channels are known, as where weights have them.
        const symbolic = Object.entries(shapes).map(([name, shape]) => {
          const known = (axis: number): boolean => name === 'w' || (call.includes('Pool') && axis === 1);
          const dims = shape.map((length, axis) => (known(axis) && length > 0 ? length : `d_${name}${axis}`));
          return `input ${name}: float[${dims.join(',')}]\n`;
        });
        const inBranch =
          `graph then\nt = ${call}\noutput t: float\nend\ngraph else\ne = Identity(${Object.keys(shapes)[0] ?? ''})\noutput e: float\nend\n` +
          'which = Constant() {"value": {"tensor": "bool[] = 1"}}\ny = If(which) {"then_branch": {"graph": "then"}, "else_branch": {"graph": "else"}}';
        const textOf = (inputs: string, node: string): string => `${inputs}${more}${node}\noutput y: float`;
        const wanted = await run(
          textOf(declare(feeds), `y = ${call}`),
          isEmpty ? { kind: 'fp32' } : accumulate,
          feeds,
          opset,
        );
        const text = textOf(symbolic.join(''), isInBranch ? inBranch : `y = ${call}`);
        expect(await run(text, accumulate, feeds, opset)).toEqual(wanted);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  it('of many lanes takes no memory for each of them', async () => {
    const many = { kind: 'lanes', count: 4096 } as const;
    const [a, b] = [valuesOf([128, 8], 1), valuesOf([8, 128], 2)];
    const text = 'input a: float[128,k]\ninput b: float[k,128]\ny = MatMul(a, b)\noutput y: float';
    const { bytes } = emulated(graphFor(modelOf(text), { '*': 'fp32' }, 'error', { accumulate: many }));
    const session = await runtime.open({
      ...{ model: { bytes, weightsFolder: folder }, provider: 'cpu', optimization: 'disabled', threads: 1 },
    });
    const put = ({ values, shape }: ShapedValues) =>
      runtime.put(DataType.FLOAT, shape, { kind: 'bytes', bytes: new Uint8Array(values.buffer) });
    const before = await runtime.peakMemory();
    const { y } = await runtime.run(session, { a: await put(a), b: await put(b) });
    if (y === undefined) throw new Error('There is no y.');
    const found = new Float32Array((await runtime.read(y)).slice().buffer);
    expect(plain(found)).toEqual(plain(matMul(a, b, { accumulation: many })?.values));
    // A row for each lane would take 8 bytes for each of 4096 times 16,384 sums: 537 MB.
    expect((await runtime.peakMemory()) - before).toBeLessThan(200e6);
  });

  it('of convolutions in more lanes than are added up at once, and than there are terms', async () => {
    const feeds = { x: valuesOf([1, 32, 4, 4], 3), w: valuesOf([2, 32, 3, 3], 4) };
    const text = `${declare(feeds)}y = Conv(x, w)\noutput y: float`;
    for (const count of [64, 250, 256, 4096, 5000]) {
      const accumulate = { kind: 'lanes', count } as const;
      const expected = conv(feeds.x, feeds.w, { accumulation: accumulate }, {});
      expect(await run(text, accumulate, feeds)).toEqual(plain(expected?.values));
    }
  });

  it('of lanes over an axis that turns out to be empty is 0', async () => {
    const lanes = { kind: 'lanes', count: 3 } as const;
    const text = 'input x: float\ny = ReduceL1(x) {"keepdims": 0}\noutput y: float';
    for (const length of [0, 1, 7]) {
      const x = valuesOf([length], 1);
      const ones = x.values.map(() => 1);
      const wanted = dot(x.values.map(Math.abs), ones, { accumulation: lanes });
      expect(await run(text, lanes, { x })).toEqual([wanted]);
    }
  });

  it('of what has another shape than what it was made of', async () => {
    const x = valuesOf([2, 3, 4, 1], 5);
    const w = valuesOf([24, 2], 6);
    const accumulate = { kind: 'fp16' } as const;
    const vector = { values: x.values, shape: [24] };
    const product = `${declare({ x, w })}init s: int64[1] = 24\nv = Reshape(x, s)\ny = MatMul(v, w)\noutput y: float`;
    expect(await run(product, accumulate, { x, w })).toEqual(
      plain(matMul(vector, w, { accumulation: accumulate })?.values),
    );
    const flat = { values: x.values, shape: [2, 12] };
    const shares = `${declare({ x })}v = Flatten(x)\ny = Softmax(v)\noutput y: float`;
    const alone = `${declare({ x: flat })}y = Softmax(x)\noutput y: float`;
    expect(await run(shares, accumulate, { x })).toEqual(await run(alone, accumulate, { x: flat }));
    const wider = `${declare({ x })}v = Concat(x, x, x) {"axis": 1}\ny = AveragePool(v) {"kernel_shape": [4, 1]}\noutput y: float`;
    const once = await run(
      `${declare({ x })}y = AveragePool(x) {"kernel_shape": [4, 1]}\noutput y: float`,
      accumulate,
      { x },
    );
    const [first, second] = [once.slice(0, 3), once.slice(3)];
    expect(await run(wider, accumulate, { x })).toEqual([first, first, first, second, second, second].flat());
  });

  it('of a function whose body, or whose caller, has other nodes before the sum', async () => {
    const accumulate = { kind: 'fp16' } as const;
    const x = valuesOf([3, 4, 5], 11);
    const rectified = { ...x, values: x.values.map((value) => Math.max(value, 0)) };
    const mean = (input: string, opType = 'ReduceMean'): string => `${opType}(${input}) {"axes": [1]}`;
    const outside = await run(`input x: float[3,4,5]\ny = ${mean('x')}\noutput y: float[3,1,5]`, accumulate, {
      x: rectified,
    });
    const within = (body: string, caller: string): Promise<readonly number[]> =>
      run(
        `function local.F(a) -> b\n${body}\nend\ninput x: float[3,4,5]\n${caller}\noutput y: float[3,1,5]`,
        accumulate,
        { x },
      );
    expect(await within(`h = Relu(a)\nb = ${mean('h')}`, 'y = local.F(x)')).toEqual(outside);
    expect(await within(`b = ${mean('a')}`, 'h = Relu(x)\ny = local.F(h)')).toEqual(outside);
    // Each call has shapes of its own, of what a branch in it holds, too.
    const branch = (name: string, node: string): string => `graph ${name}\nt = ${node}\noutput t: float\nend`;
    const branches = `${branch('then', mean('h'))}\n${branch('else', mean('h', 'ReduceMax'))}`;
    const choice = '{"then_branch": {"graph": "then"}, "else_branch": {"graph": "else"}}';
    const chosen = `${branches}\nh = Relu(a)\nc = Constant() {"value": {"tensor": "bool[] = 1"}}\nb = If(c) ${choice}`;
    const flat = 'f = Flatten(x)\ng = local.F(f)';
    expect(await within(chosen, `${flat}\ny = local.F(x)\noutput g: float[3,1]`)).toEqual(outside);
    const { values } = rectified;
    expect(outside).not.toEqual(
      Array.from({ length: 15 }, (_, at) => {
        const places = [0, 5, 10, 15].map((step) => Math.floor(at / 5) * 20 + (at % 5) + step);
        return Math.fround(places.reduce((sum, place) => sum + (values[place] ?? 0), 0) / 4);
      }),
    );
  });

  it('of a mean whose sum is beyond FP16 overflows', async () => {
    const feeds = { x: { values: new Float32Array(4096).fill(32), shape: [1, 1, 64, 64] } };
    for (const declared of [declare(feeds), 'input x: float\n']) {
      const text = `${declared}y = GlobalAveragePool(x)\noutput y: float`;
      expect(await run(text, { kind: 'chunked', length: 16 }, feeds)).toEqual([Infinity]);
      expect(await run(text, { kind: 'fp32' }, feeds)).toEqual([32]);
    }
  });

  it('of a long sum swamps in FP16, and does not in chunks', async () => {
    const ones = (shape: readonly number[]): ShapedValues => ({
      values: new Float32Array(4096).fill(1),
      shape,
    });
    const feeds = { a: ones([1, 4096]), b: ones([4096, 1]) };
    const text = `${declare(feeds)}y = MatMul(a, b)\noutput y: float`;
    expect(await run(text, { kind: 'fp32' }, feeds)).toEqual([4096]);
    expect(await run(text, { kind: 'fp16' }, feeds)).toEqual([2048]);
    expect(await run(text, { kind: 'chunked', length: 64 }, feeds)).toEqual([4096]);
  });

  it.each([{ kind: 'fp16' }, { kind: 'chunked', length: 8 }, { kind: 'lanes', count: 4 }] as const)(
    'of %o that is rounded by chance is right on average, of numbers of FP16, and the same again',
    async (accumulation) => {
      const step = 2 ** -11;
      const [rows, terms] = [4000, 32];
      // To the nearest, every term but the first of each row is lost.
      const a = Float32Array.from({ length: rows * terms }, (_, at) => (at % terms === 0 ? 1 : step / 8));
      const feeds = {
        a: { values: a, shape: [rows, terms] },
        b: { values: new Float32Array(terms).fill(1), shape: [terms, 1] },
      };
      const text = `${declare(feeds)}y = MatMul(a, b)\noutput y: float`;
      const drawn = await run(text, accumulation, feeds, undefined, { stochastic: true });
      const mean = drawn.reduce((sum, value) => sum + value, 0) / rows;
      const exact = 1 + ((terms - 1) * step) / 8;
      expect(Math.abs(mean - exact)).toBeLessThan((6 * step * Math.sqrt(terms)) / Math.sqrt(rows));
      expect(drawn.filter((value) => roundTo('fp16', value) !== value)).toEqual([]);
      expect(new Set(drawn).size).toBeGreaterThan(1);
      expect(await run(text, accumulation, feeds, undefined, { stochastic: true })).toEqual(drawn);
      expect(new Set(await run(text, accumulation, feeds)).size).toBe(1);
    },
  );
});
