// A metric of the user's own is told the truth of each sample, however a plan is measured.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from '../../language/index.js';
import { bindPlan, precisionGraph, type TracedPlan } from '../../plan/index.js';
import { knownMeasuredErrors } from '../errors/known-errors.js';
import { measure } from './measurement.js';
import { measuredAnew } from '../remembered.js';
import { resolvePlanSamples, samplesKey } from '../samples/index.js';
import { computeForTests, withEvaluation, writeChain } from '../testing/index.js';

const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'model.onnx'), 2);

/** Three samples, whose labels lie in files of these numbers, and a metric of this module. */
function planOf(labels: readonly string[], module: string, tolerance: string): TracedPlan {
  for (const [at, text] of labels.entries()) {
    writeFileSync(join(folder, `truth-${labels.length}-${at}.txt`), text);
  }
  writeFileSync(join(folder, 'mine.mjs'), module);
  const text = [
    'model "model.onnx"',
    'input "x" = normal(0, 1) { count: 3, seed: 5 }',
    `labels "truth-${labels.length}-*.txt"`,
    'metric mine from "mine.mjs"',
    `tolerance "y" ${tolerance}`,
    'default: fp16',
  ].join('\n');
  const readText = (file: string): string | undefined => (file.endsWith('.mjs') ? module : undefined);
  const plan = bindPlan({
    path: join(folder, 'p.precision'),
    tree: parse(text),
    files: { readText, openModel: () => ({ model }) },
  });
  if (plan.model === undefined) throw new Error('the plan has no model');
  return plan;
}

const TOLD = `export const measure = (reference, actual, { label }) => label[1] ?? label[0];`;

describe('labels', () => {
  it('come to the metric, sample by sample, of a plan and of each layer by itself', async () => {
    const plan = planOf(['1', '2 20', '3'], TOLD, 'mine <= 100 { over: mean }');
    const { samples, problems } = await resolvePlanSamples(plan);
    expect(problems).toEqual([]);
    await withEvaluation(runtime, model, samples, async (evaluation) => {
      const graph = precisionGraph(model, plan.roles, plan.layers, plan.decisions);
      expect((await measure(evaluation, graph, plan.tolerances)).tolerances[0]?.measured).toBe(8);
      const results = measuredAnew(evaluation);
      const { errors } = await knownMeasuredErrors(results, plan.layers, 'fp16', plan.tolerances);
      expect(errors.length).toBeGreaterThan(2);
      for (const { tolerances } of errors) expect(tolerances[0]?.measured).toBe(8);
    });
  });

  it('are part of what results are kept under, where a metric is told them', async () => {
    const keyWith = async (label: string, tolerance: string): Promise<string> =>
      samplesKey((await resolvePlanSamples(planOf(['1', '2', label], TOLD, tolerance))).samples);
    expect(await keyWith('3', 'mine <= 1')).not.toBe(await keyWith('4', 'mine <= 1'));
    expect(await keyWith('3', 'relative_l2 <= 1')).toBe(await keyWith('4', 'relative_l2 <= 1'));
  });

  it('that are not one for each sample leave nothing to measure, and are named where they stand', async () => {
    const plan = planOf(['1', '2'], TOLD, 'mine <= 1');
    const { samples, problems } = await resolvePlanSamples(plan);
    expect(samples).toEqual([]);
    expect(problems).toMatchObject([
      { code: 'samples-differ', severity: 'error', statement: { range: plan.labels?.source.range } },
    ]);
  });
});
