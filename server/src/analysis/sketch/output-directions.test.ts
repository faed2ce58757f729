// Outputs that err in few directions: how they are found, and how sure a sketch of few probes is of them then.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeAttribute, makeNode, type Model } from '../../onnx/index.js';
import { findLayers } from '../../plan/index.js';
import type { Evaluation } from '../sessions/evaluation.js';
import { measuredErrors } from '../errors/measured-errors.js';
import { measuredAnew } from '../remembered.js';
import {
  computeForTests,
  floatTensor,
  randomSamples,
  randomValues,
  sampleOf,
  withEvaluation,
  writeModel,
  WIDTH,
} from '../testing/index.js';
import { knownSketch, sketchedErrors, type Sketch } from './index.js';
import { outputDirections } from './output-directions.js';

const { runtime, folder } = await computeForTests();

const ELEMENTS = 100;
const PROBES = 8;

/** Two products, the first of which ends in `between` numbers, so that errors of all before lie in as many directions. */
function narrow(between: number, width = WIDTH): Model {
  return writeModel(join(folder, `narrow-${between}.onnx`), {
    nodes: [
      makeNode({ opType: 'Relu', inputs: ['x'], outputs: ['positive'], name: 'relu' }),
      makeNode({ opType: 'MatMul', inputs: ['positive', 'w0'], outputs: ['few'], name: 'few' }),
      makeNode({ opType: 'Neg', inputs: ['few'], outputs: ['turned'], name: 'turned' }),
      makeNode({ opType: 'MatMul', inputs: ['turned', 'w1'], outputs: ['y'], name: 'many' }),
    ],
    weights: [
      floatTensor('w0', [width, between], randomValues(width * between, 1)),
      floatTensor('w1', [between, ELEMENTS], randomValues(between * ELEMENTS, 2)),
    ],
    inputs: { x: [1, width] },
    outputs: { y: [1, ELEMENTS] },
  });
}

const directionsOf = async (evaluation: Evaluation): Promise<number> => {
  const found = await outputDirections(evaluation, 0, ['y'], { probes: PROBES, seed: 3 });
  return found.directions.get('y')?.length ?? 0;
};

const sketchOf = (evaluation: Evaluation, seed: number): Promise<Sketch> =>
  knownSketch(measuredAnew(evaluation), evaluation.model, findLayers(evaluation.model), 'fp16', ['y'], {
    probes: PROBES,
    seed,
  });

describe('the directions of an output', () => {
  it('are as many as there are numbers that it is made of, where those are few', async () => {
    for (const between of [1, 2, 3]) {
      const found = await withEvaluation(runtime, narrow(between), randomSamples(1), directionsOf);
      expect(found).toBe(between);
    }
  });

  it('are not told where they are many', async () => {
    const samples = randomSamples(1, [1, 200]);
    expect(await withEvaluation(runtime, narrow(80, 200), samples, directionsOf)).toBe(0);
  });

  it('make a sketch of one sample as sure as one with a probe for each element', async () => {
    await withEvaluation(runtime, narrow(3), randomSamples(1), async (evaluation) => {
      const { errors } = await measuredErrors(evaluation, findLayers(evaluation.model), 'fp16');
      const measured = new Map(errors.map(({ layer, value }) => [layer.name, value]));
      for (const seed of [1, 2, 3]) {
        const sketch = await sketchOf(evaluation, seed);
        expect(sketch.samples[0]?.outputs).toMatchObject([{ aligned: 3, random: PROBES - 3 }]);
        for (const { layer, value } of sketchedErrors(sketch, sketch.events.layers, [])) {
          // The last layer rounds each element of the output by itself.
          if (layer.name === 'many') continue;
          expect(value / (measured.get(layer.name) ?? Number.NaN)).toBeCloseTo(1, 1);
        }
      }
    });
  });

  it('are not looked for where a move ends in a failure, and the sketch is made all the same', async () => {
    const toIndex = makeAttribute('to', { kind: 'int', value: 7 });
    const model = writeModel(join(folder, 'index.onnx'), {
      nodes: [
        makeNode({ opType: 'Ceil', inputs: ['x'], outputs: ['whole'] }),
        makeNode({ opType: 'Cast', inputs: ['whole'], outputs: ['index'], attributes: [toIndex] }),
        makeNode({ opType: 'Gather', inputs: ['table', 'index'], outputs: ['rows'] }),
        makeNode({ opType: 'Mul', inputs: ['rows', 'factor'], outputs: ['y'], name: 'scaled' }),
      ],
      weights: [
        floatTensor('table', [1001, 20], randomValues(1001 * 20, 5)),
        floatTensor('factor', [1], Float32Array.of(0.3)),
      ],
      inputs: { x: [WIDTH] },
      outputs: { y: [WIDTH, 20] },
    });
    // The last row there is: half of all moves point behind it.
    const values = Float32Array.from({ length: WIDTH }, (_, at) => (at === 0 ? 0 : 1000));
    const sample = sampleOf(0, { x: { dims: [WIDTH], values } });
    await withEvaluation(runtime, model, [sample], async (evaluation) => {
      expect(await directionsOf(evaluation)).toBe(0);
      const { errors } = await measuredErrors(evaluation, findLayers(model), 'fp16');
      const sketched = sketchedErrors(await sketchOf(evaluation, 1), findLayers(model), []);
      const of = (all: readonly { readonly layer: { readonly name: string }; readonly value: number }[]) =>
        all.find(({ layer }) => layer.name === 'scaled')?.value ?? Number.NaN;
      expect(of(sketched) / of(errors)).toBeGreaterThan(0.5);
      expect(of(sketched) / of(errors)).toBeLessThan(2);
    });
  });
});
