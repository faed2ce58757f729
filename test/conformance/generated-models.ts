/** Small models of our own, converted under several plans and held against all that must be true of a conversion. */
import type * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { findLayers } from '../../server/src/plan/index.js';
import { modelOf } from '../conversion/graph-text.js';
import { checkConversion } from '../conversion/plans.js';
import { fakeInput, runModel } from '../conversion/run-model.js';
import { plans } from './plans.js';

export interface GeneratedModel {
  readonly opset: number;
  readonly name: string;
  /** In the notation of `graph-text.ts`; an input `x` of these sizes is fed. */
  readonly dims: readonly number[];
  readonly text: string;
}

/** Converts each model under several plans, and loads and runs the results beside the original. */
export function checkUnderPlans(models: readonly GeneratedModel[]): void {
  describe.each(Object.entries(plans))('%s', (plan, format) => {
    it.each(models.map((model) => [`opset ${model.opset}: ${model.name}`, model] as const))(
      '%s',
      async (_name, { opset, dims, text }) => {
        const model = modelOf(`input x: float[${dims.join()}]\n${text}`, { opset, irVersion: 10 });
        const layers = findLayers(model).length;
        const { bytes, graph } = checkConversion(model, (_layer, at) => format(at, layers));
        if (plan === 'all FP16') expect(graph.casts.length).toBeGreaterThan(0);
        // ONNX Runtime has next to no BF16 kernels on a CPU.
        if (plan === 'all BF16') return;
        const x = fakeInput(dims);
        const before = await runModel(model.source.read(0, model.source.length), { x });
        for (const level of ['disabled', 'all'] as const) {
          const after = await runModel(bytes, { x }, undefined, level);
          for (const [output, tensor] of Object.entries(before.outputs)) {
            checkNear(after.outputs[output], tensor);
          }
        }
      },
    );
  });
}

/** Same type and shape, and values that a few roundings to FP16 explain. */
function checkNear(found: ort.Tensor | undefined, wanted: ort.Tensor): void {
  expect(found).toMatchObject({ type: wanted.type, dims: wanted.dims });
  const [a, b] = [found?.data, wanted.data];
  if (!(a instanceof Float32Array) || !(b instanceof Float32Array)) throw new Error('no FP32 numbers');
  a.forEach((value, at) => {
    const exact = b[at] ?? NaN;
    expect(Math.abs(value - exact)).toBeLessThanOrEqual(0.02 * Math.max(1, Math.abs(exact)));
  });
}
