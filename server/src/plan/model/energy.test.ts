import { describe, expect, it } from 'vitest';
import { layerEnergy, planEnergy } from './energy.js';
import { bindText, worldFiles } from '../testing/fixture.js';
import { precisionGraph } from '../precision-graph/precision-graph.js';

/** 100 multiply-adds of 4 x 5 numbers each in two products. */
const MODEL = `
  input x float 4 5
  weight w 5 5
  weight v 5 5
  MatMul "first" x w -> a
  MatMul "second" a v -> y
  output y float 4 5
`;

function energyOf(decisions: string) {
  const { plan } = bindText(`model "m.onnx"\ninput "x" = zeros\n${decisions}`, worldFiles({ model: MODEL }));
  const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
  return { plan, energy: planEnergy(graph, () => 20), casts: graph.casts.length };
}

/** Multiply-adds of both layers. */
const ALL = 200;

describe('energy by operation counts', () => {
  it('is that of the multiply-adds in FP32 where nothing is low', () => {
    const { energy } = energyOf('');
    expect(energy.fp32).toBeCloseTo(ALL * 4.6e-6, 12);
    expect(energy).toEqual({ fp32: energy.fp32, plan: energy.fp32, casts: 0, unknown: 0 });
  });

  it('has the figures of each format, and counts casts', () => {
    const { energy, casts } = energyOf('layer "first": fp16\n');
    expect(casts).toBe(2);
    expect(energy.casts).toBeCloseTo(casts * 20 * 0.9e-6, 12);
    expect(energy.plan - energy.casts).toBeCloseTo((100 * 1.5 + 100 * 4.6) * 1e-6, 12);
  });

  it('has figures of integers for integers, and of FP16 for what has none of its own', () => {
    const { plan } = energyOf('layer "first": bf16\nlayer "second": int8\n');
    const [first = 0, second = 0] = plan.decisions.map((one) => layerEnergy(one)?.plan ?? 0);
    expect(first).toBeCloseTo(100 * 1.5e-6, 12);
    expect(second).toBeCloseTo(100 * 0.3e-6, 12);
  });
});
