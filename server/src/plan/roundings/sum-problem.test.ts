/** Which layers' sums are left to the runtime because of their shapes, and what is said of it. */
import { expect, it } from 'vitest';
import {
  DataType,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
  type Shape,
} from '../../onnx/index.js';
import { unwrittenModel } from '../../onnx/testing/index.js';
import { sumProblem } from './roundings.js';

/** What is said of a model of one node whose inputs have these shapes. */
function problemOf(opType: string, shapes: readonly Shape[], equation?: string): string | undefined {
  const inputs = shapes.map((_, at) => `x${at}`);
  const attributes =
    equation === undefined ? [] : [makeAttribute('equation', { kind: 'string', value: equation })];
  const node = makeNode({ opType, name: 'n', inputs, outputs: ['y'], attributes });
  const graph = makeGraph({
    ...{ name: 'test', nodes: [node], initializers: [] },
    inputs: shapes.map((shape, at) => makeValueInfo(`x${at}`, makeTensorType(DataType.FLOAT, shape))),
    outputs: [makeValueInfo('y', makeTensorType(DataType.FLOAT, undefined))],
  });
  const layer = { node, nodeIndex: 0, name: 'n', weights: [], multiplyAdds: undefined };
  return sumProblem(unwrittenModel(graph), layer);
}

it.each([
  [
    'MatMul',
    [
      [2, 0],
      [0, 3],
    ],
  ],
  [
    'MatMul',
    [
      [0, 2],
      [2, 3],
    ],
  ],
  [
    'Gemm',
    [
      [2, 5],
      [5, 0],
    ],
  ],
  ['ReduceL1', [[2, 0]]],
  ['Softmax', [[3, 0]]],
  ['Softmax', [[0, 3]]],
] as const)('%s of %j adds up nothing', (opType, shapes) => {
  expect(problemOf(opType, shapes)).toBe('nothing is added up where a length is 0');
  const filled = shapes.map((shape) => shape.map((length) => (length === 0 ? 4 : length)));
  expect(problemOf(opType, filled)).toBeUndefined();
  const named = shapes.map((shape) => shape.map((length) => (length === 0 ? 'N' : length)));
  expect(problemOf(opType, named)).toBeUndefined();
});

it('an Einsum that repeats elements of its first operand along a letter that it keeps is not emulated', () => {
  const problem = (equation: string, ...shapes: Shape[]) => problemOf('Einsum', shapes, equation);
  expect(problem('ij,ij->i', [1, 3], [2, 3])).toMatch(/repeated along a label that it keeps/);
  expect(problem('ij,ij->i', [1, 3], ['N', 3])).toMatch(/repeated along a label that it keeps/);
  expect(problem('ij,ij->i', [2, 3], [1, 3])).toBeUndefined();
  expect(problem('ij,ij->i', [1, 3], [1, 3])).toBeUndefined();
  expect(problem('ij,ij->i', [2, 1], [2, 3])).toBeUndefined();
  expect(problem('...j,...j->...', [1, 3], [2, 3])).toBeUndefined();
});
