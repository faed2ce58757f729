/** Ways of adding up that are known, and what the experiments make of them; and this machine's processor. */
import { describe, expect, it } from 'vitest';
import type { Accumulation } from '../../formats/index.js';
import { computeForTests } from '../testing/index.js';
import {
  accumulationOf,
  chunkOf,
  findAccumulation,
  foundSums,
  tellingSum,
  type FoundAccumulation,
} from './accumulation.js';

const { runtime } = await computeForTests();

/** What would be found of a target that adds up in this way. */
function foundOf(accumulation: Accumulation): Accumulation | undefined {
  const sum = tellingSum(accumulation);
  const kind = accumulationOf(sum);
  const found: FoundAccumulation = { operator: 'MatMul', accumulation: kind, sum };
  return foundSums([kind === 'between' ? { ...found, chunk: chunkOf(sum) } : found]).get('MatMul');
}

describe('a target that adds up', () => {
  it.each([{ kind: 'fp32' }, { kind: 'fp16' }] as const)('in $kind is found out', (accumulation) => {
    expect(foundOf(accumulation)).toEqual(accumulation);
  });

  it.each([16, 64, 128, 256, 512, 1024, 2048])('in partial sums of %d products is found out', (length) => {
    expect(foundOf({ kind: 'chunked', length })).toEqual({ kind: 'chunked', length });
  });

  it('in partial sums so short that they lose nothing is taken for one that does not', () => {
    expect(foundOf({ kind: 'chunked', length: 4 })).toEqual({ kind: 'fp32' });
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
    ...[
      'MatMul',
      'Gemm',
      'Conv',
      'ReduceSum',
      'ReduceMean',
      'ReduceSumSquare',
      'ReduceL2',
      'GlobalAveragePool',
    ],
  ]);
  for (const { accumulation, sum } of found) expect(accumulation).toBe(accumulationOf(sum));
  if (process.arch !== 'x64') return;
  for (const sums of foundSums(found).values()) expect(sums).toEqual({ kind: 'fp32' });
});
