/** Which kernels add up a layer, as far as its node and its shapes tell. */
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
import type { Accumulation } from '../../formats/index.js';
import { sumKind } from './sum-kinds.js';
import { usualAccumulation } from '../decisions/target-sums.js';

type Attributes = Readonly<Record<string, number | readonly number[]>>;

/** A model of one node whose input has this shape, and that node. */
function oneNode(opType: string, shape: Shape | undefined, attributes: Attributes = {}) {
  const node = makeNode({
    ...{ opType, name: 'n', inputs: ['x'], outputs: ['y'] },
    attributes: Object.entries(attributes).map(([name, value]) =>
      makeAttribute(name, typeof value === 'number' ? { kind: 'int', value } : { kind: 'ints', value }),
    ),
  });
  const graph = makeGraph({
    ...{ name: 'test', nodes: [node], initializers: [] },
    inputs: [makeValueInfo('x', makeTensorType(DataType.FLOAT, shape))],
    outputs: [makeValueInfo('y', makeTensorType(DataType.FLOAT, undefined))],
  });
  const layer = { node, nodeIndex: 0, name: 'n', weights: [], multiplyAdds: undefined };
  return { model: unwrittenModel(graph), layer };
}

it.each([
  ['MatMul', [2, 3], {}, 'MatMul'],
  ['Gemm', [2, 3], { transA: 1 }, 'Gemm'],
  ['Gemm', [2, 3], { transB: 1 }, 'Gemm with transB'],
  ['AveragePool', [1, 9, 20, 20], { kernel_shape: [7, 7] }, 'AveragePool below 128'],
  ['AveragePool', [1, 9, 20, 20], { kernel_shape: [8, 16] }, 'AveragePool'],
  ['GlobalAveragePool', [1, 999, 7, 7], {}, 'GlobalAveragePool below 128'],
  ['GlobalAveragePool', [1, 9, 14, 14], {}, 'GlobalAveragePool'],
  ['GlobalAveragePool', [1, 9, 'height', 7], {}, 'GlobalAveragePool'],
  ['GlobalAveragePool', undefined, {}, 'GlobalAveragePool'],
  ['ReduceMean', [1, 9], {}, 'ReduceMean'],
] as const)('%s of %j with %j is %s', (opType, shape, attributes, kind) => {
  const { model, layer } = oneNode(opType, shape, attributes);
  expect(sumKind(model, layer)).toBe(kind);
});

it('what is known of a kind counts before what is known of its operator', () => {
  const turned = oneNode('Gemm', [2, 3], { transB: 1 });
  const found = (sums: Readonly<Record<string, Accumulation>>): Accumulation | undefined => {
    const targetSums = { byOperator: new Map(Object.entries(sums)), from: [], unknown: [] };
    return usualAccumulation(
      { accumulate: undefined, targetSums, model: turned.model },
      turned.layer,
      'fp16',
    );
  };
  const chunked = { kind: 'chunked', length: 4 } as const;
  expect(found({ Gemm: { kind: 'fp16' }, 'Gemm with transB': chunked })).toEqual(chunked);
  expect(found({ Gemm: { kind: 'fp16' } })).toEqual({ kind: 'fp16' });
  expect(found({ MatMul: { kind: 'fp16' } })).toBeUndefined();
});
