/** The session of a written model: what was tried, and the file that is written. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { threadCounts } from '../analysis/index.js';
import { commandFolder } from './testing/index.js';

const { path: folder, run, runJson } = commandFolder();

interface Settings {
  readonly threads: number;
  readonly optimization: string;
  readonly median: number;
  readonly p90: number;
}

it('tries every number of threads at every level, and writes the fastest that is no accident', async () => {
  const { session } = await runJson<{
    readonly session: {
      readonly path: string;
      readonly usual: Settings;
      readonly best: Settings;
      readonly tried: readonly Settings[];
    };
  }>('convert p.precision -o out.onnx --tune-session');
  const { usual, best, tried, path } = session;
  const cores = availableParallelism();
  expect(usual).toMatchObject({ threads: cores, optimization: 'all' });
  const wanted = threadCounts(cores).flatMap((threads) =>
    ['all', 'extended', 'basic', 'disabled'].map((level) => `${threads} ${level}`),
  );
  expect(tried.map(({ threads, optimization }) => `${threads} ${optimization}`).sort()).toEqual(
    wanted.sort(),
  );
  expect(tried.map(({ median }) => median)).toEqual(tried.map(({ median }) => median).sort((a, b) => a - b));
  if (best.median !== usual.median) expect(best.p90).toBeLessThan(usual.median);
  expect(path).toBe(join(folder, 'out.onnx.session.json'));
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
    model: 'out.onnx',
    executionProviders: ['cpu'],
    graphOptimizationLevel: best.optimization,
    intraOpNumThreads: best.threads,
  });
});

it('writes nothing unless it is asked to', async () => {
  expect((await run('convert p.precision -o out.onnx')).status).toBe(0);
  expect(existsSync(join(folder, 'out.onnx.session.json'))).toBe(false);
});

it('counts threads by doubling', () => {
  expect([1, 2, 3, 8].map((cores) => threadCounts(cores))).toEqual([[1], [1, 2], [1, 2, 3], [1, 2, 4, 8]]);
});
