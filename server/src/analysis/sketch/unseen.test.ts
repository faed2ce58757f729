// Layers that an output depends on by steps and choices: a sketch says nothing of them, and nothing may be taken for harmless.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataType, makeAttribute, makeNode, makeTensor, type Model } from '../../onnx/index.js';
import { findLayers, layerInFormat } from '../../plan/index.js';
import { predictorFrom, type Prediction } from '../prediction/index.js';
import { measuredAnew } from '../remembered.js';
import {
  computeForTests,
  floatTensor,
  randomSamples,
  randomValues,
  withEvaluation,
  writeModel,
  WIDTH,
} from '../testing/index.js';
import { knownSensitivities, type Sensitivities } from './index.js';

const { runtime, folder } = await computeForTests();

/** Columns that differ by a percent: which of the products is the largest hangs on the last digits. */
const ALIKE = randomValues(WIDTH * WIDTH, 1).map(
  (value, at) => (Math.floor(at / WIDTH) + 1) * (1 + 0.01 * value),
);

/** `y` is looked up in a table at the place of the largest element of a product, `z`. */
const choosing = (outputs: readonly ('y' | 'z')[]): Model =>
  writeModel(join(folder, `choosing-${outputs.join('')}.onnx`), {
    nodes: [
      makeNode({ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['z'], name: 'product' }),
      makeNode({
        ...{ opType: 'ArgMax', inputs: ['z'], outputs: ['place'], name: 'place' },
        attributes: [makeAttribute('axis', { kind: 'int', value: 1 })],
      }),
      makeNode({ opType: 'Gather', inputs: ['table', 'place'], outputs: ['found'], name: 'found' }),
      makeNode({ opType: 'Mul', inputs: ['found', 'three'], outputs: ['y'], name: 'scaled' }),
    ],
    weights: [
      floatTensor('w', [WIDTH, WIDTH], ALIKE),
      floatTensor('table', [WIDTH, 4], randomValues(WIDTH * 4, 2)),
      makeTensor('three', DataType.FLOAT, [], new Uint8Array(Float32Array.of(3).buffer)),
    ],
    inputs: { x: [1, WIDTH] },
    outputs: Object.fromEntries(outputs.map((name) => [name, name === 'z' ? [1, WIDTH] : [1, 1, 4]])),
  });

interface Found extends Sensitivities {
  /** Of the product alone in the low format. */
  readonly prediction: Prediction;
}

function sensitivitiesOf(outputs: readonly ('y' | 'z')[], way: 'sketch' | 'sketch-first'): Promise<Found> {
  const model = choosing(outputs);
  return withEvaluation(runtime, model, randomSamples(8), async (evaluation) => {
    const layers = findLayers(model);
    const subject = {
      model,
      all: layers,
      layers,
      format: 'fp8_e4m3',
      tolerances: [],
      floatOutputs: outputs,
    } as const;
    const found = await knownSensitivities(measuredAnew(evaluation), subject, { way });
    const predictor = predictorFrom([found]);
    const decisions = layers.map((layer) =>
      layerInFormat(layer, layer.name === 'product' ? 'fp8_e4m3' : 'fp32'),
    );
    return { ...found, prediction: predictor.predict(decisions) };
  });
}

const productOf = ({ errors }: Sensitivities) => errors.find(({ layer }) => layer.name === 'product');

describe('a layer that an output depends on by choices', () => {
  for (const outputs of [['y'], ['y', 'z']] as const) {
    const text = outputs.join(' and ');
    it(`is flagged, and missing in what is predicted, unless it is measured: ${text}`, async () => {
      const sketched = await sensitivitiesOf(outputs, 'sketch');
      expect(productOf(sketched)?.flags).toContain('zero-gradient');
      expect(sketched.prediction.missing.map(({ name }) => name)).toEqual(['product']);

      const measured = await sensitivitiesOf(outputs, 'sketch-first');
      expect(productOf(measured)?.method).toBe('measured');
      const { missing, nonFinite, outputs: predicted } = measured.prediction;
      expect([missing, nonFinite]).toEqual([[], []]);
      for (const [place, { value }] of (productOf(measured)?.perOutput ?? []).entries()) {
        expect(value).toBeGreaterThan(0);
        expect((predicted[place]?.rootMeanSquare.value ?? 0) / value).toBeCloseTo(1, 6);
      }
    });
  }
});
