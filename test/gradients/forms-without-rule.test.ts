// Forms of operators that have no rule block the gradient and are named; none is passed over as if its derivative were zero.
import { expect, it } from 'vitest';
import { backwardModel } from '../../server/src/gradients/index.js';
import { modelOf } from '../conversion/graph-text.js';
import { nodeCase, type NodeCase } from './cases/node-case.js';

type Form = NodeCase & {
  /** The shape of the first output. */
  readonly shape: readonly number[];
  /** If not "no rule for this form of" the operator. */
  readonly reason?: string;
};

const recurrent = ['float[4,2,2]', 'float[1,12,2]', 'float[1,12,3]', 'float[1,24]'];
const heads = ['float[2,2,4,3]', 'float[2,2,3,3]', 'float[2,2,3,5]'];

const forms: Readonly<Record<string, readonly Form[]>> = {
  'bounds that are only known in the run': [
    { operator: 'Slice', inputs: ['float[5]', 'int64[1] ~ 1', 'int64[1] = 4'], shape: [3] },
    { operator: 'Slice', inputs: ['float[5]', 'int64[1] = 1', 'int64[1] = 4', 'int64[1] ~ 0'], shape: [3] },
    { operator: 'Pad', inputs: ['float[5]', 'int64[2] ~ 1 1'], shape: [7] },
    { operator: 'Split', inputs: ['float[5]', 'int64[2] ~ 1 4'], outputs: ['y', 'z'], shape: [1] },
    { operator: 'ReduceSum', inputs: ['float[2,3]', 'int64[1] ~ 1'], shape: [2, 1] },
    { operator: 'CumSum', inputs: ['float[2,3]', 'int64[] ~ 1'], shape: [2, 3] },
    { operator: 'Compress', inputs: ['float[3]', 'bool[3] ~ 1 0 1'], attributes: { axis: 0 }, shape: [2] },
  ],
  'pads beyond what the standard defines': [
    {
      operator: 'Pad',
      opset: 19,
      inputs: ['float[4]', 'int64[2] = 5 0'],
      attributes: { mode: 'wrap' },
      shape: [9],
    },
    { operator: 'Pad', inputs: ['float[4]', 'int64[2] = 4 0'], attributes: { mode: 'reflect' }, shape: [8] },
  ],
  'scatters that multiply or choose': ['mul', 'max', 'min'].flatMap((reduction) => [
    {
      operator: 'ScatterND',
      opset: 18,
      inputs: ['float[4]', 'int64[2,1] = 0 2', 'float[2]'],
      attributes: { reduction },
      shape: [4],
    },
    {
      operator: 'ScatterElements',
      opset: 18,
      inputs: ['float[4]', 'int64[2] = 0 2', 'float[2]'],
      attributes: { reduction },
      shape: [4],
    },
  ]),
  'updates of a scatter before GatherElements': [
    { operator: 'Scatter', opset: 9, inputs: ['float[4]', 'int64[2] = 0 2', 'float[2]'], shape: [4] },
  ],
  'positions that would take a matrix of more than 256 MB': [
    { operator: 'Gather', opset: 13, inputs: ['float[70000]', 'int64[1000] ~ 1'], shape: [1000] },
    { operator: 'GatherElements', opset: 13, inputs: ['float[70000]', 'int64[1000] ~ 1'], shape: [1000] },
  ],
  'sizes that keep an aspect ratio': [
    {
      operator: 'Resize',
      opset: 18,
      inputs: ['float[1,1,4,5]', '', '', 'int64[2] = 7 6'],
      attributes: { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
      shape: [1, 1, 5, 6],
    },
  ],
  'recurrent cells that are clipped, or have other activations': [
    {
      operator: 'LSTM',
      inputs: recurrent,
      attributes: { hidden_size: 3, clip: { float: 1 } },
      shape: [4, 1, 2, 3],
    },
    { operator: 'LSTM', inputs: recurrent, attributes: { hidden_size: 3, layout: 1 }, shape: [4, 1, 2, 3] },
    {
      operator: 'LSTM',
      inputs: recurrent,
      attributes: { hidden_size: 3, activations: { strings: ['HardSigmoid', 'Tanh', 'Tanh'] } },
      shape: [4, 1, 2, 3],
    },
  ],
  'attention to past keys, packed, turned, or with masks of other forms': [
    {
      operator: 'Attention',
      opset: 23,
      inputs: [...heads, '', 'float[2,2,2,3]', 'float[2,2,2,5]'],
      shape: [2, 2, 4, 5],
    },
    {
      operator: 'com.microsoft.MultiHeadAttention',
      inputs: ['float[2,3,2,3,4]'],
      attributes: { num_heads: 2 },
      shape: [2, 3, 8],
    },
    {
      operator: 'com.microsoft.MultiHeadAttention',
      inputs: ['float[2,2,6]', 'float[2,3,6]', 'float[2,3,6]'],
      attributes: { num_heads: 2, unidirectional: 1 },
      shape: [2, 2, 6],
    },
    ...[
      { more: ['int32[11] = 0'], attributes: {} },
      { more: ['int32[2,1,8,8] = 1'], attributes: {} },
      { more: ['', 'float[2,2,2,1,2]'], attributes: {} },
      { more: [], attributes: { do_rotary: 1 } },
    ].map(({ more, attributes }) => ({
      operator: 'com.microsoft.Attention',
      inputs: ['float[2,3,5]', 'float[5,12]', 'float[12]', ...more],
      attributes: { num_heads: 2, ...attributes },
      shape: [2, 3, 4],
    })),
  ],
  'steps without a derivative': [
    { operator: 'Hardmax', inputs: ['float[2,3]'], shape: [2, 3], reason: 'no rule for Hardmax' },
  ],
};

it.each(Object.entries(forms).flatMap(([what, list]) => list.map((form) => ({ what, ...form }))))(
  '$what: $operator of $inputs',
  (form) => {
    const model = modelOf(nodeCase(form).text, { opset: form.opset ?? 17, domains: { 'com.microsoft': 1 } });
    const inputs = model.graph.inputs.map(({ name, type }): [string, readonly number[]] => {
      const dims = type?.kind === 'tensor' ? (type.shape ?? []) : [];
      return [name, dims.map(Number)];
    });
    const wanted = form.operator === 'Scatter' ? 'c' : 'a';
    const backward = backwardModel({
      model,
      shapes: new Map([...inputs, ['y', form.shape]]),
      probes: 2,
      outputs: ['y'],
      wanted: [wanted],
    });
    const reason = form.reason ?? `no rule for this form of ${form.operator}`;
    expect(backward.withoutRule).toEqual([{ node: 0, reason }]);
    expect(backward.reach(wanted)).toBe('blocked');
    expect(backward.gradientOf(wanted)).toBeUndefined();
  },
);

it('a region that depends on what is wanted is reported, and does not block the tensor that is resized', () => {
  const model = modelOf(
    `
      input x: float[1,1,4,4]
      input r: float[8]
      region = Neg(r)
      init sizes: int64[4] = 1 1 3 3
      y = Resize(x, region, , sizes) {"coordinate_transformation_mode": "tf_crop_and_resize"}
      output y: float[1,1,3,3]`,
    { opset: 13 },
  );
  const shapes = new Map([
    ['x', [1, 1, 4, 4]],
    ['r', [8]],
    ['region', [8]],
    ['y', [1, 1, 3, 3]],
  ]);
  const backward = backwardModel({ model, shapes, probes: 1, outputs: ['y'], wanted: ['x', 'r'] });
  expect(backward.withoutRule).toEqual([{ node: 1, reason: 'no rule for input 1 of Resize' }]);
  expect([backward.reach('x'), backward.reach('r')]).toEqual(['complete', 'blocked']);
});
