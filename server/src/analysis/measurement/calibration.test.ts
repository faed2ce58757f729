/** Scales of integer formats, found over real runs, against what the samples and weights themselves say. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  chooseQuantization,
  LOW_FORMAT_NAMES,
  matMul,
  roundQuantized,
  type Quantization,
  type RangeChoice,
} from '../../formats/index.js';
import { makeNode } from '../../onnx/index.js';
import {
  findLayers,
  layerInFormat,
  nodeRoles,
  precisionGraph,
  type LayerNumerics,
  type PrecisionGraph,
} from '../../plan/index.js';
import { calibrated, needsSamples } from './calibration.js';
import { closeEvaluation, openEvaluation, type Evaluation } from '../sessions/evaluation.js';
import { keepResults } from '../sessions/kept-results.js';
import { localErrors } from '../errors/local-errors.js';
import { measuredErrors } from '../errors/measured-errors.js';
import { measure } from './measurement.js';
import { computeForTests, floatTensor, randomValues, sampleOf, writeModel } from '../testing/index.js';

const SIZE = 16;
const { runtime, folder } = await computeForTests();
const weights = randomValues(SIZE * SIZE, 3);
const inputs = [11, 12, 13].map((seed) => randomValues(SIZE, seed));

const model = writeModel(join(folder, 'product.onnx'), {
  nodes: [makeNode({ opType: 'MatMul', name: 'product', inputs: ['x', 'w'], outputs: ['y'] })],
  weights: [floatTensor('w', [SIZE, SIZE], weights)],
  inputs: { x: [1, SIZE] },
  outputs: { y: [1, SIZE] },
});
const samples = inputs.map((values, index) => sampleOf(index, { x: { dims: [1, SIZE], values } }));
const evaluation = await openEvaluation(runtime, model, samples);

function graphWith(numerics: LayerNumerics, format: 'int8' | 'int4' | 'fp32' = 'int8'): PrecisionGraph {
  const { model } = evaluation;
  const layers = findLayers(model);
  const decisions = layers.map((layer) => ({ ...layerInFormat(layer, format), numerics }));
  return precisionGraph(model, nodeRoles(model), layers, decisions);
}

const multiply = (x: Float32Array, w: Float32Array): Float32Array =>
  matMul(
    { values: x, shape: [1, SIZE] },
    { values: w, shape: [SIZE, SIZE] },
    { accumulation: { kind: 'fp32' } },
  )?.values ?? new Float32Array();

const open = (): Promise<Evaluation> => Promise.resolve(evaluation);

describe('the scales of a layer in integers', () => {
  const choices: readonly RangeChoice[] = [
    { name: 'minmax' },
    { name: 'mse' },
    { name: 'sawb' },
    { name: 'learned' },
    { name: 'percentile', percent: 90 },
  ];
  it.each(choices)(
    'are chosen by $name from the samples, those of weights from the weight',
    async (choice) => {
      const found = await calibrated(graphWith({ quantize: choice, perChannel: true }), open);
      const all = [...found.quantizations.values()];
      const outputs = inputs.map((x) => multiply(x, weights));
      const expected = [
        chooseQuantization({ format: 'int8', choice, symmetric: false }, inputs, [1, SIZE]),
        chooseQuantization({ format: 'int8', choice, symmetric: true, axis: 1 }, [weights], [SIZE, SIZE]),
        chooseQuantization({ format: 'int8', choice, symmetric: false }, outputs, [1, SIZE]),
      ];
      const close = (one: Quantization | undefined): unknown => ({
        ...one,
        scales: one?.scales.map(({ scale, zeroPoint }) => [scale.toPrecision(5), zeroPoint]),
      });
      for (const one of expected) expect(all.map(close)).toContainEqual(close(one));
      expect(all.length).toBe(3);
    },
  );

  it('give the errors that rounding by them gives', async () => {
    const graph = graphWith({});
    const { quantizations } = await calibrated(graph, open);
    const of = (text: string): Quantization =>
      [...quantizations].find(([key]) => key.endsWith(` ${text}`))?.[1] ?? { format: 'int8', scales: [] };
    const errors = inputs.map((x) => {
      const exact = multiply(x, weights);
      const [rx, rw] = [roundQuantized(of('x'), x), roundQuantized(of('w'), weights)];
      const rounded = roundQuantized(of('y'), multiply(rx, rw));
      return Math.max(...exact.map((value, at) => Math.abs(value - (rounded[at] ?? 0))));
    });
    const { outputs } = await measure(evaluation, graph, []);
    expect(outputs[0]?.worst.max_abs).toBeCloseTo(Math.max(...errors), 5);
    expect(Math.max(...errors)).toBeGreaterThan(0);
  });

  it('of the least output error are no worse than those of the whole range', async () => {
    const errorOf = async (numerics: LayerNumerics): Promise<number> => {
      const { outputs } = await measure(evaluation, graphWith({ weights: 'int4', ...numerics }, 'fp32'), []);
      return outputs[0]?.pooled.relative_l2 ?? NaN;
    };
    const [whole, best] = [await errorOf({}), await errorOf({ quantize: { name: 'output_mse' } })];
    expect(best).toBeGreaterThan(0);
    expect(best).toBeLessThanOrEqual(whole);
  });

  it('of the least output error are told apart by channel, and each is the best of its own', async () => {
    const errors = async (numerics: LayerNumerics): Promise<readonly number[]> => {
      const graph = graphWith({ weights: 'int4', perChannel: true, ...numerics }, 'fp32');
      const [quantization] = (await calibrated(graph, open)).quantizations.values();
      if (quantization === undefined) throw new Error('no scales');
      expect(quantization).toMatchObject({ axis: 1 });
      expect(quantization.scales.length).toBe(SIZE);
      const rounded = roundQuantized(quantization, weights, [SIZE, SIZE]);
      const squares = new Array<number>(SIZE).fill(0);
      for (const x of inputs) {
        const [exact, actual] = [multiply(x, weights), multiply(x, rounded)];
        for (const [at, value] of exact.entries())
          squares[at] = (squares[at] ?? 0) + (value - (actual[at] ?? 0)) ** 2;
      }
      return squares;
    };
    const [whole, best] = [await errors({}), await errors({ quantize: { name: 'output_mse' } })];
    for (const [channel, error] of best.entries())
      expect(error).toBeLessThanOrEqual((whole[channel] ?? 0) * (1 + 1e-5));
    expect(best.filter((error, channel) => error < 0.9 * (whole[channel] ?? 0)).length).toBeGreaterThan(
      SIZE / 2,
    );
  });

  it('of what is read are searched, and those of what is written are the best for that', async () => {
    const { quantizations } = await calibrated(graphWith({ quantize: { name: 'output_mse' } }, 'int4'), open);
    const of = (tensor: string): Quantization | undefined =>
      [...quantizations].find(([key]) => key.endsWith(` ${tensor}`))?.[1];
    const errorOf = (quantization: Quantization): number =>
      inputs.reduce((sum, x) => {
        const [exact, actual] = [multiply(x, weights), multiply(roundQuantized(quantization, x), weights)];
        return exact.reduce((all, value, at) => all + (value - (actual[at] ?? 0)) ** 2, sum);
      }, 0);
    const whole = chooseQuantization(
      { format: 'int4', choice: { name: 'minmax' }, symmetric: false },
      inputs,
      [],
    );
    expect(errorOf(of('x') ?? whole)).toBeLessThan(errorOf(whole));
    const weightError = (quantization: Quantization): number => {
      const rounded = roundQuantized(quantization, weights, [SIZE, SIZE]);
      return inputs.reduce((sum, x) => {
        const [exact, actual] = [multiply(x, weights), multiply(x, rounded)];
        return exact.reduce((all, value, at) => all + (value - (actual[at] ?? 0)) ** 2, sum);
      }, 0);
    };
    const most = Math.max(...weights.map(Math.abs));
    const tried = Array.from({ length: 200 }, (_, at) => (most * (at + 1)) / 200 / 7).map((scale) =>
      weightError({ format: 'int4', scales: [{ scale, zeroPoint: 0 }] }),
    );
    const ofWeight = of('w');
    expect(ofWeight === undefined ? NaN : weightError(ofWeight)).toBeLessThan(Math.min(...tried) * 1.15);
    const outputs = inputs.map((x) => multiply(x, weights));
    const written = chooseQuantization(
      { format: 'int4', choice: { name: 'learned' }, symmetric: false },
      outputs,
      [],
    );
    expect(of('y')?.scales[0]?.scale).toBeCloseTo(written.scales[0]?.scale ?? NaN, 4);
  });

  it('are kept one by one, and what was found before a cancel is not searched again', async () => {
    const kept = new Map<string, unknown>();
    const asked: string[] = [];
    const cancel = new AbortController();
    const openAnew = async (): Promise<Evaluation> => {
      const anew = await openEvaluation(runtime, model, samples);
      keepResults(anew, {
        find: (_, recipe) => Promise.resolve(kept.get(JSON.stringify(recipe))),
        keep: (_, recipe, value) => {
          asked.push(JSON.stringify(recipe));
          kept.set(JSON.stringify(recipe), value);
          // What is written is known first.
          cancel.abort();
          return Promise.resolve();
        },
      });
      return anew;
    };
    const graph = graphWith({ quantize: { name: 'output_mse' } });
    const first = await openAnew();
    await expect(
      calibrated(graph, () => Promise.resolve(first), { signal: cancel.signal }),
    ).rejects.toThrow();
    expect(kept.size).toBe(1);
    const second = await openAnew();
    const found = await calibrated(graph, () => Promise.resolve(second));
    expect(found.quantizations.size).toBe(3);
    // Each was found once.
    expect(new Set(asked).size).toBe(asked.length);
    expect([...(await calibrated(graph, open)).quantizations]).toEqual(
      expect.arrayContaining([...found.quantizations]),
    );
    for (const one of [first, second]) await closeEvaluation(one);
  });

  it('of weights alone need no samples', async () => {
    const graph = graphWith({ weights: 'int8' }, 'fp32');
    expect(needsSamples(graph)).toBe(false);
    const found = await calibrated(graph, () => Promise.reject(new Error('no samples')));
    expect(found.quantizations.size).toBe(1);
  });
});

describe('the errors of single layers', () => {
  it.each(LOW_FORMAT_NAMES)('in %s are those of a plan with this layer only', async (format) => {
    const { model } = evaluation;
    const layers = findLayers(model);
    const local = await localErrors(evaluation, layers, format);
    const measured = await measuredErrors(evaluation, layers, format);
    // There is one layer, and its output is the model's.
    expect(local.errors.map(({ value }) => value.toPrecision(4))).toEqual(
      measured.errors.map(({ value }) => value.toPrecision(4)),
    );
    expect(local.errors[0]?.value).toBeGreaterThan(0);
  });
});
