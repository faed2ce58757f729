// Plans in formats of eight bits and less, predicted and emulated.
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LowFormatName } from '../../formats/index.js';
import {
  addsUp,
  allowsFormat,
  precisionGraph,
  roundingEvents,
  type LayerDecision,
  type LayerNumerics,
} from '../../plan/index.js';
import { openEvaluation } from '../sessions/evaluation.js';
import { measure } from '../measurement/measurement.js';
import { measuredAnew } from '../remembered.js';
import { resolveSamples } from '../samples/index.js';
import { knownSketch } from '../sketch/index.js';
import { bindTo, computeForTests, POSE_MODEL, realModel } from '../testing/index.js';
import { predictorFrom } from './index.js';

const { runtime } = await computeForTests();
const model = realModel(POSE_MODEL);
const text =
  'tolerance "ld_3d" relative_l2 <= 1\ninput "input_1" from "inputs/walker_[ab].npy"\ndefault: fp16';
const plan = bindTo(model, text).plan;
const { samples } = await resolveSamples(plan.inputs, dirname(POSE_MODEL), new AbortController().signal);
const evaluation = await openEvaluation(runtime, model, samples);

/** Every `step`th of the layers that can have it in `format`. */
function decisionsIn(format: LowFormatName, step: number): readonly LayerDecision[] {
  return plan.decisions.map((one, at) => {
    const isLow = at % step === 1 && allowsFormat(plan.model, one.layer, format);
    const wanted = isLow ? format : 'original';
    return { ...one, wanted, format: wanted, overflow: 'saturate' };
  });
}

describe('a plan in a small format', () => {
  it.each(['fp8_e4m3', 'fp8_e5m2', 'int8'] as const)(
    'is predicted in %s',
    async (format) => {
      const { model, layers, tolerances } = plan;
      const sketch = await knownSketch(measuredAnew(evaluation), model, layers, format, ['ld_3d']);
      const predictor = predictorFrom([{ sketch, errors: [] }]);
      const decisions = decisionsIn(format, 9);
      const graph = precisionGraph(model, plan.roles, layers, decisions);
      const { tolerances: measured } = await measure(evaluation, graph, tolerances);
      const { tolerances: predicted, missing } = predictor.predict(decisions, tolerances);
      expect(missing.map(({ name }) => name)).toEqual([]);
      const { low = Number.NaN, high = Number.NaN } = predicted[0]?.value ?? {};
      expect(measured[0]?.measured).toBeGreaterThan(low);
      expect(measured[0]?.measured).toBeLessThan(high);
      // Weights alone, of a few layers that compute in FP32: intervals are to hold nine of ten.
      const steps = [20, 25, 30];
      let inside = 0;
      for (const step of steps) {
        const light = decisionsIn(format, step).map((one): LayerDecision =>
          one.format === format ? { ...one, format: 'fp32', numerics: { weights: format } } : one,
        );
        const lightGraph = precisionGraph(model, plan.roles, layers, light);
        const truth =
          (await measure(evaluation, lightGraph, tolerances)).tolerances[0]?.measured ?? Number.NaN;
        const lightly = predictor.predict(light, tolerances);
        expect(lightly.missing).toEqual([]);
        const own = lightly.tolerances[0]?.value ?? { low: Number.NaN, value: Number.NaN, high: Number.NaN };
        expect(truth / own.value).toBeGreaterThan(1 / 3);
        expect(truth / own.value).toBeLessThan(3);
        if (truth >= own.low && truth <= own.high) inside += 1;
      }
      expect(inside).toBeGreaterThan(1);
      // What else options ask for has errors of its own, which nobody has looked at.
      const lowered = decisions.filter((one) => one.format === format);
      const others = lowered.map((one) => ({ ...one, numerics: { stochastic: true } as const }));
      const unknown = predictor.predict(others, tolerances);
      expect(unknown.missing).toHaveLength(lowered.length);
      // As far as it is known it would hold, which is no reason to say so.
      expect(unknown.tolerances[0]?.value?.value).toBeLessThan(1);
      expect(unknown.tolerances[0]?.holds).toBeUndefined();
      expect(unknown.tolerances[0]?.reason).toMatch(/layers do is not known/);
      expect(predictor.predict(decisions, tolerances).tolerances[0]?.holds).toBe(true);
    },
    60_000,
  );
});

describe('a layer that computes in FP32', () => {
  const sketch = roundingEvents(model, plan.layers, 'fp16');
  const predictor = predictorFrom([
    { sketch: { format: 'fp16', events: sketch, outputs: [], probes: 4, samples: [] }, errors: [] },
  ]);
  const missingWith = (numerics: LayerNumerics | undefined): number =>
    predictor.predict(plan.decisions.map((one) => ({ ...one, format: 'fp32', numerics }))).missing.length;

  it('has no error but where an option brings one about, which is known or said to be missing', () => {
    const all = plan.decisions.length;
    expect(missingWith(undefined)).toBe(0);
    expect(missingWith({ weights: 'fp16' })).toBe(0);
    const adding = plan.layers.filter(({ node }) => addsUp(node)).length;
    for (const [numerics, count] of [
      [{ weights: 'int8' }, all],
      [{ accumulate: { kind: 'fp16' } }, adding],
      [{ weights: 'fp16', stochastic: true }, all],
    ] as const) {
      expect([numerics, missingWith(numerics)]).toEqual([numerics, count]);
    }
    expect(adding).toBeGreaterThan(0);
    expect(adding).toBeLessThan(all);
  });
});
