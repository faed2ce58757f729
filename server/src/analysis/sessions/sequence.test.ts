/** Stateful models: the samples are one sequence, and each model goes through it with the state that it makes itself. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emulated } from '../../emulate/index.js';
import { DataType, makeNode, type Model } from '../../onnx/index.js';
import { precisionGraph, type BoundPlan, type TracedPlan } from '../../plan/index.js';
import type { Session, TensorHandle } from '../../runtime/index.js';
import { closeEvaluation, EMULATION_SETTINGS, openEvaluation } from './evaluation.js';
import { measure } from '../measurement/measurement.js';
import { withNoiseFloor } from '../measurement/noise.js';
import { resolveSamples, samplesKey, type Sample } from '../samples/index.js';
import { bindTo, computeForTests, floatTensor, randomValues, WIDTH, writeModel } from '../testing/index.js';

const SAMPLES = 6;
const INPUT = `input "x" = uniform(-1, 1) { seed: 3, count: ${SAMPLES} }\n`;
const STATE = 'state "state" from "next"\n';
const { runtime, folder } = await computeForTests();

/** `next = tanh(x w + state u)`, which remembers; `y = next v`. */
function writeRecurrent(path: string): Model {
  const weight = (name: string, seed: number) =>
    floatTensor(
      name,
      [WIDTH, WIDTH],
      randomValues(WIDTH * WIDTH, seed).map((value) => value / 2),
    );
  return writeModel(path, {
    nodes: [
      makeNode({ opType: 'MatMul', name: 'in', inputs: ['x', 'w'], outputs: ['a'] }),
      makeNode({ opType: 'MatMul', name: 'recur', inputs: ['state', 'u'], outputs: ['b'] }),
      makeNode({ opType: 'Add', name: 'sum', inputs: ['a', 'b'], outputs: ['c'] }),
      makeNode({ opType: 'Tanh', name: 'squash', inputs: ['c'], outputs: ['next'] }),
      makeNode({ opType: 'MatMul', name: 'out', inputs: ['next', 'v'], outputs: ['y'] }),
    ],
    weights: [weight('w', 1), weight('u', 2), weight('v', 3)],
    inputs: { x: [1, WIDTH], state: [1, WIDTH] },
    outputs: { y: [1, WIDTH], next: [1, WIDTH] },
  });
}

const model = writeRecurrent(join(folder, 'recurrent.onnx'));

function bound(text: string): TracedPlan {
  return bindTo(model, text).plan;
}

async function samplesOf(plan: BoundPlan): Promise<readonly Sample[]> {
  const { samples, problems } = await resolveSamples(plan.inputs, folder);
  expect(problems).toEqual([]);
  return samples;
}

async function floats(handle: TensorHandle | undefined): Promise<Float32Array> {
  if (handle === undefined) throw new Error('there is no such output');
  const { buffer, byteOffset, byteLength } = await runtime.read(handle);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

/** `y` of each sample when the session runs the sequence by itself, state by state. */
async function runThrough(session: Session, samples: readonly Sample[]): Promise<readonly Float32Array[]> {
  const results: Float32Array[] = [];
  let state = await runtime.put(DataType.FLOAT, [1, WIDTH], {
    kind: 'bytes',
    bytes: new Uint8Array(4 * WIDTH),
  });
  for (const { inputs } of samples) {
    const { x } = inputs;
    if (x === undefined) throw new Error('no x');
    const handle = await runtime.put(x.dataType, x.dims, x.content);
    const { y, next } = await runtime.run(session, { x: handle, state });
    if (next === undefined) throw new Error('no state');
    results.push(await floats(y));
    state = next;
  }
  return results;
}

function distance(a: Float32Array | undefined, b: Float32Array | undefined): number {
  return Math.max(...[...(a ?? [])].map((value, at) => Math.abs(value - (b?.[at] ?? NaN))));
}

describe('a sequence of samples', () => {
  it('is run with the state that each model makes itself', async () => {
    const plan = bound(`${INPUT}${STATE}tolerance "y" max_abs <= 1\ndefault: fp16\n`);
    const samples = await samplesOf(plan);
    const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
    const evaluation = await openEvaluation(runtime, model, samples);
    // The samples are tried in their order, whatever a search would like.
    const order = samples.map((_, index) => samples.length - 1 - index);
    const measured = await measure(evaluation, graph, plan.tolerances, { order });
    const { bytes } = emulated(graph);
    const session = await runtime.open({
      model: { bytes, weightsFolder: evaluation.folder },
      ...EMULATION_SETTINGS,
    });
    const wanted = await runThrough(evaluation.original, samples);
    const given = await runThrough(session, samples);
    const errors = given.map((values, sample) => distance(values, wanted[sample]));
    expect(errors.every((error) => error > 0)).toBe(true);
    expect(measured.outputs.find(({ name }) => name === 'y')?.worst.max_abs).toBe(Math.max(...errors));
    for (const [sample, reference] of evaluation.references.entries()) {
      expect(await floats(reference['y'])).toEqual(wanted[sample]);
    }
    await runtime.close(session);
    await closeEvaluation(evaluation);
  });

  it('errs otherwise than samples that each begin anew', async () => {
    const worst: (number | undefined)[] = [];
    for (const state of [STATE, 'input "state" = zeros\n']) {
      const plan = bound(`${INPUT}${state}default: fp16\n`);
      const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
      const evaluation = await openEvaluation(runtime, model, await samplesOf(plan));
      const { outputs } = await measure(evaluation, graph, []);
      worst.push(outputs.find(({ name }) => name === 'y')?.worst.max_abs);
      await closeEvaluation(evaluation);
    }
    expect(worst[0]).not.toBe(worst[1]);
  });

  it('errs by exactly nothing under a plan that changes nothing, and has its noise', async () => {
    const plan = bound(`${INPUT}${STATE}tolerance "y" relative_l2 <= 1e-3\ndefault: fp32\n`);
    const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
    const evaluation = await openEvaluation(runtime, model, await samplesOf(plan));
    const measured = await measure(evaluation, graph, plan.tolerances);
    expect(measured.tolerances.map((one) => one.measured)).toEqual([0]);
    const { verdicts } = await withNoiseFloor(evaluation, graph, measured, 2);
    expect(verdicts).toMatchObject([{ noise: 0, verdict: 'holds' }]);
    await closeEvaluation(evaluation);
  });

  it('ends as soon as it is lost, and leaves nothing behind', async () => {
    const plan = bound(`${INPUT}${STATE}tolerance "y" max_abs <= 1e-9\ndefault: fp16\n`);
    const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
    const evaluation = await openEvaluation(runtime, model, await samplesOf(plan));
    const perfect = new Map(plan.tolerances.map((one) => [one, []]));
    const measured = await measure(evaluation, graph, plan.tolerances, { stopEarly: perfect });
    expect(measured).toMatchObject({ complete: false, inferences: 1 });
    await closeEvaluation(evaluation);
  });

  it('is another one than the same samples one by one', async () => {
    const key = async (text: string): Promise<string> => samplesKey(await samplesOf(bound(text)));
    const together = await key(`${INPUT}${STATE}`);
    expect(together).not.toBe(await key(`${INPUT}input "state" = zeros\n`));
    expect(together).toBe(await key(`${INPUT}input "state" = zeros\n${STATE}`));
    expect(together).not.toBe(await key(`${INPUT}input "state" = ones\n${STATE}`));
  });
});
