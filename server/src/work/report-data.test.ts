/** What the report says of layers: in which format each is judged, and by what. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { knownLocalErrors, measuredAnew } from '../analysis/index.js';
import {
  bindTo,
  computeForTests,
  randomSamples,
  withEvaluation,
  writeChain,
} from '../analysis/testing/index.js';
import { reportLayers } from './report-data.js';

const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'chain.onnx'), 3);

it('layers are judged in the format that the plan gives them, the others in the one that was tuned for', async () => {
  const text =
    'default: fp16\nlayer "mul_0": fp32\nlayer "mul_1": int8 { per: channel }\nlayer "relu_2": fp8_e4m3\n';
  const { plan } = bindTo(model, text);
  await withEvaluation(runtime, model, randomSamples(2), async (evaluation) => {
    const results = measuredAnew(evaluation);
    const local = await knownLocalErrors(results, plan.layers, 'fp16');
    const counter = () => Promise.resolve(() => 16);
    const layers = await reportLayers({ results, plan, local, counter, samples: evaluation.samples });
    expect(layers.map(({ name, format, judgedIn }) => [name, format, judgedIn])).toEqual([
      ['mul_0', 'fp32', 'fp16'],
      ['relu_0', 'fp16', 'fp16'],
      ['mul_1', 'int8', 'int8'],
      ['relu_1', 'fp16', 'fp16'],
      ['mul_2', 'fp16', 'fp16'],
      ['relu_2', 'fp8_e4m3', 'fp8_e4m3'],
    ]);
    const inFp16 = new Map(local.errors.map(({ layer, value }) => [layer.name, value]));
    const times = layers.map(({ name, localError }) => localError / (inFp16.get(name) ?? Number.NaN));
    // Eight bits err by far more than eleven do.
    expect(times.map((one) => (one === 1 ? 'the same' : one > 4 ? 'more' : one))).toEqual([
      'the same',
      'the same',
      'more',
      'the same',
      'the same',
      'more',
    ]);
  });
});
