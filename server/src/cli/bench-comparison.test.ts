/** A benchmark beside an earlier one. */
import { expect, it } from 'vitest';
import { compareBenches, type BenchFigures } from './bench-comparison.js';
import { commandFolder, PLAN } from './testing/index.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FIGURES: BenchFigures = {
  target: 'cpu',
  device: 'a processor',
  onnxRuntime: '1.30.0',
  threads: 1,
  busy: false,
  rows: [
    { name: 'fp32', median: 4 },
    { name: 'plan', median: 2 },
  ],
};

function checkComparison(
  change: Partial<BenchFigures>,
  differences: readonly (string | RegExp)[],
  ratios: Readonly<Record<string, number>>,
): void {
  const found = compareBenches({ ...FIGURES, ...change }, FIGURES);
  expect(found.ratios).toEqual(ratios);
  expect(found.differences).toEqual(differences.map((one) => expect.stringMatching(one) as string));
}

it('tells how much slower each row is, and what makes that meaningless', () => {
  checkComparison({}, [], { fp32: 1, plan: 1 });
  checkComparison({ rows: [{ name: 'plan', median: 3 }] }, [], { plan: 1.5 });
  checkComparison({ threads: 2, busy: true }, ['threads was 1, is 2', /busy in this run/], {
    fp32: 1,
    plan: 1,
  });
});

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
