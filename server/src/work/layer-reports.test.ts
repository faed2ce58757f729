/** Why layers stand out, on small models that each show one reason, and on a real one: by inference, from end to end. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  closeEvaluation,
  knownLocalErrors,
  knownMeasuredErrors,
  knownRanges,
  measuredAnew,
  openEvaluation,
  quietLayers,
} from '../analysis/index.js';
import {
  bindTo,
  computeForTests,
  floatTensor,
  POSE_MODEL,
  randomSamples,
  randomValues,
  realModel,
  WIDTH,
  writeModel,
  type SmallModel,
} from '../analysis/testing/index.js';
import { makeAttribute, makeNode, type Model, type Node } from '../onnx/index.js';
import { layerReports, type LayerReport } from './layer-reports.js';

const { runtime, folder } = await computeForTests();
let models = 0;

/** The reports of a model with every layer in FP16, by both methods. */
async function reportsOf(model: Model, dims: readonly number[], text: string): Promise<LayerReport[]> {
  const evaluation = await openEvaluation(runtime, model, randomSamplesOf(model, dims));
  try {
    const { plan } = bindTo(model, text);
    const results = measuredAnew(evaluation);
    const { ranges } = await knownRanges(results, plan.layers, 'fp16', () => Promise.resolve(() => 1000));
    return layerReports(plan, {
      format: 'fp16',
      ranges,
      local: await knownLocalErrors(results, plan.layers, 'fp16'),
      measured: await knownMeasuredErrors(results, plan.layers, 'fp16', plan.tolerances),
      quiet: quietLayers(plan, 'fp16'),
      samples: evaluation.samples,
    });
  } finally {
    await closeEvaluation(evaluation);
  }
}

function randomSamplesOf(model: Model, dims: readonly number[]) {
  const name = model.graph.inputs[0]?.name ?? 'x';
  return randomSamples(2, dims).map((sample) => {
    const input = sample.inputs['x'];
    return { ...sample, inputs: input === undefined ? {} : { [name]: input } };
  });
}

const node = (
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: Node['attributes'] = [],
) => makeNode({ opType, name: output, inputs, outputs: [output], attributes });
const constant = (name: string, value: number) => floatTensor(name, [1], Float32Array.of(value));
const square = (name: string, seed: number, factor = 1) =>
  floatTensor(
    name,
    [WIDTH, WIDTH],
    randomValues(WIDTH * WIDTH, seed).map((value) => value * factor),
  );

/** What is said of the layer `y` of a model of these nodes, which reads `x` [1, 16]. */
async function checkWhy(
  parts: Pick<SmallModel, 'nodes' | 'weights'>,
  layer: string,
  flags: readonly string[],
  reason: RegExp,
): Promise<void> {
  models += 1;
  const model = writeModel(join(folder, `why-${models}.onnx`), {
    ...parts,
    inputs: { x: [1, WIDTH] },
    outputs: { y: [1, undefined] },
  });
  const reports = await reportsOf(model, [1, WIDTH], 'default: fp16\n');
  const found = reports.find(({ name }) => name === layer);
  expect(found?.flags).toEqual(flags);
  expect(found?.reason).toMatch(reason);
}

describe('a layer stands out', () => {
  it('because of a value beyond the format', async () => {
    await checkWhy(
      { nodes: [node('Mul', ['x', 'c'], 'a'), node('Tanh', ['a'], 'y')], weights: [constant('c', 1e6)] },
      'a',
      ['overflow'],
      /^2\d of 32 values of "a" beyond fp16, largest 9\.\d+e\+5 \(sample sample \d, index \d+\); times 2\^-5 they would fit/,
    );
  });

  it('because of weights that become zero', async () => {
    await checkWhy(
      {
        nodes: [node('MatMul', ['x', 'w'], 'a'), node('Mul', ['a', 'c'], 'y')],
        weights: [square('w', 1, 1e-8), constant('c', 1e8)],
      },
      'a',
      expect.arrayContaining(['weights-lost', 'underflow']) as string[],
      /of the weights "w" 100 % become zero|of the weights "w" \d+ % become zero/,
    );
  });

  it('because its inputs cancel out', async () => {
    const nodes = [node('Mul', ['x', 'c'], 'a'), node('Sub', ['x', 'a'], 'y')];
    await checkWhy(
      { nodes, weights: [constant('c', 0.98)] },
      'y',
      expect.arrayContaining(['cancellation']) as string[],
      /cancel out to 1\/50 of their size, which loses 5 bits/,
    );
  });

  it('because what follows amplifies its error', async () => {
    // The average of many values that almost cancel out: the errors of the layer before stay.
    const nodes = [node('MatMul', ['x', 'w'], 'a'), node('Mul', ['a', 'c'], 'b'), node('Exp', ['b'], 'y')];
    await checkWhy(
      { nodes, weights: [square('w', 3), constant('c', 10)] },
      'a',
      ['amplified'],
      /what follows amplifies its error [\d.]+ times: [\d.e-]+ of its own output, [\d.e-]+ of an output of the model/,
    );
  });

  it('because of what it adds up inside', async () => {
    const nodes = [
      node('Mul', ['x', 'c'], 'a'),
      node('LpNormalization', ['a'], 'y', [makeAttribute('axis', { kind: 'int', value: 1 })]),
    ];
    await checkWhy(
      { nodes, weights: [constant('c', 500)] },
      'y',
      ['overflow'],
      /^inside, a sum of squares of 16 terms reaches [\d.]+e\+6, beyond fp16/,
    );
  });

  it('not, because it rounds nothing that is not rounded', async () => {
    const nodes = [node('MatMul', ['x', 'w'], 'a'), node('Relu', ['a'], 'y')];
    await checkWhy({ nodes, weights: [square('w', 3)] }, 'y', [], /rounds nothing in this plan/);
  });
});

describe('the pose model', () => {
  it('has a histogram for every tensor that counts every element, and the longest of its sums noted', async () => {
    const model = realModel(POSE_MODEL);
    const reports = await reportsOf(model, [1, 256, 256, 3], 'default: fp16\n');
    expect(reports.length).toBeGreaterThan(130);
    for (const { range } of reports) {
      for (const { histogram, elements, scale } of range.tensors) {
        const { zeros, nonFinite, binades } = histogram;
        expect(binades.reduce((sum, [, count]) => sum + count, zeros + nonFinite)).toBe(elements);
        expect(Number.isInteger(Math.log2(scale))).toBe(true);
      }
      expect(range.tensors.length).toBeGreaterThan(0);
    }
    const convolution = reports.find(({ op }) => op === 'Conv');
    expect(convolution?.range.inside).toMatchObject({ quantity: 'sum of products', evidence: 'bounded' });
    const relus = reports.filter(({ op }) => op === 'Clip' || op === 'Relu');
    expect(relus.some(({ reason }) => reason.includes('rounds nothing in this plan'))).toBe(true);
  });
});
