// Plans in formats of eight bits and less, predicted and emulated.
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LowFormatName } from '../../formats/index.js';
import { allowsFormat, precisionGraph, type BoundPlan, type LayerDecision } from '../../plan/index.js';
import type { Runtime } from '../../runtime/index.js';
import { closeEvaluation, openEvaluation, type Evaluation } from '../evaluation.js';
import { measure } from '../measurement.js';
import { measuredAnew } from '../remembered.js';
import { resolveSamples } from '../samples/index.js';
import { knownSketch } from '../sketch/index.js';
import { bindTo, POSE_MODEL, realModel, startTestCompute } from '../testing/index.js';
import { predictorFrom } from './index.js';

let runtime: Runtime;
let evaluation: Evaluation;
let plan: BoundPlan;

beforeAll(async () => {
  runtime = await startTestCompute();
  const model = realModel(POSE_MODEL);
  const text =
    'tolerance "ld_3d" relative_l2 <= 1\ninput "input_1" from "inputs/walker_[ab].npy"\ndefault: fp16';
  plan = bindTo(model, text).plan;
  const { samples } = await resolveSamples(plan.inputs, dirname(POSE_MODEL), new AbortController().signal);
  evaluation = await openEvaluation(runtime, model, samples);
}, 60_000);
afterAll(async () => {
  await closeEvaluation(evaluation);
  await runtime.dispose();
});

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
      const options = { probes: 4 };
      const { model, layers, tolerances } = plan;
      const sketch = await knownSketch(measuredAnew(evaluation), model, layers, format, ['ld_3d'], options);
      const predictor = predictorFrom([{ sketch, errors: [] }]);
      const decisions = decisionsIn(format, 9);
      const graph = precisionGraph(model, plan.roles, layers, decisions);
      const { tolerances: measured } = await measure(evaluation, graph, tolerances);
      const { tolerances: predicted, missing } = predictor.predict(decisions, tolerances);
      expect(missing.map(({ name }) => name)).toEqual([]);
      const { low = Number.NaN, high = Number.NaN } = predicted[0]?.value ?? {};
      expect(measured[0]?.measured).toBeGreaterThan(low);
      expect(measured[0]?.measured).toBeLessThan(high);
      // What else options ask for has errors of its own, which nobody has looked at.
      const lowered = decisions.filter((one) => one.format === format);
      const others = lowered.map((one) => ({ ...one, numerics: { stochastic: true } as const }));
      expect(predictor.predict(others, tolerances).missing).toHaveLength(lowered.length);
    },
    60_000,
  );
});
