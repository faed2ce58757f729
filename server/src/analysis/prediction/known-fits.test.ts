// Every metric of a real model's plan: predicted with an interval that holds what is then measured, learnt once and kept.
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { precisionGraph, type BoundPlan, type LayerDecision } from '../../plan/index.js';
import type { Runtime } from '../../runtime/index.js';
import { memoryStore } from '../../store/index.js';
import { closeEvaluation, openEvaluation, type Evaluation } from '../evaluation.js';
import { measure } from '../measurement.js';
import { withStore, type Results } from '../remembered.js';
import { resolveSamples } from '../samples/index.js';
import { knownSketch } from '../sketch/index.js';
import { bindTo, POSE_MODEL, realModel, startTestCompute } from '../testing/index.js';
import { knownFits, predictorFrom, type Predictor } from './index.js';

const LANDMARKS = '{ points: 0..32, stride: 5, dims: 2, normalize: torso(11, 12, 23, 24) }';
const TOLERANCES = [
  ...['mean_abs <= 1', 'max_abs <= 1', 'cosine >= 0.9', 'psnr >= 10', 'psnr >= 10 { over: pooled }'],
  ...[`nme <= 0.01 ${LANDMARKS}`, `pck(0.003) >= 0.5 ${LANDMARKS}`],
].map((text) => `tolerance "ld_3d" ${text}`);

let runtime: Runtime;
let evaluation: Evaluation;
let plan: BoundPlan;
let results: Results;
let predictor: Predictor;

beforeAll(async () => {
  runtime = await startTestCompute();
  const model = realModel(POSE_MODEL);
  plan = bindTo(
    model,
    [...TOLERANCES, 'input "input_1" from "inputs/walker_[a-c].npy"', 'default: fp16'].join('\n'),
  ).plan;
  const { samples } = await resolveSamples(plan.inputs, dirname(POSE_MODEL), new AbortController().signal);
  evaluation = await openEvaluation(runtime, model, samples);
  const measurable = { runtime, samples, evaluation: () => Promise.resolve(evaluation) };
  results = withStore(measurable, memoryStore({}), { evaluation: 'pose', recipe: {} }, model);
  const sketch = await knownSketch(results, model, plan.layers, 'fp16', ['ld_3d'], { probes: 4 });
  predictor = predictorFrom([{ sketch, errors: [] }]);
}, 60_000);
afterAll(async () => {
  await closeEvaluation(evaluation);
  await runtime.dispose();
});

const subject = () => ({ plan, format: 'fp16' as const, layers: plan.layers, tolerances: plan.tolerances });

/** The plan with every `step`th layer in FP16. */
const everyOther = (step: number): readonly LayerDecision[] =>
  plan.decisions.map((one, at) =>
    at % step === 1 ? one : { ...one, wanted: 'original', format: 'original' },
  );

describe('metrics that no formula gives', () => {
  it('are not predicted before anything was learnt, and that is said', () => {
    const before = predictor.predict(plan.decisions, plan.tolerances);
    const unknown = before.tolerances.filter(({ value }) => value === undefined);
    expect(unknown.map(({ tolerance }) => tolerance.metric.name)).toEqual([
      'mean_abs',
      'max_abs',
      'nme',
      'pck',
    ]);
    for (const { reason } of unknown) expect(reason).toMatch(/no emulated plans/);
  });

  it('lie within the interval that is learnt from other plans', async () => {
    const { fits } = await knownFits(results, subject());
    predictor.learn(fits);
    let held = 0;
    let all = 0;
    for (const step of [2, 3, 5]) {
      const decisions = everyOther(step);
      const graph = precisionGraph(plan.model, plan.roles, plan.layers, decisions);
      const { tolerances: measured } = await measure(evaluation, graph, plan.tolerances);
      for (const [at, { value }] of predictor.predict(decisions, plan.tolerances).tolerances.entries()) {
        const truth = measured[at]?.measured ?? Number.NaN;
        all += 1;
        if (value !== undefined && value.low <= truth && truth <= value.high) held += 1;
      }
    }
    // An interval of 90 % may miss two of twenty-one.
    expect([all, held >= 19]).toEqual([21, true]);
  }, 60_000);

  it('are learnt once, and known from the store from then on', async () => {
    const again = await knownFits(results, subject());
    expect([again.sessions, again.inferences]).toEqual([0, 0]);
    expect(again.fits.size).toBe(5);
  });

  it('are learnt on from where a stop has left them', async () => {
    const store = memoryStore({});
    const own = withStore(
      { runtime, samples: evaluation.samples, evaluation: () => Promise.resolve(evaluation) },
      store,
      { evaluation: 'pose', recipe: { stopped: true } },
      plan.model,
    );
    const stop = new AbortController();
    const stopped = knownFits(own, subject(), {
      signal: stop.signal,
      progress: (done) => {
        if (done === 3) stop.abort();
      },
    });
    await expect(stopped).rejects.toThrow();
    const rest = await knownFits(own, subject());
    const whole = await knownFits(results, subject());
    expect(rest.sessions).toBe(5);
    const at = { value: 1e-3, low: 1e-3, high: 1e-3 };
    for (const [key, fit] of whole.fits) expect(rest.fits.get(key)?.at(at)).toEqual(fit.at(at));
  }, 60_000);
});
