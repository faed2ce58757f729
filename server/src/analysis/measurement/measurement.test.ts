/** Plans measured on small generated models and on the pose model, against what the raw outputs say. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convert } from '../../convert/index.js';
import { emulated } from '../../emulate/index.js';
import { combine, type Aggregation } from '../../metrics/index.js';
import { DataType, writePieces } from '../../onnx/index.js';
import { precisionGraph, type BoundPlan } from '../../plan/index.js';
import type { TensorHandle } from '../../runtime/index.js';
import {
  closeEvaluation,
  EMULATION_SETTINGS,
  openEvaluation,
  type Evaluation,
} from '../sessions/evaluation.js';
import { measure, perfectFigures } from './measurement.js';
import { resolveSamples } from '../samples/index.js';
import {
  bindTo,
  computeForTests,
  POSE_MODEL,
  randomSamples,
  realModel,
  ROOT,
  WIDTH,
  writeChain,
} from '../testing/index.js';

const DEPTH = 8;
const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'chain.onnx'), DEPTH);
const evaluation = await openEvaluation(runtime, model, randomSamples(5));

function graphOf(plan: BoundPlan): ReturnType<typeof precisionGraph> {
  return precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
}

async function floats(handle: TensorHandle | undefined): Promise<Float32Array> {
  if (handle === undefined) throw new Error('there is no such output');
  const { buffer, byteOffset, byteLength } = await runtime.read(handle);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

/** |actual - reference|^2 and |reference|^2 of one output on every sample, from the outputs themselves. */
async function squaresOf(of: Evaluation, plan: BoundPlan, output: string): Promise<[number, number][]> {
  const { bytes } = emulated(graphOf(plan));
  const session = await runtime.open({ model: { bytes, weightsFolder: of.folder }, ...EMULATION_SETTINGS });
  const squares: [number, number][] = [];
  for (const [sample, feed] of of.feeds.entries()) {
    const results = await runtime.run(session, feed);
    const actual = await floats(results[output]);
    const reference = await floats(of.references[sample]?.[output]);
    squares.push([
      reference.reduce((sum, value, index) => sum + ((actual[index] ?? NaN) - value) ** 2, 0),
      reference.reduce((sum, value) => sum + value ** 2, 0),
    ]);
  }
  await runtime.close(session);
  return squares;
}

async function checkAgainstOutputs(of: Evaluation, plan: BoundPlan, output: string): Promise<void> {
  const squares = await squaresOf(of, plan, output);
  const measurement = await measure(of, graphOf(plan), plan.tolerances);
  const found = measurement.outputs.find((one) => one.name === output);
  const relative = squares.map(([error, norm]) => Math.sqrt(error / norm));
  const pooled = Math.sqrt(
    squares.reduce((sum, [error]) => sum + error, 0) / squares.reduce((sum, [, norm]) => sum + norm, 0),
  );
  expect(relative.every((value) => value > 0)).toBe(true);
  expect(found?.worst.relative_l2).toBeCloseTo(Math.max(...relative), 12);
  expect(found?.pooled.relative_l2).toBeCloseTo(pooled, 12);
}

