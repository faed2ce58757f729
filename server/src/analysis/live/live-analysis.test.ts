/** Live numbers of real inference on the pose model: they arrive, follow a flip, are superseded, and are remembered. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from '../../language/index.js';
import { openModel } from '../../onnx/index.js';
import { bindPlan, type PlanFiles, type TracedPlan } from '../../plan/index.js';
import { startRuntime, type ComputeRuntime } from '../../runtime/index.js';
import { processScript } from '../../runtime/testing/index.js';
import { openStore } from '../../store/index.js';
import { LiveAnalysis } from './live-analysis.js';
import type { PlanNumbers } from './numbers.js';

const POSE = resolve(import.meta.dirname, '../../../../samples/pose');
const folder = mkdtempSync(join(tmpdir(), 'onnx-precision-live-'));
const path = join(folder, 'pose.precision');
const opened = openModel(join(POSE, 'pose_landmark_lite.onnx'));
const files: PlanFiles = { readText: () => undefined, openModel: () => opened };

let runtime: ComputeRuntime;

beforeAll(async () => {
  mkdirSync(join(folder, 'inputs'));
  cpSync(join(POSE, 'inputs/walker_a.npy'), join(folder, 'inputs/walker_a.npy'));
  runtime = startRuntime({ script: await processScript() });
});

afterAll(async () => {
  await runtime.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function plan(decisions: string): TracedPlan {
  const text = `model "pose_landmark_lite.onnx"\ninput "input_1" from "inputs/*.npy"\ntolerance "ld_3d" relative_l2 <= 1e-3\n${decisions}`;
  writeFileSync(path, text);
  const bound = bindPlan({ path, tree: parse(text), files });
  if (bound.model === undefined) throw new Error('the pose model does not open');
  return bound;
}

function start(store: string): LiveAnalysis {
  return new LiveAnalysis({
    runtime,
    store: openStore({ folder: join(folder, store) }),
    delayMilliseconds: 1,
    log: () => undefined,
  });
}

/** Waits until the numbers of the plan are as wanted. */
function until(live: LiveAnalysis, wanted: (numbers: PlanNumbers) => boolean): Promise<PlanNumbers> {
  return new Promise((settle) => {
    const look = (): void => {
      const numbers = live.numbers(path);
      if (!wanted(numbers)) return;
      end();
      settle(numbers);
    };
    const end = live.onChange(look);
    look();
  });
}

const finished = ({ state }: PlanNumbers): boolean => state === 'idle' || state === 'failed';

describe('live analysis', () => {
  it('measures a plan, and again after a flip', async () => {
    const live = start('flip');
    live.update(plan('default: fp16\n'));
    const before = await until(live, (numbers) => finished(numbers) && numbers.verdict !== undefined);
    expect(before.message).toBe('');
    expect(before.sensitivity.size).toBeGreaterThan(100);
    expect(before.ranges.size).toBe(before.sensitivity.size);
    expect(before.verdict?.verdicts[0]?.measured).toBeGreaterThan(0);

    live.update(plan('default: fp16\nop Conv: fp32\n'));
    expect(live.numbers(path).verdictIsStale).toBe(true);
    const after = await until(live, (numbers) => finished(numbers) && !numbers.verdictIsStale);
    expect(after.verdict?.verdicts[0]?.measured).not.toBe(before.verdict?.verdicts[0]?.measured);
    live.close(path);
  });

  it('answers a known plan from the store, with the same numbers and no inference', async () => {
    const first = start('known');
    first.update(plan('default: fp16\n'));
    const measured = await until(first, (numbers) => finished(numbers) && numbers.ranges.size > 0);
    first.close(path);

    const stages: string[] = [];
    const second = start('known');
    second.onChange(() => stages.push(second.numbers(path).message));
    second.update(plan('default: fp16\n'));
    const known = await until(second, (numbers) => finished(numbers) && numbers.ranges.size > 0);
    expect(known.verdict?.verdicts.map((one) => one.measured)).toEqual(
      measured.verdict?.verdicts.map((one) => one.measured),
    );
    expect([...known.sensitivity]).toEqual([...measured.sensitivity]);
    expect(new Set(stages)).toEqual(new Set(['', 'samples']));
    second.close(path);
  });

  it('judges a changed limit without measuring again', async () => {
    const live = start('known');
    const relaxed = plan('default: fp16\n');
    live.update({ ...relaxed, tolerances: relaxed.tolerances.map((one) => ({ ...one, limit: 1 })) });
    const numbers = await until(live, (one) => finished(one) && one.verdict !== undefined);
    expect(numbers.verdict?.verdicts[0]?.holds).toBe(true);
    live.close(path);
  });

  it('goes on after its process is killed', async () => {
    const live = start('killed');
    live.update(plan('default: fp16\n'));
    await until(live, ({ progress }) => progress !== undefined && progress.done > 0);
    const { processId } = runtime;
    if (processId === undefined) throw new Error('there is no process to kill');
    process.kill(processId, 'SIGKILL');
    const failed = await until(live, finished);
    expect(failed.state).toBe('failed');
    live.restart(path);
    const numbers = await until(live, (one) => one.state === 'idle' && one.ranges.size > 0);
    expect(numbers.verdict).toBeDefined();
    live.close(path);
  });

  it('stops when it is told to, and goes on when it is asked again', async () => {
    const live = start('stopped');
    live.update(plan('default: fp16\n'));
    await until(live, ({ progress }) => progress !== undefined && progress.done > 0);
    live.cancel(path);
    expect(live.numbers(path)).toMatchObject({ state: 'idle', message: 'stopped' });
    live.restart(path);
    const numbers = await until(live, (one) => one.state === 'idle' && one.ranges.size > 0);
    expect(numbers.verdict).toBeDefined();
    live.close(path);
  });

  it('says why samples cannot be used', async () => {
    const live = start('samples');
    const missing = plan('default: fp16\n');
    const inputs = missing.inputs.map((one) => ({
      ...one,
      source: { kind: 'files' as const, glob: 'none/*.npy', axis: undefined },
    }));
    live.update({ ...missing, inputs });
    const numbers = await until(live, finished);
    expect(numbers).toMatchObject({ state: 'failed' });
    expect(numbers.message).toContain('none/*.npy');
    live.close(path);
  });
});
