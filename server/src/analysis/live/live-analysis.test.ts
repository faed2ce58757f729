/** Live numbers of real inference on the pose model: they arrive, follow a flip, are superseded, and are remembered. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realModel, POSE_MODEL, ROOT } from '../testing/index.js';
import { boundPlan, endOf, liveForTests, until } from './testing.js';

const live = liveForTests();
const { folder } = live;
const path = join(folder, 'pose.precision');
const model = realModel(POSE_MODEL);
mkdirSync(join(folder, 'inputs'));
cpSync(join(ROOT, 'samples/pose/inputs/walker_a.npy'), join(folder, 'inputs/walker_a.npy'));

function plan(decisions: string) {
  const head = 'input "input_1" from "inputs/*.npy"\ntolerance "ld_3d" relative_l2 <= 1e-3\n';
  return boundPlan(path, model, head + decisions);
}

describe('live analysis', () => {
  it('measures a plan, and again what a flip changes', async () => {
    const analysis = await live.start('flip');
    analysis.update(plan('default: fp16\n'));
    const first = await until(analysis, path, ({ sensitivity }) => sensitivity.size > 0);
    expect([...first.sensitivity.values()].map(({ method }) => method)).not.toContain('measured');
    const before = await endOf(analysis, path);
    expect(before).toMatchObject({ state: 'idle', message: '', measured: undefined, notes: [] });
    expect(before.sampleNames).toHaveLength(1);
    expect(before.sensitivity.size).toBeGreaterThan(100);
    expect(before.ranges.size).toBe(before.sensitivity.size);
    expect(before.latency?.layers.size).toBe(before.sensitivity.size);
    const sensitivities = [...before.sensitivity.values()];
    expect(new Set(sensitivities.map(({ method }) => method))).toEqual(new Set(['measured']));
    // The value is what the tolerance measures, on one sample: the share follows from it.
    for (const { value, share } of sensitivities) expect(share).toBeCloseTo(value / 1e-3, 9);

    analysis.update(plan('default: fp16\nop Conv: fp32\n'));
    expect(analysis.numbers(path)).toMatchObject({ verdictIsStale: true, latencyIsStale: true });
    const after = await endOf(analysis, path);
    expect(after).toMatchObject({ verdictIsStale: false, latencyIsStale: false });
    expect(after.verdict?.verdicts[0]?.measured).not.toBe(before.verdict?.verdicts[0]?.measured);
    expect(after.latency).not.toEqual(before.latency);
    expect(after.ranges).toBe(before.ranges);
    analysis.close(path);
  });

  it('answers a known plan from the store, with the same numbers and no inference', async () => {
    const first = await live.start('flip');
    first.update(plan('default: fp16\n'));
    const measured = await endOf(first, path);
    first.close(path);

    const messages = new Set<string>();
    const second = await live.start('flip');
    second.onChange(() => messages.add(second.numbers(path).message));
    second.update(plan('default: fp16\n'));
    const known = await endOf(second, path);
    expect(known.verdict?.verdicts.map((one) => one.measured)).toEqual(
      measured.verdict?.verdicts.map((one) => one.measured),
    );
    expect(known.sensitivity).toEqual(measured.sensitivity);
    // A latency that was taken while the machine was busy is not kept.
    messages.delete('latency of layers');
    expect(messages).toEqual(new Set(['', 'samples']));
    second.close(path);
  });

  it('judges a changed limit at once, and without measuring again', async () => {
    const analysis = await live.start('flip');
    analysis.update(plan('default: fp16\n'));
    const before = await endOf(analysis, path);
    expect(before.verdict?.verdicts[0]?.holds).toBe(false);
    const relaxed = plan('default: fp16\n');
    analysis.update({ ...relaxed, tolerances: relaxed.tolerances.map((one) => ({ ...one, limit: 1 })) });
    expect(analysis.numbers(path).verdictIsStale).toBe(false);
    expect(analysis.numbers(path).verdict?.verdicts[0]?.holds).toBe(true);
    const after = await endOf(analysis, path);
    for (const [name, { value, share }] of after.sensitivity) {
      expect(share, name).toBeCloseTo(value, 9);
      expect(value).toBe(before.sensitivity.get(name)?.value);
    }
    analysis.close(path);
  });

  it('says why samples cannot be used', async () => {
    const analysis = await live.start('samples');
    const missing = plan('default: fp16\n');
    const inputs = missing.inputs.map((one) => ({
      ...one,
      source: { kind: 'files' as const, glob: 'none/*.npy', axis: undefined },
    }));
    analysis.update({ ...missing, inputs });
    const numbers = await endOf(analysis, path);
    expect(numbers).toMatchObject({ state: 'failed' });
    expect(numbers.message).toContain('none/*.npy');
    analysis.close(path);
  });
});
