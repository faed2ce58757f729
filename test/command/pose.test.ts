/** The main job from the command line on the pose model: check, analyze, tune, convert, verify, bench. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatNumber } from '../../server/src/report/index.js';
import { newFolder, POSE, POSE_PLAN, poseFolder, run, runJson } from './command.js';

interface ToleranceDocument {
  readonly metric: string;
  readonly measured: number;
  readonly noise: number;
  readonly holds: boolean;
}

describe('the bundled sample', () => {
  const plan = join(POSE, 'pose_landmark_lite.precision');

  it('has no diagnostic worse than a hint', async () => {
    const document = (await runJson(['check', plan], 'check')) as { diagnostics: { severity: string }[] };
    expect(
      document.diagnostics.filter((one) => one.severity !== 'hint' && one.severity !== 'information'),
    ).toEqual([]);
  });

  it('is formatted', async () => {
    expect((await run(['format', '--check', plan])).status).toBe(0);
  });

  it('all in FP16 errs as the reference figures say', async () => {
    const folder = poseFolder(POSE_PLAN.replace('inputs/', `${POSE}/inputs/`));
    const document = (await runJson(['verify', folder, '--draws', '1'], 'verify')) as {
      samples: number;
      tolerances: ToleranceDocument[];
    };
    expect(document.samples).toBe(18);
    const nme = document.tolerances.find((one) => one.metric === 'nme')?.measured ?? 0;
    // 0.29 to 0.32 % by an independent measurement; the digits below the noise are a lottery.
    expect(nme).toBeGreaterThan(0.002);
    expect(nme).toBeLessThan(0.0045);
  });
});

describe('analyze', () => {
  it('finds the early projections that no Clip bounds among the worst', async () => {
    const document = (await runJson(['analyze', poseFolder(POSE_PLAN)], 'analyze')) as {
      layers: {
        name: string;
        error: { value: number; low: number; high: number };
        range: { maxAbs: number };
      }[];
    };
    expect(document.layers.length).toBeGreaterThan(100);
    for (const { error, range } of document.layers) {
      expect(error.low).toBeLessThanOrEqual(error.value);
      expect(error.high).toBeGreaterThanOrEqual(error.value);
      expect(error.value).toBeGreaterThanOrEqual(0);
      expect(range.maxAbs).toBeGreaterThan(0);
    }
    const values = document.layers.map((one) => one.error.value);
    expect(values).toEqual([...values].sort((a, b) => b - a));
  });

  it('says how values and gradients are spread, and the loss scale that the gradients ask for', async () => {
    const plan = poseFolder(POSE_PLAN, ['walker_a']);
    const document = (await runJson(['analyze', plan, '--gradients'], 'analyze')) as {
      layers: {
        range: {
          tensors: { elements: number; sample?: string; histogram: { binades: [number, number][] } }[];
        };
      }[];
      gradients: {
        lossScale: { scale: number };
        tensors: readonly { maxAbs: number }[];
        unknown: readonly string[];
      };
    };
    const [first] = document.layers[0]?.range.tensors ?? [];
    expect(first?.sample).toBe('walker_a.npy');
    expect(first?.histogram.binades.reduce((sum, [, count]) => sum + count, 0)).toBeLessThanOrEqual(
      first?.elements ?? 0,
    );
    const { lossScale, tensors, unknown } = document.gradients;
    expect(unknown).toEqual([]);
    expect(tensors.length).toBeGreaterThan(document.layers.length);
    const largest = Math.max(...tensors.map(({ maxAbs }) => maxAbs)) * lossScale.scale;
    expect(largest).toBeLessThan(65520);
    expect(largest).toBeGreaterThanOrEqual(65520 / 2);
  });

  it('BF16 errs about eight times as much as FP16', async () => {
    const plan = poseFolder(POSE_PLAN, ['walker_a']);
    const median = async (format: string): Promise<number> => {
      const document = (await runJson(
        ['analyze', plan, '--method', 'local', '--format', format],
        'analyze',
      )) as {
        layers: { error: { value: number } }[];
      };
      const values = document.layers.map((one) => one.error.value).sort((a, b) => a - b);
      return values[Math.floor(values.length / 2)] ?? 0;
    };
    const ratio = (await median('bf16')) / (await median('fp16'));
    expect(ratio).toBeGreaterThan(5);
    expect(ratio).toBeLessThan(12);
  });
});

describe('analyze by other methods', () => {
  it('measured: what each layer alone does to the outputs, worst first', async () => {
    const document = (await runJson(
      ['analyze', poseFolder(POSE_PLAN, ['walker_a']), '--method', 'measured'],
      'analyze',
    )) as { layers: { error: { value: number; method: string } }[] };
    expect(new Set(document.layers.map((one) => one.error.method))).toEqual(new Set(['measured']));
    const values = document.layers.map((one) => one.error.value);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
  });

  it('all: sketches rank the layers as measured errors do, local errors only roughly', async () => {
    const plan = poseFolder(POSE_PLAN, ['walker_a', 'astronaut']);
    const document = (await runJson(['analyze', plan, '--method', 'all'], 'analyze')) as {
      rankCorrelations: Readonly<Record<string, number>>;
      layers: { name: string; error: { value: number }; sketch?: { value: number } }[];
    };
    const ratios = document.layers.map((one) => (one.sketch?.value ?? Number.NaN) / one.error.value);
    expect(ratios.toSorted((a, b) => a - b)[ratios.length >> 1]).toBeCloseTo(1, 0);
    expect(ratios.filter((ratio) => ratio > 0.5 && ratio < 2).length).toBeGreaterThan(0.9 * ratios.length);
    const [worst] = document.layers;
    const [titles = '', , first = ''] = (await run(['analyze', plan, '--method', 'all'])).out.split('\n');
    expect(titles).toMatch(/measured error +sketch +hessian +first-order +local error/);
    expect(first.split(/ {2,}/)).toEqual(expect.arrayContaining([formatNumber(worst?.sketch?.value ?? 0)]));
    const { sketch = 0, local = 0, hessian = 0 } = document.rankCorrelations;
    expect(Object.keys(document.rankCorrelations)).toEqual([
      'sketch',
      'local',
      'hessian',
      'hessian-weights',
      'first-order',
    ]);
    expect(local).toBeGreaterThan(0);
    expect(local).toBeLessThan(0.8);
    expect(sketch).toBeGreaterThan(0.85);
    expect(hessian).toBeGreaterThan(local);
  });

  it('refuses a method that there is not', async () => {
    expect((await run(['analyze', poseFolder(POSE_PLAN, ['walker_a']), '--method', 'guess'])).status).toBe(2);
  });
});

describe('predict', () => {
  it('says what verify then measures, within its interval', async () => {
    const plan = poseFolder(POSE_PLAN.replace('1e-3', '0.5'), ['walker_a', 'astronaut']);
    const document = (await runJson(['predict', plan], 'predict')) as {
      error: { low: number; high: number };
      tolerances: { metric: string; predicted: { low: number; high: number } | null }[];
      missing: string[];
      layers: Record<string, number>;
    };
    expect(document.missing).toEqual([]);
    expect(document.layers['fp16']).toBeGreaterThan(100);
    const verified = (await runJson(['verify', plan, '--draws', '1'], 'verify')) as {
      tolerances: ToleranceDocument[];
    };
    for (const name of ['relative_l2', 'nme']) {
      const measured = verified.tolerances.find(({ metric }) => metric === name)?.measured ?? NaN;
      const predicted = document.tolerances.find(({ metric }) => metric === name)?.predicted;
      expect(measured).toBeGreaterThan((predicted?.low ?? NaN) / 2);
      expect(measured).toBeLessThan((predicted?.high ?? NaN) * 2);
    }
    // What was measured is where the prediction of a plan that is nearly the same starts, and it says so.
    writeFileSync(plan, `${readFileSync(plan, 'utf8')}layer "conv2d/Conv": fp32\n`);
    const near = (await runJson(['predict', plan], 'predict')) as {
      tolerances: { startedFrom: { plan: string; measuredAt: string; differing: string[] } | null }[];
    };
    const [start] = near.tolerances.map(({ startedFrom }) => startedFrom);
    expect(start).toMatchObject({ plan, differing: ['conv2d/Conv'] });
    expect(Date.parse(start?.measuredAt ?? '')).toBeGreaterThan(Date.now() - 3_600_000);
    expect((await run(['predict', plan])).out).toMatch(
      /^starts from \S+ as measured on [\d-]+ [\d:]+ UTC, which decides 1 layer otherwise: conv2d\/Conv$/m,
    );
  });
});

describe('tune', () => {
  it('ranks by measured errors where it is asked to', async () => {
    const words = ['tune', poseFolder(POSE_PLAN, ['walker_a']), '--strategy', 'bisect', '--rank', 'measured'];
    const document = (await runJson([...words, '--draws', '1'], 'tune')) as {
      rank: string;
      tolerances: ToleranceDocument[];
    };
    expect(document.rank).toBe('measured');
    expect(document.tolerances.every((one) => one.holds)).toBe(true);
  });

  it.each(['greedy', 'bisect'])('%s finds a mixed plan, writes it, and verify agrees', async (strategy) => {
    const plan = poseFolder(`# a comment that stays\n${POSE_PLAN}`);
    expect((await run(['verify', plan, '--draws', '1'])).status).toBe(1);
    const tuned = (await runJson(
      ['tune', plan, '--write', '--strategy', strategy, '--draws', '1'],
      'tune',
    )) as {
      layers: Record<string, number>;
      decisions: Record<string, string>;
      tolerances: ToleranceDocument[];
    };
    expect(tuned.tolerances.every((one) => one.holds)).toBe(true);
    expect(tuned.layers['fp16'] ?? 0).toBeGreaterThan(4);
    expect(Object.values(tuned.decisions).some((format) => format !== 'fp16')).toBe(true);
    expect(readFileSync(plan, 'utf8')).toContain('# a comment that stays');
    const checked = (await runJson(['check', plan], 'check')) as { diagnostics: { severity: string }[] };
    expect(checked.diagnostics.filter((one) => one.severity === 'error')).toEqual([]);
    const verified = (await runJson(['verify', plan, '--draws', '1'], 'verify')) as {
      holds: boolean;
      tolerances: ToleranceDocument[];
    };
    expect(verified.holds).toBe(true);
    expect(verified.tolerances.map((one) => one.measured)).toEqual(
      tuned.tolerances.map((one) => one.measured),
    );
  });

  it('without --write leaves the plan alone', async () => {
    const plan = poseFolder(POSE_PLAN, ['walker_a']);
    await runJson(['tune', plan, '--strategy', 'bisect', '--draws', '1'], 'tune');
    expect(readFileSync(plan, 'utf8')).toBe(POSE_PLAN);
  });

  it('says so where nothing holds', async () => {
    const text = POSE_PLAN.replace('<= 1e-3', '<= 1e-12').replace(
      'default: fp16\n',
      'default: fp16 { pinned: true }\n',
    );
    const outcome = await run(['tune', poseFolder(text, ['walker_a'])]);
    expect(outcome.status).toBe(1);
    expect(outcome.error).toMatch(/error tolerance-exceeded: .*relative_l2/);
  });
});

describe('convert', () => {
  it('writes a smaller model that loads, runs and keeps its signature', async () => {
    const plan = poseFolder(POSE_PLAN);
    const output = join(dirname(plan), 'mixed.onnx');
    const document = (await runJson(['convert', plan, '-o', output, '--verify'], 'convert')) as {
      verified: boolean;
      bytes: number;
      casts: number;
    };
    expect(document.verified).toBe(true);
    expect(document.bytes).toBe(statSync(output).size);
    expect(document.bytes).toBeLessThan(0.6 * statSync(join(dirname(plan), 'pose_landmark_lite.onnx')).size);
    // All in FP16: one cast at the input, one at each of the three outputs.
    expect(document.casts).toBe(4);
  });

  it('a plan that changes nothing gives the original bytes', async () => {
    const plan = poseFolder(POSE_PLAN.replace('default: fp16', 'default: fp32'));
    const output = join(dirname(plan), 'same.onnx');
    await runJson(['convert', plan, '-o', output], 'convert');
    const same = readFileSync(output).equals(readFileSync(join(dirname(plan), 'pose_landmark_lite.onnx')));
    expect(same).toBe(true);
  });

  it('never overwrites the model of the plan', async () => {
    const plan = poseFolder(POSE_PLAN);
    const model = join(dirname(plan), 'pose_landmark_lite.onnx');
    const before = readFileSync(model);
    const outcome = await run(['convert', plan, '-o', model]);
    expect(outcome.status).toBe(2);
    expect(outcome.error).toContain('cannot-write');
    expect(readFileSync(model).equals(before)).toBe(true);
  });
});

describe('bench', () => {
  it('times the three models in turns', async () => {
    const document = (await runJson(
      ['bench', poseFolder(POSE_PLAN, ['walker_a']), '--runs', '5'],
      'bench',
    )) as {
      runs: number;
      rows: { name: string; median: number; p10: number; p90: number; bytes: number }[];
    };
    expect(document.rows.map((row) => row.name)).toEqual(['fp32', 'plan', 'fp16']);
    for (const row of document.rows) {
      expect(row.median).toBeGreaterThan(0);
      expect(row.p10).toBeLessThanOrEqual(row.median);
      expect(row.p90).toBeGreaterThanOrEqual(row.median);
    }
  });
});

describe('init', () => {
  it('writes a plan that checks without an error, and does not overwrite it', async () => {
    const folder = newFolder();
    const plan = join(folder, 'pose.precision');
    const model = join(POSE, 'pose_landmark_lite.onnx');
    expect((await run(['init', model, '-o', plan])).status).toBe(0);
    const checked = (await runJson(['check', plan], 'check')) as { diagnostics: { severity: string }[] };
    expect(checked.diagnostics.filter((one) => one.severity === 'error')).toEqual([]);
    writeFileSync(plan, '# mine\n');
    expect((await run(['init', model, '-o', plan])).status).toBe(2);
    expect(readFileSync(plan, 'utf8')).toBe('# mine\n');
  });

  it('--expand names every layer', async () => {
    const plan = join(newFolder(), 'pose.precision');
    const model = join(POSE, 'pose_landmark_lite.onnx');
    await run(['init', model, '--expand', '-o', plan]);
    const inspected = (await runJson(['inspect', model], 'inspect')) as { layers: { name: string }[] };
    const lines = readFileSync(plan, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('layer '));
    expect(lines.length).toBe(inspected.layers.length);
  });
});
