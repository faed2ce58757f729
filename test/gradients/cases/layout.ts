/** Cases for `gradients/rules/layout` and `gradients/rules/slicing`. */
import { randomNumbers } from '../../conversion/run-model.js';
import type { GradientCase } from '../gradient-case.js';
import { inOpsets, integers, nodeCase, type NodeCase } from './node-case.js';

const concat = inOpsets([7, 13], () => [
  { operator: 'Concat', inputs: ['float[2,3,4]', 'float[2,1,4]', 'float[2,2,4]'], attributes: { axis: 1 } },
  { operator: 'Concat', inputs: ['float[3,2]'], attributes: { axis: 0 } },
]);

const split = [
  ...inOpsets([7, 11], () => [
    {
      operator: 'Split',
      inputs: ['float[2,7]'],
      attributes: { axis: 1, split: [2, 4, 1] },
      outputs: ['p', '[q]', 'r'],
    },
    { operator: 'Split', inputs: ['float[6,2]'], outputs: ['p', 'q', 'r'] },
  ]),
  ...inOpsets([13, 18], () => [
    {
      operator: 'Split',
      inputs: ['float[2,7]', integers([2, 4, 1])],
      attributes: { axis: -1 },
      outputs: ['[p]', 'q', '[r]'],
    },
  ]),
  ...inOpsets([18], () => [
    { operator: 'Split', inputs: ['float[7,2]'], attributes: { num_outputs: 3 }, outputs: ['p', '[q]', 'r'] },
  ]),
];

const moved = [
  ...inOpsets([7, 14], () => [
    { operator: 'Reshape', inputs: ['float[2,3,4]', integers([0, -1])] },
    { operator: 'Reshape', inputs: ['float[1,1]', integers([])] },
    { operator: 'Flatten', inputs: ['float[2,3,4]'], attributes: { axis: 2 } },
    { operator: 'Transpose', inputs: ['float[2,3,4]'], attributes: { perm: [1, 2, 0] } },
    { operator: 'Transpose', inputs: ['float[2,3,4]'] },
    { operator: 'Tile', inputs: ['float[2,3]', integers([3, 2])] },
    { operator: 'SpaceToDepth', inputs: ['float[2,3,4,6]'], attributes: { blocksize: 2 } },
    { operator: 'DepthToSpace', inputs: ['float[2,8,2,3]'], attributes: { blocksize: 2 } },
  ]),
  ...inOpsets([7], () => [
    { operator: 'Squeeze', inputs: ['float[2,1,4,1]'], attributes: { axes: [1] } },
    { operator: 'Unsqueeze', inputs: ['float[2,4]'], attributes: { axes: [1, 3] } },
  ]),
  ...inOpsets([8, 13], () => [{ operator: 'Expand', inputs: ['float[3,1]', integers([2, 1, 4])] }]),
  ...inOpsets([11], () => [
    { operator: 'DepthToSpace', inputs: ['float[2,8,2,3]'], attributes: { blocksize: 2, mode: 'CRD' } },
    { operator: 'DepthToSpace', inputs: ['float[1,18,2,3]'], attributes: { blocksize: 3, mode: 'DCR' } },
  ]),
  ...inOpsets([13], () => [
    { operator: 'Squeeze', inputs: ['float[2,1,4,1]', integers([1])] },
    { operator: 'Squeeze', inputs: ['float[2,1,4,1]'] },
    { operator: 'Unsqueeze', inputs: ['float[2,4]', integers([1, -1])] },
  ]),
];

const chosen = [
  ...inOpsets([9, 16], () => [
    { operator: 'Where', inputs: ['bool[3,1] = 1 0 1', 'float[2,3,4]', 'float[4]'] },
    { operator: 'Where', inputs: ['bool[2,3,1] ~ 1 0 1 0 0 1', 'float[1]', 'float[3,2]'] },
  ]),
  nodeCase({ operator: 'Trilu', inputs: ['float[2,3,4]', integers([-1], [])], attributes: { upper: 0 } }),
  nodeCase({ operator: 'Trilu', inputs: ['float[4,4]'] }),
];

