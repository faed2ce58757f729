/** Names of kernels, as runtimes make them out of the names of nodes and tensors. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../../onnx/index.js';
import { folderForTests } from '../../../testing/index.js';
import { writeModel } from '../../testing/index.js';
import { namesInKernels } from './names-in-kernels.js';

const folder = folderForTests();

const model = writeModel(join(folder, 'names.onnx'), {
  nodes: [
    makeNode({ opType: 'Relu', name: 'conv1', inputs: ['x'], outputs: ['conv1.tmp_0'] }),
    makeNode({ opType: 'Relu', name: 'conv12', inputs: ['conv1.tmp_0'], outputs: ['a'] }),
    makeNode({ opType: 'Relu', name: '/block/conv1', inputs: ['a'], outputs: ['b'] }),
    makeNode({ opType: 'Relu', name: 'twice', inputs: ['b'], outputs: ['c'] }),
    makeNode({ opType: 'Relu', name: 'twice', inputs: ['c'], outputs: ['y'] }),
  ],
  inputs: { x: [1, 4] },
  outputs: { y: [1, 4] },
});
const parts = namesInKernels(model);

describe('names in the names of kernels', () => {
  it.each([
    ['conv1', [0], []],
    ['conv12_token_7', [1], []],
    ['conv1.tmp_0_nchwc', [], ['conv1.tmp_0']],
    ['/block/conv1/GeluFusion/', [2], []],
    ['InsertedPrecisionFreeCast_a', [], ['a']],
    ['fused conv1 conv12', [0, 1], []],
    ['conv123', [], []],
    ['ReorderOutput_token_2', [], []],
    ['twice', [], []],
  ])('%j holds nodes %j and tensors %j', (name, nodes, tensors) => {
    expect(parts(name)).toEqual({ nodes, tensors });
  });

  it('are found whatever stands before and behind them', () => {
    const around = fc.stringMatching(/^[A-Z]{0,5}$/);
    fc.assert(
      fc.property(
        fc.constantFrom('conv1', 'conv12', '/block/conv1'),
        around,
        around,
        (name, before, behind) => {
          const at = model.graph.nodes.findIndex((node) => node.name === name);
          expect(parts(`${before}_${name}_${behind}`).nodes).toEqual([at]);
        },
      ),
    );
  });
});
