/** Which plans were measured is kept with what they decide, and predictions of others start from the nearest of them. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bindTo, computeForTests, randomSamples, withEvaluation, writeChain } from '../testing/index.js';
import { memoryStore } from '../../store/index.js';
import { learnMeasuredPlans, predictorFrom } from '../prediction/index.js';
import { measuredAnew, withStore, type Results } from '../remembered.js';
import { knownSketch } from '../sketch/index.js';
import { findMeasurement, knownMeasurement } from './known-verdict.js';
import {
  differingLayers,
  measuredPlans,
  nearestMeasuredPlans,
  noteMeasuredPlan,
  type MeasuredPlan,
} from './measured-plans.js';

const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'chain.onnx'), 4);
const samples = randomSamples(2);

function plan(decisions: string, tolerances = 'tolerance "y" relative_l2 <= 1\n') {
  return bindTo(model, `${tolerances}${decisions}`).plan;
}

/** Results that are kept while the test runs; nothing can be measured with them. */
function kept(): Results {
  const closed = {
    ...{ runtime, samples },
    evaluation: () => Promise.reject(new Error('nothing is to be run')),
  };
  return withStore(closed, memoryStore(), { evaluation: '', recipe: {} }, model);
}

const { tolerances } = plan('default: fp16\n');

function figures(measured: number) {
  return tolerances.map((tolerance) => ({ tolerance, measured }));
}

describe('plans that were measured', () => {
  it('are found again with all that they decide, and when that was', async () => {
    const results = kept();
    const { decisions, layers } = plan(
      'default: fp16\nlayer "mul_0": int8 { per: channel }\nlayer "mul_1": fp16 { scale: 4 }\nlayer "mul_2": original\n',
    );
    const at = '2026-11-22T19:05:11.000Z';
    await noteMeasuredPlan(results, { decisions, tolerances: figures(1e-3), path: 'a.precision', at });
    const [found, ...others] = await measuredPlans(results, { layers });
    expect(others).toEqual([]);
    expect(found).toMatchObject({ path: 'a.precision', at, tolerances: [{ measured: 1e-3 }] });
    expect(differingLayers(decisions, found?.decisions ?? [])).toEqual([]);
    expect(differingLayers(plan('default: fp16\n').decisions, found?.decisions ?? [])).toEqual([0, 2, 4]);
    const asked = plan('').decisions;
    await noteMeasuredPlan(results, { decisions: plan('default: fp16\n').decisions, tolerances: [] });
    await noteMeasuredPlan(results, { decisions: plan('layer "mul_3": fp16\n').decisions, tolerances: [] });
    const near = await nearestMeasuredPlans(results, { layers, decisions: asked }, 2);
    expect(near.map((one) => differingLayers(asked, one.decisions).length)).toEqual([1, 7]);
    // Those of another export of the model are none of this one.
    expect(await measuredPlans(results, { layers: layers.slice(1) })).toEqual([]);
  });

  it('are nearer where a layer differs in its options alone', async () => {
    const results = kept();
    const { decisions, layers } = plan('default: fp16\n');
    const noted = async (text: string): Promise<void> =>
      noteMeasuredPlan(results, { decisions: plan(text).decisions, tolerances: [], path: text });
    await noted('default: fp16 { scale: 4 }\n');
    await noted('default: fp16\nop MatMul: fp32\nlayer "relu_0": fp32\n');
    await noted('default: fp16\nop MatMul: fp32\n');
    // Four layers, eight by half, five; of equals the newest first.
    const near = await nearestMeasuredPlans(results, { layers, decisions }, 3);
    expect(near.map(({ path }) => path?.split('\n').length)).toEqual([3, 2, 4]);
    const useful = ({ path = '' }: MeasuredPlan): boolean => !path.includes('scale');
    const [first, second] = await nearestMeasuredPlans(results, { layers, decisions }, 2, useful);
    expect([first?.path, second?.path].map((path) => path?.split('\n').length)).toEqual([3, 4]);
  });

  it('are each kept once, with all that was measured of them, and only the newest', async () => {
    const results = kept();
    const { layers } = plan('default: fp32\n');
    const other = plan('default: fp16\n', 'tolerance "y" max_abs <= 1\n');
    const noted = async (text: string, measured: number): Promise<void> =>
      noteMeasuredPlan(results, { decisions: plan(text).decisions, tolerances: figures(measured) });
    await noted('default: fp16\n', 1);
    await noted('default: fp32\n', 0);
    await noteMeasuredPlan(results, {
      decisions: other.decisions,
      tolerances: other.tolerances.map((tolerance) => ({ tolerance, measured: 7 })),
    });
    const measured = async () =>
      (await measuredPlans(results, { layers })).map((one) =>
        one.tolerances.map((figure) => figure.measured),
      );
    expect(await measured()).toEqual([[7, 1], [0]]);
    await noted('default: fp16\n', 1);
    expect(await measured()).toEqual([[7, 1], [0]]);
    for (let one = 0; one < 20; one++) await noted(`default: fp16 { scale: ${2 ** one} }\n`, one);
    expect(await measured()).toHaveLength(16);
    expect((await measured())[0]).toEqual([19]);
  });

  it('are those that somebody asked for, not the trials of a comparison, and what is forgotten knows none', async () => {
    await withEvaluation(runtime, model, samples, async (evaluation) => {
      const results = withStore(
        measuredAnew(evaluation),
        memoryStore(),
        { evaluation: '', recipe: {} },
        model,
      );
      const asked = plan('default: fp16\n');
      await knownMeasurement(results, asked, plan('default: fp32\n').decisions);
      expect(await measuredPlans(results, asked)).toEqual([]);
      await knownMeasurement(results, asked, asked.decisions);
      const [noted] = await measuredPlans(results, asked);
      // The time is that of the measurement, whenever it is asked for again.
      expect(noted?.at).toBe((await findMeasurement(results, asked, asked.decisions))?.at);
      expect(Date.parse(noted?.at ?? '')).toBeGreaterThan(0);
      expect(await measuredPlans(measuredAnew(evaluation), asked)).toEqual([]);
    });
  });
});

