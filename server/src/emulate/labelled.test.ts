import { describe, expect, it } from 'vitest';
import {
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  DataType,
} from '../onnx/index.js';
import { finish, type Model } from '../onnx/index.js';
import { unwrittenModel } from '../onnx/testing/index.js';
import { labelledSteps } from './labelled.js';

const vector = makeTensorType(DataType.FLOAT, [2]);
const two = (name: string) =>
  makeTensor(name, DataType.FLOAT, [2], new Uint8Array(Float32Array.of(2, 3).buffer));

/** A Constant, a weight, and a body that reads a tensor from outside. */
function model(): Model {
  const body = (opType: string) =>
    makeGraph({
      name: opType,
      nodes: [makeNode({ opType, inputs: ['seen', 'seen'], outputs: ['inner'] })],
      inputs: [],
      outputs: [makeValueInfo('inner', vector)],
    });
  const nodes = [
    makeNode({
      opType: 'Constant',
      name: 'constant',
      inputs: [],
      outputs: ['c'],
      attributes: [makeAttribute('value', { kind: 'tensor', value: two('') })],
    }),
    makeNode({ opType: 'Add', name: 'same', inputs: ['x', 'c'], outputs: ['node_7_'] }),
    makeNode({ opType: 'Mul', name: 'same', inputs: ['node_7_', 'w'], outputs: ['seen'] }),
    makeNode({
      opType: 'If',
      inputs: ['flag'],
      outputs: ['y'],
      attributes: [
        makeAttribute('then_branch', { kind: 'graph', value: body('Add') }),
        makeAttribute('else_branch', { kind: 'graph', value: body('Mul') }),
      ],
    }),
  ];
  return unwrittenModel(
    makeGraph({
      name: 'test',
      nodes,
      initializers: [two('w')],
      inputs: [makeValueInfo('x', vector), makeValueInfo('flag', makeTensorType(DataType.BOOL, []))],
      outputs: [makeValueInfo('y', vector)],
    }),
  );
}

describe('a labelled model', () => {
  const original = model();
  const variant = finish(labelledSteps(original));
  const { nodes, initializers, inputs } = variant.model.graph;

  it('leads every node and tensor back, whatever a runtime makes of their names', () => {
    for (const node of nodes) {
      const { nodes: places } = variant.parts(`fused ${node.name}_token_12`);
      expect(original.graph.nodes[places[0] ?? -1]?.opType).toBe(node.opType);
      const written = variant.parts(`InsertedPrecisionFreeCast_${node.outputs[0] ?? ''}_nchwc`).tensors;
      const place = places[0] ?? -1;
      if (node.outputs[0] !== 'seen') expect(written).toEqual(original.graph.nodes[place]?.outputs);
    }
    expect(variant.parts('ReorderOutput_token_7')).toEqual({ nodes: [], tensors: [] });
  });

  it('has names of its own, but for what a body reads', () => {
    const names = nodes.map((node) => node.name);
    expect(new Set(names).size).toBe(3);
    expect(nodes.map((node) => node.opType)).toEqual(['Add', 'Mul', 'If']);
    expect(nodes[1]?.outputs).toEqual(['seen']);
    expect(nodes[0]?.outputs).not.toEqual(['node_7_']);
    expect(variant.parts(nodes[0]?.outputs[0] ?? '').tensors).toEqual(['node_7_']);
  });

  it('says what nodes are called, of which several may have one name', () => {
    const [add, mul] = nodes;
    expect(variant.nodeNames('same')).toEqual([add?.name, mul?.name]);
    expect(variant.nodeNames('other')).toEqual([]);
  });

  it('has the model’s names for what a runtime says of it, an output’s for a node without a name', () => {
    const [add, , choice] = nodes;
    const said = `${add?.name} gives ${add?.outputs[0]}, ${choice?.name}`;
    expect(variant.ownNames(said)).toBe('same gives node_7_, y');
  });

  it('leaves names of a variant with another mark', () => {
    const other = finish(labelledSteps(original, 'low'));
    const [name = ''] = other.model.graph.nodes.map((node) => node.name);
    expect(variant.ownNames(name)).toBe(name);
    expect(variant.parts(name).nodes).toEqual([]);
    expect(other.ownNames(name)).toBe('same');
  });

  it('says under which names inputs are fed, and keeps constants as initializers', () => {
    expect(inputs.map((input) => input.name)).toEqual(['x', 'flag'].map((name) => variant.inputs.get(name)));
    const stored = initializers.map((tensor) => variant.parts(tensor.name).tensors[0]);
    expect(stored.sort()).toEqual(['c', 'w']);
  });
});
