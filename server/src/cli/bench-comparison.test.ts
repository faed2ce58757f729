/** A benchmark beside an earlier one: from a file, and from what is kept. */
import { expect, it } from 'vitest';
import { commandFolder, PLAN } from './testing/index.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const { path: folder, writePlan, run, runJson } = commandFolder();

it('is read from what bench wrote, and refuses what it did not', async () => {
  writePlan(PLAN);
  const first = await run('bench p.precision --runs 2 --json');
  writeFileSync(join(folder, 'out.json'), first.out);
  const second = await runJson<{ comparison: { ratios: Record<string, number> } }>(
    'bench p.precision --runs 2 --compare out.json',
  );
  expect(Object.keys(second.comparison.ratios)).toEqual(['fp32', 'plan', 'fp16']);
  for (const [text, reason] of [
    ['{', /no JSON document/],
    ['{"rows": []}', /not what `bench --json` prints/],
  ] as const) {
    writeFileSync(join(folder, 'out.json'), text);
    const refused = await run('bench p.precision --runs 2 --compare out.json');
    expect([refused.status, refused.error]).toEqual([2, expect.stringMatching(reason)]);
  }
});

it('tells of a run of another model that nothing is compared', async () => {
  const first = await runJson<{ readonly model: string; readonly modelPath: string }>(
    'bench p.precision --runs 2',
  );
  expect(first.modelPath).toBe(join(folder, 'm.onnx'));
  writeFileSync(
    join(folder, 'out.json'),
    JSON.stringify({ ...first, model: 'f'.repeat(64), modelPath: '/other.onnx' }),
  );
  const { out } = await run('bench p.precision --runs 2 --compare out.json');
  expect(out).toMatch(
    /not compared, the earlier benchmark is of another model: the model was \/other\.onnx, is .*m\.onnx/u,
  );
  expect(out).not.toMatch(/times the (earlier )?median/u);
});

it('shows where a run is: what the rows say adds up to the whole', async () => {
  const { out } = await run('bench p.precision --runs 2');
  const [, table = ''] = out.split(/^slowest layers.*\n/mu);
  const rows = table.split(/\n\n/u)[0]?.split('\n') ?? [];
  // Of the plan and its casts, each with what rounding to hundredths or to two digits hides.
  const figuresOf = (row: string): number[] =>
    [...row.matchAll(/(-?[\d.e-]+) ms/gu)].slice(1).map(([, figure]) => Number(figure));
  const figures = rows.slice(0, -1).flatMap(figuresOf);
  const [whole = Number.NaN] = figuresOf(rows.at(-1) ?? '');
  expect(rows.at(-1)).toMatch(/^whole run/u);
  const hidden = [...figures, whole].reduce((sum, one) => sum + Math.min(0.0051, 0.051 * Math.abs(one)), 0);
  expect(Math.abs(figures.reduce((sum, one) => sum + one, 0) - whole)).toBeLessThanOrEqual(hidden);
  const beside = ['nodes that are no layers', 'between kernels', 'whole run'];
  expect(rows.slice(6).map((row) => row.split(/ {2,}/u)[0])).toEqual(expect.arrayContaining(beside));
});

it('adds up: layers and the rest are a run', async () => {
  interface Times {
    readonly fp32: number;
    readonly plan: number;
  }
  const { layers, rest } = await runJson<{
    layers: readonly (Times & { readonly name: string; readonly casts: number })[];
    rest: Readonly<Record<'whole' | 'others' | 'unmapped' | 'outside', Times>>;
  }>('bench p.precision --runs 2');
  expect(layers.length).toBe(6);
  for (const key of ['fp32', 'plan'] as const) {
    const inLayers = layers.reduce((sum, one) => sum + one[key] + (key === 'plan' ? one.casts : 0), 0);
    const beside = rest.others[key] + rest.unmapped[key] + rest.outside[key];
    expect(inLayers + beside).toBeCloseTo(rest.whole[key], 9);
  }
});

interface Compared {
  readonly at: string;
  readonly threads: number;
  readonly comparison: { readonly at: string; readonly differences: readonly string[] };
}

interface History {
  readonly benchmarks: readonly (Pick<Compared, 'at' | 'threads'> & {
    readonly onnxRuntime: string;
    readonly device: string;
    readonly version: string;
    readonly load: number;
    readonly rows: readonly { readonly name: string; readonly median: number }[];
  })[];
}

it('is kept with machine and versions, and compared with the last one of the same plan', async () => {
  const missing = await run('bench p.precision --runs 2 --compare last');
  expect([missing.status, missing.error]).toEqual([2, expect.stringMatching(/comparison-missing/)]);
  const first = await runJson<Compared>('bench p.precision --runs 2 --threads 1');
  writePlan(PLAN.replace('default: fp16', 'default: fp32'));
  const other = await runJson<Compared>('bench p.precision --runs 2 --threads 1 --compare last');
  expect(other.comparison.at).toBe(first.at);
  expect(other.comparison.differences).toContain('the plan decided otherwise');
  writePlan(PLAN);
  const second = await runJson<Compared>('bench p.precision --runs 2 --threads 1 --compare last');
  expect(second.comparison.at).toBe(first.at);
  expect(second.comparison.differences.filter((one) => !one.includes('busy'))).toEqual([]);

  const { benchmarks } = await runJson<History>('bench p.precision --history');
  expect(benchmarks.map(({ at }) => at)).toEqual([second.at, other.at, first.at]);
  for (const { onnxRuntime, device, version, load, rows } of benchmarks) {
    expect([onnxRuntime, device, version].every((word) => word !== '')).toBe(true);
    expect(load).toBeGreaterThanOrEqual(0);
    expect(rows.map(({ name }) => name)).toEqual(['fp32', 'plan', 'fp16']);
  }
  expect((await run('bench p.precision --history')).out.trim().split('\n')).toHaveLength(5);
});

it('is not kept where nothing is to be kept', async () => {
  await run('bench p.precision --runs 2 --no-cache');
  expect((await runJson<History>('bench p.precision --history')).benchmarks).toEqual([]);
  for (const words of ['--compare last --no-cache', '--history --no-cache']) {
    expect((await run(`bench p.precision ${words}`)).status).toBe(2);
  }
});

it('says plainly whether FP16 pays, and why where it does not', async () => {
  const { out } = await run('bench p.precision --runs 3');
  expect(out).toMatch(/FP16 (pays|does not pay) on this machine( cannot be told)?: the mixed model is/);
  expect(out).toMatch(/^plan {2}█+/mu);
  const { why } = await runJson<{ why: readonly string[] }>('bench p.precision --runs 2 --target cpu');
  if (process.arch === 'x64')
    expect(why.join()).toMatch(/no FP16 kernel for MatMul \(3 layers\), Relu \(3 layers\)/);
});
