/** Sums as hardware makes them, against an addition at a time with the rounding of single numbers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededBits } from '../random.js';
import { roundArray, roundTo } from '../rounding.js';
import { type Accumulation, dot } from './accumulation.js';

const FP32: Accumulation = { kind: 'fp32' };
const FP16: Accumulation = { kind: 'fp16' };
const chunked = (length: number): Accumulation => ({ kind: 'chunked', length });
const lanes = (count: number): Accumulation => ({ kind: 'lanes', count });

/** The same sum, written as its definition. */
function reference(left: Float32Array, right: Float32Array, accumulation: Accumulation): number {
  const format = accumulation.kind === 'fp32' ? 'fp32' : 'fp16';
  if (accumulation.kind === 'lanes') {
    const own = Array.from({ length: accumulation.count }, (_, lane) => {
      let sum = 0;
      for (let k = lane; k < left.length; k += accumulation.count) {
        sum = roundTo(format, sum + (left[k] ?? 0) * (right[k] ?? 0));
      }
      return sum;
    });
    return inPairs(own);
  }
  const chunk = accumulation.kind === 'chunked' ? accumulation.length : left.length;
  const sums: number[] = [];
  for (let start = 0; start < left.length; start += chunk) {
    let sum = 0;
    for (let k = start; k < Math.min(start + chunk, left.length); k++) {
      sum = roundTo(format, sum + (left[k] ?? 0) * (right[k] ?? 0));
    }
    sums.push(sum);
  }
  return sums.slice(1).reduce((total, sum) => roundTo(format, total + sum), sums[0] ?? 0);
}

/** The first half with what of the second stands at the same place, until one is left. */
function inPairs(sums: readonly number[]): number {
  if (sums.length <= 1) return sums[0] ?? 0;
  const half = Math.ceil(sums.length / 2);
  const seconds = sums.slice(half);
  return inPairs(
    sums.slice(0, half).map((sum, at) => {
      const second = seconds[at];
      return second === undefined ? sum : roundTo('fp16', sum + second);
    }),
  );
}

const halves = (min: number, max: number) =>
  fc
    .array(fc.float({ min, max, noNaN: true }), { minLength: 24, maxLength: 24 })
    .map((values) => roundArray('fp16', new Float32Array(values)));

describe('a dot product', () => {
  it.each([
    ...[FP32, FP16, chunked(1), chunked(5), chunked(24), chunked(100)],
    ...[lanes(1), lanes(5), lanes(8), lanes(24), lanes(64)],
  ])('in %o is the sum of its definition', (accumulation) => {
    const ranges = fc.constantFrom(4, 2 ** -10, 2 ** -20, 200, 65504).chain((most) => halves(-most, most));
    fc.assert(
      fc.property(ranges, ranges, (left, right) => {
        const sum = dot(left, right, { accumulation });
        expect(sum).toBe(Math.fround(reference(left, right, accumulation)));
      }),
      { numRuns: 500 },
    );
  });

  it('of nothing is 0', () => {
    for (const accumulation of [FP32, FP16, chunked(4), lanes(4)]) {
      expect(dot(new Float32Array(0), new Float32Array(0), { accumulation })).toBe(0);
    }
  });

  it('refuses chunks that would never end, and no lanes', () => {
    const one = new Float32Array([1]);
    for (const accumulation of [chunked(0), lanes(0)]) {
      expect(() => dot(one, one, { accumulation })).toThrow(RangeError);
    }
  });

  it('keeps infinities and NaN, and becomes infinite beyond 65504', () => {
    const ones = new Float32Array([1, 1]);
    for (const random of [undefined, seededBits(1)]) {
      const summation = { accumulation: FP16, ...(random === undefined ? {} : { random }) };
      expect(dot(new Float32Array([60000, 60000]), ones, summation)).toBe(Infinity);
      expect(dot(new Float32Array([-60000, -60000]), ones, summation)).toBe(-Infinity);
      expect(dot(new Float32Array([Infinity, 1]), ones, summation)).toBe(Infinity);
      expect(dot(new Float32Array([NaN, 1]), ones, summation)).toBeNaN();
    }
  });
});

describe('what the sources say', () => {
  const ones = new Float32Array(4096).fill(1);

  it('1 + 0.0001 is 1 in FP16', () => {
    const tiny = roundTo('fp16', 0.0001);
    expect(dot(new Float32Array([1, tiny]), new Float32Array([1, 1]), { accumulation: FP16 })).toBe(1);
  });

  it('a long FP16 sum is swamped: 4096 ones are 2048', () => {
    expect(dot(ones, ones, { accumulation: FP16 })).toBe(2048);
  });

  it('in chunks, in lanes, in FP32 and with stochastic rounding it is not', () => {
    expect(dot(ones, ones, { accumulation: chunked(64) })).toBe(4096);
    expect(dot(ones, ones, { accumulation: lanes(64) })).toBe(4096);
    expect(dot(ones, ones, { accumulation: FP32 })).toBe(4096);
    const random = seededBits(5);
    expect(Math.abs(dot(ones, ones, { accumulation: FP16, random }) - 4096)).toBeLessThan(400);
  });

  it('chunks err less than one run, on values that are nothing special', () => {
    const random = seededBits(9);
    const values = Float32Array.from({ length: 8192 }, () => roundTo('fp16', random.next() / 2 ** 32));
    const exact = values.reduce((sum, value) => sum + value, 0);
    const all = new Float32Array(8192).fill(1);
    const error = (accumulation: Accumulation) =>
      Math.abs(dot(values, all, { accumulation }) - exact) / exact;
    expect(error(FP16)).toBeGreaterThan(0.1);
    expect(error(chunked(64))).toBeLessThan(0.005);
  });
});

describe('stochastic rounding of sums', () => {
  it.each([FP16, chunked(8), lanes(4), FP32])('in %o is right on average', (accumulation) => {
    const step = accumulation.kind === 'fp32' ? 2 ** -24 : 2 ** -11;
    const terms = Float32Array.from({ length: 32 }, (_, k) => (k === 0 ? 1 : step / 8));
    const ones = new Float32Array(32).fill(1);
    const times = 4000;
    const random = seededBits(3);
    let mean = 0;
    for (let i = 0; i < times; i++) mean += dot(terms, ones, { accumulation, random }) / times;
    // To nearest, every term is lost; the sum itself is 31/8 half steps above 1.
    const exact = 1 + (31 * step) / 8;
    if (accumulation.kind === 'fp16' || accumulation.kind === 'fp32')
      expect(dot(terms, ones, { accumulation })).toBe(1);
    expect(Math.abs(mean - exact)).toBeLessThan((6 * step * Math.sqrt(31)) / Math.sqrt(times));
  });

  it('is the same again with the same seed', () => {
    const values = Float32Array.from({ length: 100 }, (_, k) => 1 / (k + 1));
    const sum = (seed: number) => dot(values, values, { accumulation: FP16, random: seededBits(seed) });
    expect(sum(1)).toBe(sum(1));
    expect(new Set(Array.from({ length: 20 }, (_, seed) => sum(seed))).size).toBeGreaterThan(1);
  });
});
