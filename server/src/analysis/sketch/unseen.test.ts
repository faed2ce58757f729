// Layers that an output depends on by steps and choices: a sketch says nothing of them, and nothing may be taken for harmless.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findLayers, layerInFormat } from '../../plan/index.js';
import { predictorFrom, type Prediction } from '../prediction/index.js';
import { measuredAnew } from '../remembered.js';
import { computeForTests, randomSamples, withEvaluation } from '../testing/index.js';
import { knownSensitivities, type Sensitivities } from './index.js';
import { writeChoosing } from './testing.js';

const { runtime, folder } = await computeForTests();

interface Found extends Sensitivities {
  /** Of the product alone in the low format. */
  readonly prediction: Prediction;
}

function sensitivitiesOf(outputs: readonly ('y' | 'z')[], way: 'sketch' | 'sketch-first'): Promise<Found> {
  const model = writeChoosing(join(folder, `choosing-${outputs.join('')}.onnx`), outputs);
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