describe('a measurement', () => {
  it('of a plan that changes nothing is exactly 0 on every output', async () => {
    const { plan } = bindTo(evaluation.model, 'default: fp32\ntolerance max_abs <= 0\n');
    const { outputs, holds, complete, inferences } = await measure(
      evaluation,
      graphOf(plan),
      plan.tolerances,
    );
    const perfect = { max_abs: 0, mean_abs: 0, relative_l2: 0, cosine: 1, sqnr: Infinity };
    expect(outputs).toEqual([{ name: 'y', worst: perfect, pooled: perfect }]);
    expect({ holds, complete, inferences }).toEqual({ holds: true, complete: true, inferences: 5 });
  });

  it('of the pose model that changes nothing is exactly 0, too', async () => {
    const model = realModel(POSE_MODEL);
    const { plan } = bindTo(model, 'input "input_1" = uniform(0, 1) { count: 2, seed: 7 }\n');
    const { samples } = await resolveSamples(plan.inputs, ROOT);
    const pose = await openEvaluation(runtime, model, samples);
    const { outputs } = await measure(pose, graphOf(plan), []);
    expect(outputs.map(({ name, worst }) => [name, worst.max_abs])).toEqual([
      ['ld_3d', 0],
      ['poseflag', 0],
      ['world_3d', 0],
    ]);
    await checkAgainstOutputs(pose, bindTo(model, 'default: fp16\n').plan, 'world_3d');
    await closeEvaluation(pose);
  });

  it('of a model that is in 16 bits already and is left alone is exactly 0: its roundings are those of the plan', async () => {
    const conversion = convert(graphOf(bindTo(evaluation.model, 'default: fp16\n').plan));
    if ('problems' in conversion) throw new Error(conversion.problems[0]?.message);
    const path = join(folder, 'half.onnx');
    await writePieces(path, conversion.pieces);
    const half = await openEvaluation(runtime, realModel(path), randomSamples(2));
    const { outputs } = await measure(half, graphOf(bindTo(half.model, '').plan), []);
    expect(outputs.map(({ worst }) => worst.max_abs)).toEqual([0]);
    await closeEvaluation(half);
  });

  it('is what the outputs themselves say', async () => {
    await checkAgainstOutputs(evaluation, bindTo(evaluation.model, 'default: fp16\n').plan, 'y');
    await checkAgainstOutputs(evaluation, bindTo(evaluation.model, 'layer "mul_3": bf16\n').plan, 'y');
  });

  it.each<Aggregation>(['worst', 'mean', 'pooled'])('over %s agrees with its figures', async (over) => {
    const { plan } = bindTo(
      evaluation.model,
      `default: bf16\ntolerance "y" relative_l2 <= 1e-9 { over: ${over} }\n`,
    );
    const { tolerances, outputs } = await measure(evaluation, graphOf(plan), plan.tolerances);
    const [only] = tolerances;
    expect(tolerances).toHaveLength(1);
    expect(only?.figures).toHaveLength(5);
    expect(only?.holds).toBe(false);
    const values = only?.figures.map((figure) => figure.value) ?? [];
    expect(only?.measured).toBe(combine({ name: 'relative_l2' }, only?.figures ?? [], over));
    if (over === 'worst') expect(only?.measured).toBe(Math.max(...values));
    if (over === 'mean') expect(only?.measured).toBeCloseTo(values.reduce((a, b) => a + b) / 5, 15);
    if (over !== 'mean') expect(only?.measured).toBe(outputs[0]?.[over].relative_l2);
  });

  it('does not depend on the order of the samples', async () => {
    const { plan } = bindTo(evaluation.model, 'default: fp16\ntolerance "y" max_abs <= 1\n');
    const graph = graphOf(plan);
    const shuffled = await measure(evaluation, graph, plan.tolerances, { order: [3, 0, 4, 2, 1] });
    expect(shuffled).toEqual(await measure(evaluation, graph, plan.tolerances));
  });
});

describe('stopping early', () => {
  const tolerance = fc.record({
    metric: fc.constantFrom('relative_l2 <=', 'max_abs <=', 'sqnr >=', 'cosine >='),
    over: fc.constantFrom('worst', 'mean', 'pooled'),
    /** Where between the best and the worst of the figures the limit lies. */
    share: fc.double({ min: 0.3, max: 1.7, noNaN: true }),
  });

  it('gives the verdict of the full measurement', async () => {
    let stopped = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(DEPTH - 1), { minLength: 1 }),
        tolerance,
        fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
        async (low, { metric, over, share }, order) => {
          const names = low.map((index) => `"mul_${index}"`).join(', ');
          const text = `layer ${names}: bf16\ntolerance "y" ${metric} 1 { over: ${over} }\n`;
          const { plan } = bindTo(evaluation.model, text);
          const [stated] = plan.tolerances;
          if (stated === undefined) throw new Error('the plan states a tolerance');
          const graph = graphOf(plan);
          const first = await measure(evaluation, graph, [stated]);
          // A limit near what is measured, so that both verdicts come up.
          const measured = first.tolerances[0]?.measured ?? 0;
          const limit = metric.startsWith('cosine') ? 1 - (1 - measured) * share : measured * share;
          const tolerances = [{ ...stated, limit }];
          const full = await measure(evaluation, graph, tolerances);
          const stopEarly = await perfectFigures(evaluation, tolerances);
          const early = await measure(evaluation, graph, tolerances, { stopEarly, order });
          expect(early.holds).toBe(full.holds);
          if (early.complete) expect(early).toEqual(full);
          else stopped += 1;
          expect(early.complete || !early.holds).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
    expect(stopped).toBeGreaterThan(0);
  });

  it('knows that right samples may lower a pooled cosine', async () => {
    // Outputs that are all twice too large point the right way; the first alone, among right ones, would not.
    const samples = randomSamples(2);
    const two = await openEvaluation(runtime, evaluation.model, samples);
    const { plan } = bindTo(evaluation.model, 'tolerance "y" cosine >= 0.9999999 { over: pooled }\n');
    const references: Record<string, TensorHandle>[] = [];
    for (const { y } of two.references) {
      const bytes = new Uint8Array((await floats(y)).map((value) => value / 2).buffer);
      references.push({ y: await runtime.put(DataType.FLOAT, [1, WIDTH], { kind: 'bytes', bytes }) });
    }
    const halved = { ...two, references };
    const stopEarly = await perfectFigures(halved, plan.tolerances);
    const early = await measure(halved, graphOf(plan), plan.tolerances, { stopEarly });
    expect(early).toMatchObject({ holds: true, complete: true });
    await closeEvaluation(two);
  });
});
