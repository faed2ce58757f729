/** The tuner's ranking by measured errors, on the case that local errors get wrong. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { measuredAnew, openEvaluation } from '../analysis/index.js';
import {
  bindTo,
  computeForTests,
  floatTensor,
  randomSamples,
  randomValues,
  WIDTH,
  writeModel,
} from '../analysis/testing/index.js';
import { makeNode } from '../onnx/index.js';
import { tune, type TuneOptions, type Tuning } from './tune.js';

const { runtime, folder } = await computeForTests();
const square = (name: string, seed: number) =>
  floatTensor(name, [WIDTH, WIDTH], randomValues(WIDTH * WIDTH, seed));
const node = (opType: string, inputs: readonly string[], name: string) =>
  makeNode({ opType, name, inputs, outputs: [name] });
/** `quiet` errs as much as `loud` by itself, but is scaled down to nothing before the output. */
const model = writeModel(join(folder, 'two-paths.onnx'), {
  weights: [square('v', 1), square('w', 2), floatTensor('small', [1], Float32Array.of(1e-6))],
  nodes: [
    node('MatMul', ['x', 'v'], 'quiet'),
    node('MatMul', ['x', 'w'], 'loud'),
    node('Mul', ['quiet', 'small'], 'scaled'),
    node('Add', ['scaled', 'loud'], 'y'),
  ],
  inputs: { x: [1, WIDTH] },
  outputs: { y: [1, WIDTH] },
});
const evaluation = await openEvaluation(runtime, model, randomSamples(4));

async function tuned(rank: NonNullable<TuneOptions['rank']>): Promise<Tuning> {
  const { plan } = bindTo(evaluation.model, 'tolerance "y" relative_l2 <= 1e-6\n');
  const options = { strategy: 'greedy', objective: 'layers', format: 'fp16', draws: 1, rank } as const;
  const tuning = await tune(measuredAnew(evaluation), plan, options);
  if ('code' in tuning) throw new Error(tuning.message);
  return tuning;
}

it('puts the layers first whose errors do not reach the output', async () => {
  const tuning = await tuned('measured');
  const names = tuning.ranking.map((layer) => layer.name);
  expect(names.slice(0, 2).sort()).toEqual(['quiet', 'scaled']);
  expect(tuning.measured?.errors.length).toBe(4);
  const low = tuning.decisions.filter((one) => one.format === 'fp16').map((one) => one.layer.name);
  expect(low).toEqual(['quiet', 'scaled']);
});

it('counts what the ranking took, and the search on top of it', async () => {
  const { local, measured, sessions, inferences } = await tuned('measured');
  expect(sessions).toBeGreaterThan(local.sessions + (measured?.sessions ?? Infinity));
  expect(inferences).toBeGreaterThan(local.inferences + (measured?.inferences ?? Infinity));
  expect((await tuned('local')).measured).toBeUndefined();
});
