/** Cases for `gradients/rules/indexing`: indices stored and fed, before and after the opset in which scatters add. */
import type { GradientCase } from '../gradient-case.js';
import { inOpsets, integers, nodeCase, type NodeCase } from './node-case.js';

const INT64 = (shape: string, values: string, isStored: boolean): string =>
  `int64[${shape}] ${isStored ? '=' : '~'} ${values}`;

/** The same with indices in the model, and with indices that are only known in the run. */
function bothWays(make: (isStored: boolean) => readonly NodeCase[]): readonly NodeCase[] {
  return [...make(true), ...make(false)];
}

const gathers = inOpsets([7, 11, 13, 18], (opset) =>
  bothWays((isStored) => [
    {
      operator: 'Gather',
      inputs: ['float[4,3,2]', INT64('2,2', opset < 11 ? '0 2 1 2' : '0 2 -1 2', isStored)],
      attributes: { axis: 1 },
    },
    { operator: 'Gather', inputs: ['float[4,3,2]', INT64('', '1', isStored)] },
    // One element more often than others, so that it is summed by a matrix.
    { operator: 'Gather', inputs: ['float[4,2]', INT64('8', '1 1 1 1 1 0 1 1', isStored)] },
  ]),
);

const pickedBy = inOpsets([11, 16], () =>
  bothWays((isStored) => [
    {
      operator: 'GatherElements',
      inputs: ['float[4,3,2]', INT64('2,1,2', '0 -1 2 2', isStored)],
    },
    {
      operator: 'GatherElements',
      inputs: ['float[2,3,2]', INT64('2,2,2', '0 -1 2 2 1 1 1 0', isStored)],
      attributes: { axis: -2 },
    },
    { operator: 'GatherND', inputs: ['float[4,3,2]', INT64('3,2', '0 -1 2 2 0 2', isStored)] },
    { operator: 'GatherND', inputs: ['float[4,3]', INT64('3,1,2', '0 -1 2 2 0 2', isStored)] },
  ]),
);

const batched = inOpsets([12, 16], () =>
  bothWays((isStored) => [
    {
      operator: 'GatherND',
      inputs: ['float[2,3,4,2]', INT64('2,2,2', '0 -1 2 2 0 2 0 2', isStored)],
      attributes: { batch_dims: 1 },
    },
  ]),
);

const scattered = [
  ...inOpsets([11, 13, 18], () =>
    bothWays((isStored) => [
      { operator: 'ScatterND', inputs: ['float[4,3,2]', INT64('2,2', '0 -1 2 2', isStored), 'float[2,2]'] },
      { operator: 'ScatterND', inputs: ['float[4]', INT64('3,1', '0 3 1', isStored), 'float[3]'] },
      {
        operator: 'ScatterElements',
        inputs: ['float[4,3]', INT64('2,2', '0 -1 2 1', isStored), 'float[2,2]'],
        attributes: { axis: 1 },
      },
    ]),
  ),
  ...inOpsets([16, 18], () => [
    {
      operator: 'ScatterND',
      inputs: ['float[4,3,2]', integers([0, 2, 0, 2], [2, 2]), 'float[2,2]'],
      attributes: { reduction: 'add' },
    },
    {
      operator: 'ScatterElements',
      inputs: ['float[4,3]', 'int64[2,2] ~ 0 0 2 1', 'float[2,2]'],
      attributes: { axis: 1, reduction: 'add' },
    },
  ]),
  // Before opset 11 what was put in has no rule, what it was put into has.
  nodeCase({
    operator: 'Scatter',
    opset: 9,
    inputs: ['float[4,3]', integers([0, 1, 2, 1], [2, 2]), 'float[2,2] = 1 2 3 4'],
    attributes: { axis: 1 },
  }),
];

const selected = [
  ...inOpsets([7], () => [
    { operator: 'TopK', inputs: ['float[3,5]'], attributes: { axis: 1, k: 2 }, outputs: ['y', '[at]'] },
  ]),
  ...inOpsets([10, 17], () => [
    { operator: 'TopK', inputs: ['float[3,5]', integers([2])], outputs: ['y', '[at]'] },
  ]),
  nodeCase({
    operator: 'TopK',
    inputs: ['float[4,3]', integers([3])],
    attributes: { axis: 0, largest: 0, sorted: 0 },
    outputs: ['y', '[at]'],
  }),
  ...inOpsets([9, 17], () => [
    { operator: 'Compress', inputs: ['float[3,4]', 'bool[4] = 1 0 1 1'], attributes: { axis: 1 } },
    { operator: 'Compress', inputs: ['float[3,2]', 'bool[4] = 1 0 1 1'] },
  ]),
];

export const indexingCases: readonly GradientCase[] = [
  ...gathers,
  ...pickedBy,
  ...batched,
  ...scattered,
  ...selected,
].map((one) => (one.operator === 'TopK' ? { ...one, step: 0.001 } : one));
