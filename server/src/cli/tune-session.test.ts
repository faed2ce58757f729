/** The session of a written model: what was tried, and the file that is written. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import fc from 'fast-check';
import { gainOf, threadCounts, type Gain } from '../analysis/index.js';
import { commandFolder, PLAN } from './testing/index.js';

const { path: folder, run, runJson, writePlan } = commandFolder();

interface Settings {
  readonly threads: number;
  readonly optimization: string;
  readonly median: number;
  readonly p90: number;
}

it('tries every number of threads at every level, and claims no gain within the spread', async () => {
  const { session: tuned } = await runJson<{
    readonly session: {
      readonly path: string;
      readonly original: Settings;
      readonly usual: Settings;
      readonly best: Settings;
      readonly precision: Gain;
      readonly session: Gain | null;
      readonly tried: readonly Settings[];
    };
  }>('convert p.precision -o out.onnx --tune-session');
  const { original, usual, best, tried, path, precision, session } = tuned;
  const cores = availableParallelism();
  for (const one of [original, usual]) expect(one).toMatchObject({ threads: cores, optimization: 'all' });
  const wanted = threadCounts(cores).flatMap((threads) =>
    ['all', 'extended', 'basic', 'disabled'].map((level) => `${threads} ${level}`),
  );
  expect(tried.map(({ threads, optimization }) => `${threads} ${optimization}`).sort()).toEqual(
    wanted.sort(),
  );
  expect(tried.map(({ median }) => median)).toEqual(tried.map(({ median }) => median).sort((a, b) => a - b));
  expect(precision.p10).toBeLessThanOrEqual(precision.median);
  if (best.median !== usual.median) {
    expect(best.median).toBeLessThan(usual.median);
    expect(session).toMatchObject({ beyondSpread: true });
  }
  expect(path).toBe(join(folder, 'out.onnx.session.json'));
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
    model: 'out.onnx',
    executionProviders: ['cpu'],
    graphOptimizationLevel: best.optimization,
    intraOpNumThreads: best.threads,
    modelHash: createHash('sha256')
      .update(readFileSync(join(folder, 'out.onnx')))
      .digest('hex'),
    busy: expect.any(Boolean) as boolean,
    gain: { precision: { median: precision.median } },
    machine: { cores, onnxRuntime: expect.stringMatching(/^\d/) as string },
  });
});

it('says what precision gains and what the session gains, beside each other', async () => {
  const { out } = await run('convert p.precision -o out.onnx --tune-session');
  expect(out).toMatch(
    /^Precision: .*\d ms → .*\d ms.*\nSession: .*at level \w+.*\n(The machine was busy .*\n)?written to out\.onnx/mu,
  );
});

it('refuses a number of threads, which it tries itself, and a number of runs where nothing is timed', async () => {
  expect((await run('convert p.precision -o out.onnx --tune-session --threads 2')).status).toBe(2);
  expect((await run('convert p.precision -o out.onnx --runs 2')).status).toBe(2);
});

it('calls a gain one where nine of ten runs have it', () => {
  const runs = (...times: readonly number[]): readonly number[] => times;
  expect(gainOf(runs(4, 4, 4, 4), runs(2, 2, 2, 2))).toMatchObject({ median: 2, beyondSpread: true });
  expect(gainOf(runs(2, 2, 2, 2), runs(4, 4, 4, 4))).toMatchObject({ median: 0.5, beyondSpread: true });
  expect(gainOf(runs(4, 4, 4, 4), runs(3, 5, 3, 5))).toMatchObject({ beyondSpread: false });
  expect(gainOf(runs(4), runs(2))).toMatchObject({ median: 2, beyondSpread: false });
  // A moment at which the machine is slow for both is no gain of either.
  expect(gainOf(runs(4, 40, 4, 40), runs(4, 40, 4, 40))).toMatchObject({ median: 1, beyondSpread: false });
  const times = fc.array(fc.double({ min: 0.1, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(times, (list) => {
      const same = gainOf(list, list);
      expect(same.median).toBe(1);
      expect(same.beyondSpread).toBe(false);
    }),
  );
});

it('writes nothing unless it is asked to', async () => {
  expect((await run('convert p.precision -o out.onnx')).status).toBe(0);
  expect(existsSync(join(folder, 'out.onnx.session.json'))).toBe(false);
});

it('leaves no settings beside a model that they were not found for', async () => {
  const file = join(folder, 'out.onnx.session.json');
  const convert = async () => await run('convert p.precision -o out.onnx');
  await convert();
  const modelHash = createHash('sha256')
    .update(readFileSync(join(folder, 'out.onnx')))
    .digest('hex');
  writeFileSync(file, JSON.stringify({ model: 'out.onnx', modelHash, executionProviders: ['cpu'] }));
  expect((await convert()).error).not.toContain('removed');
  expect(existsSync(file)).toBe(true);
  writePlan(PLAN.replace('default: fp16', 'default: bf16'));
  expect((await convert()).error).toContain('removed out.onnx.session.json, which held the settings');
  expect(existsSync(file)).toBe(false);
  writeFileSync(file, '{ "mine": true }');
  await convert();
  expect(readFileSync(file, 'utf8')).toBe('{ "mine": true }');
});

it('counts threads by doubling', () => {
  expect([1, 2, 3, 8].map((cores) => threadCounts(cores))).toEqual([[1], [1, 2], [1, 2, 3], [1, 2, 4, 8]]);
});
