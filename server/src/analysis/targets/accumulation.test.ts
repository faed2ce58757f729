/** Ways of adding up that are known, and what the experiments make of them; and this machine's processor. */
import { describe, expect, it } from 'vitest';
import type { Accumulation } from '../../formats/index.js';
import { computeForTests } from '../testing/index.js';
import {
  accumulationOf,
  chunkOf,
  findAccumulation,
  foundSums,
  isShort,
  partialSums,
  tellingSum,
  type FoundAccumulation,
} from './accumulation.js';

const { runtime } = await computeForTests();

/** What would be found of a target that adds up in this way. */
function foundOf(accumulation: Accumulation): Accumulation | undefined {
  const sum = tellingSum(accumulation);
  const kind = accumulationOf(sum);
  const found: FoundAccumulation = { operator: 'MatMul', accumulation: kind, sum };
  const ofHalf = tellingSum(accumulation, 2048);
  const parts = kind === 'between' ? partialSums(chunkOf(sum), 4096, chunkOf(ofHalf, 2048)) : {};
  return foundSums([{ ...found, ...parts }]).get('MatMul');
}

describe('a target that adds up', () => {
  it.each([{ kind: 'fp32' }, { kind: 'fp16' }] as const)('in $kind is found out', (accumulation) => {
    expect(foundOf(accumulation)).toEqual(accumulation);
  });

  it.each([16, 64, 128, 256, 512, 1024, 2048])('in partial sums of %d products is found out', (length) => {
    expect(foundOf({ kind: 'chunked', length })).toEqual({ kind: 'chunked', length });
  });

  it('in partial sums so short that they lose nothing of 3 is told from FP32 by smaller terms', () => {
    const chunked = { kind: 'chunked', length: 4 } as const;
    expect(foundOf(chunked)).toEqual({ kind: 'fp32' });
    expect(isShort(tellingSum(chunked, 4096, true))).toBe(true);
    expect(isShort(tellingSum({ kind: 'fp32' }, 4096, true))).toBe(false);
    expect(chunkOf(tellingSum(chunked))).toBe(4);
  });

  it.each([{ kind: 'fp32' }, { kind: 'fp16' }] as const)(
    'few terms in $kind is found out',
    (accumulation) => {
      expect(accumulationOf(tellingSum(accumulation, 64), 64)).toBe(accumulation.kind);
    },
  );

  it.each([2, 4, 16, 64, 256])('in %d sums side by side is found out', (count) => {
    const lanes = { kind: 'lanes', count } as const;
    expect(foundOf(lanes)).toEqual(lanes);
  });

  it('few terms in partial sums is found out', () => {
    const sum = tellingSum({ kind: 'chunked', length: 16 }, 64);
    expect([accumulationOf(sum, 64), chunkOf(sum, 64)]).toEqual(['between', 16]);
  });

  it('nothing is not known to add up in any way', () => {
    expect(
      foundSums([{ operator: 'Conv', accumulation: accumulationOf(Number.NaN), sum: Number.NaN }]),
    ).toEqual(new Map());
  });
});

it('the CPU provider adds up in FP32 where it runs FP16 through casts', async () => {
  const found = await findAccumulation(runtime, 'cpu');
  expect(found.map(({ operator }) => operator)).toEqual([
    ...['MatMul', 'Gemm', 'Gemm with transB', 'Einsum', 'Conv'],
    ...['ReduceSum', 'ReduceMean', 'ReduceL1', 'ReduceSumSquare', 'ReduceL2'],
    ...['ReduceLogSum', 'ReduceLogSumExp'],
    ...['AveragePool', 'AveragePool below 128', 'GlobalAveragePool', 'GlobalAveragePool below 128'],
    ...['Softmax', 'LogSoftmax', 'CumSum'],
  ]);
  for (const { accumulation } of found) expect(accumulation).not.toBe('not run');
  if (process.arch !== 'x64') return;
  for (const sums of foundSums(found).values()) expect(sums).toEqual({ kind: 'fp32' });
});
