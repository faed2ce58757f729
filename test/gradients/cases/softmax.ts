/** Cases for `gradients/rules/softmax`: one axis, and before opset 13 all axes from one on. */
import type { GradientCase } from '../gradient-case.js';
import { inOpsets } from './node-case.js';

export const softmaxCases: readonly GradientCase[] = inOpsets([7, 11, 13, 17], (opset) =>
  ['LogSoftmax', 'Softmax'].flatMap((operator) => [
    { operator, inputs: ['float[3,4,2]'] },
    ...(opset < 11 ? [0, 1, 2] : [0, 1, 2, -2]).map((axis) => ({
      operator,
      inputs: ['float[3,4,2]'],
      attributes: { axis },
    })),
  ]),
);
