/** Cases for `gradients/rules/reduction`: axes as attribute and input, kept and dropped, all of them and none. */
import type { GradientCase } from '../gradient-case.js';
import { inOpsets, integers, type NodeCase } from './node-case.js';

/** Where a reduction is smooth: logarithms of positive sums, absolute values away from zero. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  ReduceL1: [0.5, 2],
  ReduceL2: [0.5, 2],
  ReduceLogSum: [0.5, 2],
};
const OPERATORS = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSum',
  'ReduceSumSquare',
];

function reductions(opset: number): readonly NodeCase[] {
  return OPERATORS.flatMap((operator): NodeCase[] => {
    const since = operator === 'ReduceSum' ? 13 : 18;
    const range = RANGES[operator];
    const shared = {
      operator,
      ...(range === undefined ? {} : { ranges: { a: range } }),
      ...(/M(ax|in)$/.test(operator) ? { step: 0.001 } : {}),
    };
    const over = (shape: string, axes: readonly number[], keepdims: number): NodeCase =>
      opset < since
        ? { ...shared, inputs: [shape], attributes: { axes, keepdims } }
        : { ...shared, inputs: [shape, integers(axes)], attributes: { keepdims } };
    return [
      over('float[3,4,2]', opset < 11 ? [1, 2] : [1, -1], 0),
      over('float[3,4,2]', [0], 1),
      { ...shared, inputs: ['float[3,4]'], attributes: { keepdims: 0 } },
      { ...shared, inputs: ['float[3,4]'] },
      ...(opset < since
        ? []
        : [
            { ...shared, inputs: ['float[3,4]'], attributes: { noop_with_empty_axes: 1 } },
            {
              ...shared,
              inputs: ['float[3,4]', integers([])],
              attributes: { noop_with_empty_axes: 1, keepdims: 0 },
            },
          ]),
    ];
  });
}

/** The product of the others where one element, or more, is zero. */
const zeros = inOpsets([11, 17], () => [
  { operator: 'ReduceProd', inputs: ['float[2,3] ~ 0 2 3 4 5 6'] },
  { operator: 'ReduceProd', inputs: ['float[3,3] ~ 0 2 3 4 5 6 0 0 3'], attributes: { axes: [1] } },
]);

export const reductionCases: readonly GradientCase[] = [...inOpsets([7, 11, 13, 18], reductions), ...zeros];