const ordered = [
  nodeCase({ operator: 'ReverseSequence', inputs: ['float[4,3,2]', 'int64[3] ~ 1 3 4'] }),
  nodeCase({
    operator: 'ReverseSequence',
    opset: 10,
    inputs: ['float[4,3]', integers([1, 3, 2, 1])],
    attributes: { batch_axis: 0, time_axis: 1 },
  }),
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse) =>
      nodeCase({
        operator: 'CumSum',
        inputs: ['float[4,3]', integers([-2], [])],
        attributes: { exclusive, reverse },
      }),
    ),
  ),
];

const slices = [
  ...inOpsets([7, 9], () => [
    {
      operator: 'Slice',
      inputs: ['float[5,6]'],
      attributes: { starts: [1, -4], ends: [9, -1], axes: [0, 1] },
    },
    { operator: 'Slice', inputs: ['float[5,6]'], attributes: { starts: [2], ends: [4] } },
  ]),
  ...inOpsets([10, 11, 13, 18], (opset) => [
    { operator: 'Slice', inputs: ['float[5,6]', integers([1]), integers([-1])] },
    {
      operator: 'Slice',
      inputs: ['float[5,9]', integers([100]), integers([-100]), integers([1]), integers([-1])],
    },
    randomSlice(opset),
    randomSlice(100 + opset),
    randomSlice(200 + opset),
  ]),
];

const pads = inOpsets([7, 11, 18, 19], (opset) => {
  const modes = opset < 19 ? ['constant', 'reflect', 'edge'] : ['constant', 'reflect', 'edge', 'wrap'];
  const written = (shape: string, list: readonly number[], mode: string): NodeCase =>
    opset < 11
      ? { operator: 'Pad', inputs: [shape], attributes: { mode, pads: list } }
      : { operator: 'Pad', inputs: [shape, integers(list)], attributes: { mode } };
  return [
    ...modes.flatMap((mode) => [
      written('float[2,5,6]', [0, 2, 1, 0, 1, 3], mode),
      written('float[2,5,6]', [0, 0, 3, 0, 2, 0], mode),
      ...(mode === 'wrap' ? [] : [written('float[2,5,6]', [0, -1, 2, 0, 2, -1], mode)]),
    ]),
    written('float[1,5]', [0, 7, 0, 6], 'edge'),
    ...(opset < 11 ? [] : [{ operator: 'Pad', inputs: ['float[2,3]', integers([0, 1, 2, 0]), 'float[]'] }]),
    ...(opset < 18
      ? []
      : [{ operator: 'Pad', inputs: ['float[2,3,4]', integers([1, 2]), '', integers([-1])] }]),
    ...(opset < 19 ? [] : [written('float[1,4]', [0, 4, 0, 9], 'wrap')]),
  ];
});

/** Axes in any order and counted from either end, any steps, bounds beyond the ends. */
function randomSlice(seed: number): NodeCase {
  const random = randomNumbers(seed * 9973 + 1);
  const pick = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
  const shape = [pick(2, 5), pick(2, 9), pick(2, 4)];
  const axes = [0, 1, 2].filter(() => random() < 0.7).reverse();
  const chosenAxes = axes.length === 0 ? [1] : axes;
  const steps = chosenAxes.map(() => pick(1, 3) * (random() < 0.5 ? -1 : 1));
  const starts = steps.map((step, at) =>
    step > 0 ? pick(-2, 1) : pick(-1, shape[chosenAxes[at] ?? 0] ?? 1),
  );
  // From the first or last element on, so that something is left.
  const from = starts.map((start, at) => (start < 0 && (steps[at] ?? 1) > 0 ? -2 : start));
  const ends = steps.map((step) => (step > 0 ? pick(2, 20) : -100));
  const written = chosenAxes.map((axis) => (random() < 0.5 ? axis : axis - 3));
  return {
    operator: 'Slice',
    inputs: [`float[${shape.join()}]`, integers(from), integers(ends), integers(written), integers(steps)],
  };
}

export const layoutCases: readonly GradientCase[] = [
  ...concat,
  ...split,
  ...moved,
  ...chosen,
  ...ordered,
  ...slices,
  ...pads,
];
