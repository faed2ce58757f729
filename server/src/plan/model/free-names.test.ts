import { describe, expect, it } from 'vitest';
import { makeAttribute, makeGraph, makeNode } from '../../onnx/index.js';
import { makeModel } from '../testing/fixture.js';
import { freeNames } from './free-names.js';

describe('free names', () => {
  it('are as wanted where nothing has them, and given once', () => {
    const take = freeNames(makeModel('input x float 1\nNeg "node" x -> y\noutput y float'));
    expect([take('z'), take('z'), take('x'), take('node'), take('y')]).toEqual([
      'z',
      'z_2',
      'x_2',
      'node_2',
      'y_2',
    ]);
  });

  it('keep clear of names inside sub-graphs', () => {
    const inner = makeGraph({
      name: 'inner',
      nodes: [makeNode({ name: 'hidden', opType: 'Neg', inputs: ['x'], outputs: ['x_fp16'] })],
      inputs: [],
      outputs: [],
    });
    const branch = makeAttribute('then_branch', { kind: 'graph', value: inner });
    const model = makeModel('input x float 1\nIf "" x -> y\noutput y float', (graph) => ({
      ...graph,
      nodes: graph.nodes.map((node) => ({ ...node, attributes: [branch] })),
    }));
    const take = freeNames(model);
    expect([take('x_fp16'), take('hidden')]).toEqual(['x_fp16_2', 'hidden_2']);
  });
});