describe('a prediction', () => {
  it('starts from the nearest plan that was measured, whoever measured it', async () => {
    await withEvaluation(runtime, model, samples, async (evaluation) => {
      const results = withStore(
        measuredAnew(evaluation),
        memoryStore(),
        { evaluation: '', recipe: {} },
        model,
      );
      const before = plan('default: fp16\n');
      const far = plan('default: fp32\nlayer "relu_3": fp16\n');
      for (const one of [before, far]) await knownMeasurement(results, one, one.decisions);
      const asked = plan('default: fp16\nlayer "relu_3": fp32\n');
      const sketch = await knownSketch(results, model, asked.layers, 'fp16', ['y']);
      const predictor = predictorFrom([{ sketch, errors: [] }]);
      await learnMeasuredPlans(predictor, results, asked);
      const [found] = predictor.predict(asked.decisions, asked.tolerances).tolerances;
      expect(differingLayers(asked.decisions, found?.after?.plan.decisions ?? [])).toEqual([7]);
      expect(found?.after).toMatchObject({ differing: 1, plan: { path: before.path } });
    });
  });

  it('starts from none of whose options nothing is known, be it nearer', async () => {
    await withEvaluation(runtime, model, samples, async (evaluation) => {
      const results = withStore(
        measuredAnew(evaluation),
        memoryStore(),
        { evaluation: '', recipe: {} },
        model,
      );
      const known = plan('default: fp16\nlayer "mul_0", "relu_0": fp32\n');
      await knownMeasurement(results, known, known.decisions);
      for (const scale of [2, 4, 8, 16]) {
        const near = plan(`default: fp16\nlayer "mul_1": fp16 { scale: ${scale} }\n`);
        await noteMeasuredPlan(results, { decisions: near.decisions, tolerances: figures(1) });
      }
      const asked = plan('default: fp16\n');
      const sketch = await knownSketch(results, model, asked.layers, 'fp16', ['y']);
      const predictor = predictorFrom([{ sketch, errors: [] }]);
      await learnMeasuredPlans(predictor, results, asked);
      const [found] = predictor.predict(asked.decisions, asked.tolerances).tolerances;
      expect(differingLayers(known.decisions, found?.after?.plan.decisions ?? [])).toEqual([]);
    });
  });
});
