// Metrics of the user's own: run in the compute process, judged like any other, and said to be wrong where they are.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from '../../language/index.js';
import { bindPlan, precisionGraph, type TracedPlan } from '../../plan/index.js';
import { openEvaluation } from '../sessions/evaluation.js';
import { liveFindings, NOTHING_KNOWN } from '../live/index.js';
import { measure } from './measurement.js';
import { ownMetricFaults, ownMetricFindings } from '../findings/own-metric-faults.js';
import { computeForTests, randomSamples, writeChain } from '../testing/index.js';

const { runtime, folder } = await computeForTests();
const path = join(folder, 'p.precision');
const never = new AbortController().signal;
const model = writeChain(join(folder, 'model.onnx'), 2);
const evaluation = await openEvaluation(runtime, model, randomSamples(3));

/** A plan in FP16 whose metric `mine` is in a module of this text. */
function planWith(module: string, tolerance: string, comment = ''): TracedPlan {
  writeFileSync(join(folder, 'mine.mjs'), module);
  const text = `${comment}model "model.onnx"\nmetric mine from "mine.mjs"\ntolerance "y" ${tolerance}\ndefault: fp16\n`;
  const readText = (file: string): string | undefined => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return undefined;
    }
  };
  const plan = bindPlan({ path, tree: parse(text), files: { readText, openModel: () => ({ model }) } });
  if (plan.model === undefined) throw new Error('the plan has no model');
  return plan;
}

const LARGEST = `export const measure = (reference, actual, { dims }) => {
  if (dims.join() !== '1,16') throw new Error('dims ' + dims);
  return reference.reduce((most, value, at) => Math.max(most, Math.abs(value - actual[at])), 0);
};`;

async function measured(plan: TracedPlan) {
  const graph = precisionGraph(model, plan.roles, plan.layers, plan.decisions);
  return (await measure(evaluation, graph, plan.tolerances)).tolerances[0];
}

describe('a metric of the user', () => {
  it.each(['worst', 'mean'] as const)(
    'says what its function gives, over samples as asked: %s',
    async (over) => {
      const own = await measured(planWith(LARGEST, `mine <= 1 { over: ${over} }`));
      const same = await measured(planWith(LARGEST, `max_abs <= 1 { over: ${over} }`));
      expect(own?.tolerance.metric.own?.name).toBe('mine');
      expect(own?.measured).toBe(same?.measured);
      expect(own?.measured).toBeGreaterThan(0);
      expect(own?.holds).toBe(true);
    },
  );

  it('is a score where more is wanted, and the worst there is where it is NaN', async () => {
    const half = 'export const measure = () => 0.5;';
    expect(await measured(planWith(half, 'mine >= 0.4'))).toMatchObject({ measured: 0.5, holds: true });
    expect(await measured(planWith(half, 'mine >= 0.6'))).toMatchObject({ measured: 0.5, holds: false });
    const none = 'export const measure = () => NaN;';
    expect(await measured(planWith(none, 'mine <= 1'))).toMatchObject({ measured: Infinity, holds: false });
  });

  it('is read again when its file changes', async () => {
    expect(await measured(planWith('export const measure = () => 1;', 'mine <= 5'))).toMatchObject({
      measured: 1,
    });
    expect(await measured(planWith('export const measure = async () => 2;', 'mine <= 5'))).toMatchObject({
      measured: 2,
    });
  });

  it.each([
    ['export const measure = ;', 'cannot be loaded'],
    ['throw new Error("no");', 'cannot be loaded: no'],
    ['export const other = 1;', 'exports no function called `measure`'],
  ])('that is wrong is a diagnostic where it is named: %s', async (module, message) => {
    const plan = planWith(module, 'mine <= 1');
    const [fault] = ownMetricFindings(plan, await ownMetricFaults(runtime, plan, never));
    expect(fault).toMatchObject({ code: 'metric-unreadable', severity: 'error' });
    expect(fault?.message).toContain(message);
    const { start = 0, end = 0 } = fault?.range ?? {};
    expect('model "model.onnx"\nmetric mine from "mine.mjs"\n'.slice(start, end)).toBe('"mine.mjs"');
  });

  it('that could not be loaded is tried again: what it lacked may be there', async () => {
    const plan = planWith('import { one } from "late"; export const measure = () => one;', 'mine <= 1');
    expect(await ownMetricFaults(runtime, plan, never)).toHaveLength(1);
    const late = join(folder, 'node_modules/late');
    mkdirSync(late, { recursive: true });
    writeFileSync(join(late, 'package.json'), '{ "type": "module", "main": "late.js" }');
    writeFileSync(join(late, 'late.js'), 'export const one = 1;');
    expect(await ownMetricFaults(runtime, plan, never)).toEqual([]);
  });

  it("that is wrong and that no tolerance names is nobody's fault", async () => {
    const plan = planWith('throw new Error("no");', 'relative_l2 <= 1');
    expect([...(plan.ownMetrics?.keys() ?? [])]).toEqual(['mine']);
    expect(await ownMetricFaults(runtime, plan, never)).toEqual([]);
  });

  it('that was wrong is said where it is named now, and not once its module has changed', async () => {
    const wrong = 'throw new Error("no");';
    const before = planWith(wrong, 'mine <= 1');
    const faults = await ownMetricFaults(runtime, before, never);
    const placed = (plan: TracedPlan) =>
      liveFindings(plan, { ...NOTHING_KNOWN, faults }).map(({ range }) => range.start);
    const [start = NaN] = placed(before);
    expect(placed(planWith(wrong, 'mine <= 1', '# a comment\n'))).toEqual([start + '# a comment\n'.length]);
    expect(placed(planWith(LARGEST, 'mine <= 1'))).toEqual([]);
    expect(placed(planWith(wrong, 'relative_l2 <= 1'))).toEqual([]);
  });

  it('that fails while it measures ends the work with what it said, and no model is to blame', async () => {
    const throwing = 'export const measure = () => { throw new Error("no such row"); };';
    await expect(measured(planWith(throwing, 'mine <= 1'))).rejects.toMatchObject({
      kind: 'metric',
      message: 'The metric mine of mine.mjs threw: no such row.',
    });
    const text = 'export const measure = () => "7";';
    await expect(measured(planWith(text, 'mine <= 1'))).rejects.toThrow('gave string and no number');
    expect(await ownMetricFaults(runtime, planWith(LARGEST, 'mine <= 1'), never)).toEqual([]);
  });
});
