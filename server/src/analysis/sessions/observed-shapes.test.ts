/** Shapes seen in a run against shapes inferred from the file, on real models. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inferShapes, type Model, type Shape } from '../../onnx/index.js';
import { withShapes } from '../../plan/index.js';
import { observedShapes } from './observed-shapes.js';
import {
  bindTo,
  computeForTests,
  OCR_MODELS,
  POSE_MODEL,
  randomSamples,
  realModel,
  sampleOf,
} from '../testing/index.js';

const { runtime } = await computeForTests();

function isKnown(shape: Shape | undefined): boolean {
  return shape?.every((size) => typeof size === 'number') === true;
}

/** Runs on an input of `dims` and compares with what inference knows without it. */
async function checkShapes(
  model: Model,
  dims: readonly number[],
): Promise<{ readonly same: number; readonly new: number }> {
  const input = model.graph.inputs[0]?.name ?? '';
  const [random] = randomSamples(1, dims);
  const tensor = random?.inputs['x'];
  if (tensor === undefined) throw new Error('there is a sample');
  const sample = { ...sampleOf(0, {}), inputs: { [input]: tensor } };
  const observed = await observedShapes(runtime, model, sample);
  const inferred = inferShapes(model, {});
  const written = model.graph.nodes
    .filter((node) => node.opType !== 'Constant')
    .flatMap((node) => node.outputs);
  const both = written.filter((name) => observed.has(name) && isKnown(inferred.get(name)));
  expect(Object.fromEntries(both.map((name) => [name, observed.get(name)]))).toEqual(
    Object.fromEntries(both.map((name) => [name, inferred.get(name)])),
  );
  expect(written.filter((name) => name !== '' && !isKnown(observed.get(name)))).toEqual([]);
  expect(observed.get(input)).toEqual(dims);
  const { plan } = bindTo(model, '');
  const counted = withShapes(plan, observed);
  expect(counted.layers.filter((layer) => layer.multiplyAdds === undefined)).toEqual([]);
  return { same: both.length, new: written.length - both.length };
}

describe('observed shapes', () => {
  it('are the inferred ones where all are known', async () => {
    const model = realModel(POSE_MODEL);
    const { same, new: found } = await checkShapes(model, [1, 256, 256, 3]);
    expect(same).toBeGreaterThan(100);
    expect(found).toBe(0);
  });

  it.each([
    ['ch_PP-OCRv4_det_infer.onnx', [1, 3, 64, 96]],
    ['ch_PP-OCRv4_rec_infer.onnx', [1, 3, 48, 96]],
    ['ch_ppocr_mobile_v2.0_cls_infer.onnx', [1, 3, 48, 192]],
  ])('fill what depends on the input in %s', async (name, dims) => {
    const { new: found } = await checkShapes(realModel(join(OCR_MODELS, name)), dims);
    expect(found).toBeGreaterThan(50);
  });
});
