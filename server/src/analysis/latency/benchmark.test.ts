import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { benchmark, quantile } from './benchmark.js';
import { computeForTests, failingInRuns, failingWhere, randomSamples, writeChain } from '../testing/index.js';

const { runtime, folder } = await computeForTests();

describe('a quantile', () => {
  it.each([
    [[5], 0.1, 5],
    [[1, 2], 0.5, 1.5],
    [[1, 2, 3], 0.5, 2],
    [[1, 2, 3], 0, 1],
    [[1, 2, 3], 1, 3],
    [[0, 10], 0.9, 9],
    [[0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 0.1, 10],
  ])('of %j at %d is %d', (sorted, share, expected) => {
    expect(quantile(sorted, share)).toBeCloseTo(expected, 12);
  });

  it('of nothing is no number', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('rises with the share and stays among the values', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(values, share, share, (list, a, b) => {
        const sorted = list.toSorted((x, y) => x - y);
        const [low, high] = [quantile(sorted, Math.min(a, b)), quantile(sorted, Math.max(a, b))];
        expect(low).toBeGreaterThanOrEqual(quantile(sorted, 0));
        expect(low).toBeLessThanOrEqual(high + 1e-9);
        expect(high).toBeLessThanOrEqual(sorted.at(-1) ?? NaN);
      }),
    );
  });
});

describe('a benchmark', () => {
  it('times one level lower what kills its process in a run, and says so', async () => {
    const path = join(folder, 'fragile.onnx');
    writeChain(path, 1);
    const [sample] = randomSamples(1);
    if (sample === undefined) throw new Error('there is a sample');
    const fragile = failingInRuns(runtime, ({ optimization }) =>
      optimization === 'all' ? 'crashed' : undefined,
    );
    const options = { provider: 'cpu', runs: 2, threads: 1 } as const;
    const { rows } = await benchmark(fragile, [{ name: 'fragile', path }], sample, options);
    expect(rows).toMatchObject([
      { optimization: 'layout', notes: [expect.stringMatching(/crashed in a run.*fault is that of/)] },
    ]);
  });

  it.each(['crashed', 'failed'] as const)(
    'finds out which model it is that only %s after its first run, and times that one level lower',
    async (kind) => {
      const entries = ['firm', 'brittle'].map((name) => ({ name, path: join(folder, `${name}.onnx`) }));
      for (const { path } of entries) writeChain(path, 1);
      const [sample] = randomSamples(1);
      if (sample === undefined) throw new Error('there is a sample');
      const brittle = failingWhere(runtime, ({ model, optimization }) =>
        'path' in model && model.path.includes('brittle') && optimization === 'all'
          ? { during: 'timed run', kind }
          : undefined,
      );
      const renewed: string[] = [];
      const renew = (): void => void renewed.push('anew');
      const options = { provider: 'cpu', runs: 2, threads: 1, renew } as const;
      const { rows } = await benchmark(brittle, entries, sample, options);
      expect(rows).toMatchObject([
        { name: 'firm', optimization: 'all', notes: [] },
        {
          name: 'brittle',
          optimization: 'layout',
          notes: [expect.stringMatching(/in a run.*fault is that of/)],
        },
      ]);
      // In turns, and alone.
      expect(renewed).toHaveLength(kind === 'crashed' ? 2 : 0);
    },
  );

  it('times every entry as often as was asked for, and tells how far it is', async () => {
    const paths = [join(folder, 'short.onnx'), join(folder, 'long.onnx')];
    const entries = paths.map((path, index) => {
      writeChain(path, index === 0 ? 1 : 200);
      return { name: index === 0 ? 'short' : 'long', path };
    });
    const [sample] = randomSamples(1);
    if (sample === undefined) throw new Error('there is a sample');
    const told: string[] = [];
    const { rows, ...about } = await benchmark(runtime, entries, sample, {
      provider: 'cpu',
      runs: 7,
      threads: 1,
      progress: (done, total, what) => told.push(`${what} ${done}/${total}`),
    });
    expect(about).toMatchObject({ runs: 7, threads: 1 });
    expect(rows.map((row) => [row.name, row.optimization])).toEqual([
      ['short', 'all'],
      ['long', 'all'],
    ]);
    for (const row of rows) {
      expect(row.p10).toBeLessThanOrEqual(row.median);
      expect(row.median).toBeLessThanOrEqual(row.p90);
    }
    expect((rows[1]?.median ?? 0) / (rows[0]?.median ?? 1)).toBeGreaterThan(2);
    expect(told).toEqual([
      'timed runs 0/7',
      'timed runs 2/7',
      'timed runs 4/7',
      'timed runs 6/7',
      'timed runs 7/7',
    ]);
  });
});
