/** Models that are given as what a plan was converted to: which may be it, which are not, and which cannot even be run in its place. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bindTo, realModel, sampleOf, writeChain, writeModel } from '../analysis/testing/index.js';
import { DataType, makeNode, makeTensorType, type Model } from '../onnx/index.js';
import { folderForTests } from '../testing/index.js';
import { exportModel } from './export-model.js';
import { mismatchOf, unlikeThePlan } from './given-model.js';

const folder = folderForTests();
const path = join(folder, 'm.onnx');
writeChain(path, 2);
const original = realModel(path);
const planOf = (text: string) => bindTo(original, `input "x" = ones\n${text}\n`).plan;

/** What `text` converts the chain to. */
async function converted(text: string, name: string): Promise<Model> {
  const plan = planOf(text);
  const file = join(folder, name);
  const written = await exportModel(plan, plan.decisions, file);
  expect(written).toMatchObject({ path: file });
  return realModel(file);
}

describe('a model that can be run in place of the plan’s', () => {
  it('may be what the plan converts to, in any format', async () => {
    for (const text of [
      'default: fp16',
      'op MatMul: bf16',
      'default: fp32',
      'op MatMul: fp16 { weights: int8 }',
    ]) {
      const given = await converted(text, `${text.replaceAll(/\W/gu, '')}.onnx`);
      expect(mismatchOf({ plan: planOf(text), samples: [] }, given)).toBeUndefined();
      expect(unlikeThePlan(planOf(text), given)).toBeUndefined();
    }
  });

  it('is not it where nothing in it is low, as in the original, or something else', async () => {
    expect(unlikeThePlan(planOf('default: fp16'), original)).toMatch(
      /no layer in it is lower than in the plan's model, and the plan lowers 4 layers/,
    );
    expect(unlikeThePlan(planOf('op MatMul: fp8_e4m3'), original)).toMatch(/the plan lowers 2 layers/);
    const low = await converted('op Relu: fp16', 'relu.onnx');
    expect(unlikeThePlan(planOf('default: fp16'), low)).toMatch(
      /in other types: 2 layers \("mul_0" is in float there, and in float16 by the plan\)/,
    );
    expect(unlikeThePlan(planOf(''), low)).toMatch(/in other types: 2 layers \("relu_0" is in float16 there/);
    expect(unlikeThePlan(planOf('op Relu: fp16\nop MatMul: fp8_e4m3'), low)).toMatch(
      /it rounds nothing to fp8_e4m3, as the plan does for 2 layers/,
    );
  });

  it('is not it where layers of the plan are gone', () => {
    const shorter = join(folder, 'shorter.onnx');
    writeChain(shorter, 1);
    expect(unlikeThePlan(planOf(''), realModel(shorter))).toMatch(
      /not in it: 1 layer of the plan, "mul_1" first/,
    );
  });
});

describe('a model that cannot be run in place of the plan’s', () => {
  const given = (
    name: string,
    inputs: Readonly<Record<string, readonly number[]>>,
    outputs: Readonly<Record<string, readonly number[]>>,
  ): Model => {
    const file = join(folder, `${name}.onnx`);
    const [from = 'x', to = 'y'] = [...Object.keys(inputs), ...Object.keys(outputs)].filter(
      (one) => one !== 'z',
    );
    const nodes = [makeNode({ opType: 'Relu', name: 'only', inputs: [from], outputs: [to] })];
    writeModel(file, { nodes, inputs, outputs });
    return realModel(file);
  };
  const WIDE = [1, 16];
  const samples = [sampleOf(0, { x: { dims: WIDE, values: new Float32Array(16) } })];

  it.each([
    [
      'another rank',
      { x: [16] },
      { y: [16] },
      /^its input "x" is float \[16\], and float \[1, 16\] is wanted$/,
    ],
    ['another size', { x: [1, 8] }, { y: [1, 8] }, /^its input "x" is float \[1, 8\], and float \[1, 16\]/],
    ['another output', { x: WIDE }, { y: [1, 8] }, /^its output "y" is float \[1, 8\], and float/],
    ['another input', { q: WIDE }, { y: WIDE }, /^it reads "q"/],
    ['one more', { x: WIDE, z: WIDE }, { y: WIDE }, /^it reads "z"/],
  ] as const)('has %s', (name, inputs, outputs, words) => {
    expect(mismatchOf({ plan: planOf(''), samples }, given(name, inputs, outputs))).toMatch(words);
  });

  it('has fewer inputs', () => {
    const { graph, ...rest } = original;
    const without = { ...rest, graph: { ...graph, inputs: [] } };
    expect(mismatchOf({ plan: planOf(''), samples }, without)).toMatch(/^it has no input "x"/);
  });

  it('has another type', () => {
    const { graph, ...rest } = original;
    const type = makeTensorType(DataType.FLOAT16, WIDE);
    const half = { ...rest, graph: { ...graph, inputs: graph.inputs.map((one) => ({ ...one, type })) } };
    expect(mismatchOf({ plan: planOf(''), samples }, half)).toMatch(
      /^its input "x" is float16 \[1, 16\], and float/,
    );
  });
});
