/** Predictions at every change of a plan, before anything is measured of it, and what is said of them. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeChain } from '../testing/index.js';
import { liveFindings } from './live-findings.js';
import { boundPlan, endOf, liveForTests } from './testing.js';

const HEAD = 'input "x" = normal(0, 1) { count: 4, seed: 5 }\n';
const live = liveForTests();
const { folder } = live;
const path = join(folder, 'p.precision');
const model = writeChain(join(folder, 'model.onnx'), 6);
const analysis = await live.start('predicted');

function plan(text: string) {
  return boundPlan(path, model, `${HEAD}${text}`);
}

describe('a prediction', () => {
  it('follows a flip at once, before anything is run, and is near to what is then measured', async () => {
    analysis.update(plan('tolerance "y" relative_l2 <= 1\ndefault: fp32\n'));
    const before = await endOf(analysis, path);
    expect(before.prediction?.tolerances.map(({ value }) => value?.value)).toEqual([0]);

    analysis.update(plan('tolerance "y" relative_l2 <= 1\ndefault: fp16\n'));
    const flipped = analysis.numbers(path);
    expect(flipped.verdictIsStale).toBe(true);
    const predicted = flipped.prediction?.tolerances[0]?.value;
    expect(predicted?.value).toBeGreaterThan(1e-5);
    expect(predicted?.low).toBeLessThan(predicted?.high ?? 0);

    const measured = (await endOf(analysis, path)).verdict?.verdicts[0]?.measured ?? Number.NaN;
    expect((predicted?.value ?? 0) / measured).toBeGreaterThan(1 / 2);
    expect((predicted?.value ?? 0) / measured).toBeLessThan(2);
  });

  it('is a finding only while nothing is measured of the plan', async () => {
    const text = 'tolerance "y" relative_l2 <= 1e-9\ndefault: fp16\n';
    const codes = (wanted: string): string[] =>
      liveFindings(plan(wanted), analysis.numbers(path)).map(({ code }) => code);
    analysis.update(plan(text));
    await endOf(analysis, path);
    expect(codes(text)).toContain('tolerance-exceeded');
    expect(codes(text)).not.toContain('tolerance-predicted');

    const changed = `${text}layer "mul_0": fp32\n`;
    analysis.update(plan(changed));
    expect(codes(changed)).toContain('tolerance-predicted');
    expect(codes(changed)).not.toContain('tolerance-exceeded');
    await endOf(analysis, path);
    expect(codes(changed)).not.toContain('tolerance-predicted');
  });

  it('is learnt of a metric that no squared error tells, once there are figures to learn from', async () => {
    const values: unknown[] = [];
    analysis.onChange(() => values.push(analysis.numbers(path).prediction?.tolerances[0]?.value));
    analysis.update(plan('tolerance "y" max_abs <= 1\ndefault: fp16\n'));
    const { prediction, verdict } = await endOf(analysis, path);
    expect(values).toContain(undefined);
    const [found] = prediction?.tolerances ?? [];
    expect(found?.holds).toBe(true);
    // Of the plan itself there is nothing to be predicted any more.
    expect(found?.value?.value).toBe(verdict?.verdicts[0]?.measured);
    expect(prediction?.outputs.map(({ output }) => output)).toEqual(['y']);
  });

  it('is told from the plan that was measured before the flip', async () => {
    const text = 'tolerance "y" max_abs <= 1\ndefault: fp16\n';
    analysis.update(plan(text));
    const before = (await endOf(analysis, path)).verdict?.verdicts[0]?.measured ?? Number.NaN;
    analysis.update(plan(`${text}layer "mul_5": fp32\n`));
    const [found] = analysis.numbers(path).prediction?.tolerances ?? [];
    expect(found?.after?.differing).toBe(1);
    expect(found?.after?.weight).toBeGreaterThan(0.05);
    expect(found?.value?.value).not.toBe(before);
    const measured = (await endOf(analysis, path)).verdict?.verdicts[0]?.measured ?? Number.NaN;
    expect(found?.value?.low).toBeLessThan(measured);
    expect(found?.value?.high).toBeGreaterThan(measured);
  });

  it('is told from a plan that an earlier session measured, and when that was', async () => {
    const text = 'tolerance "y" relative_l2 <= 1\ndefault: fp16\nlayer "mul_2": fp32\n';
    const earlier = await live.start('sessions');
    earlier.update(plan(text));
    await endOf(earlier, path);
    earlier.close(path);
    const later = await live.start('sessions');
    later.update(plan('tolerance "y" relative_l2 <= 1\ndefault: fp32\n'));
    await endOf(later, path);
    later.update(plan(`${text}layer "relu_5": fp32\n`));
    const [found] = later.numbers(path).prediction?.tolerances ?? [];
    expect(found?.after).toMatchObject({ differing: 1, plan: { path } });
    expect(Date.parse(found?.after?.plan.at ?? '')).toBeGreaterThan(0);
    await endOf(later, path);
    later.close(path);
  });

  it('is of integers whose ranges are chosen as the plan chooses them', async () => {
    const text = 'tolerance "y" relative_l2 <= 1\ndefault: int8 { per: channel }\n';
    analysis.update(plan(text));
    await endOf(analysis, path);
    const changed = plan(`${text}layer "mul_0": fp32\n`);
    analysis.update(changed);
    const [found] = analysis.numbers(path).prediction?.tolerances ?? [];
    expect(found?.value?.value).toBeGreaterThan(1e-4);
    await endOf(analysis, path);
  });

  it('keeps what was learnt of a metric when another plan of the model is about another', async () => {
    const before = 'tolerance "y" max_abs <= 1\ndefault: fp16\n';
    analysis.update(plan(before));
    await endOf(analysis, path);
    const second = join(folder, 'second.precision');
    analysis.update(boundPlan(second, model, `${HEAD}tolerance "y" mean_abs <= 1\ndefault: fp16\n`));
    const { prediction } = await endOf(analysis, second);
    expect(prediction?.tolerances[0]?.holds).toBe(true);
    analysis.close(second);
    analysis.update(plan(`${before}layer "mul_0": fp32\n`));
    expect(analysis.numbers(path).prediction?.tolerances[0]?.holds).toBe(true);
    await endOf(analysis, path);
  });
});
