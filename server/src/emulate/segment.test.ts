import { describe, expect, it } from 'vitest';
import { unwrittenModel } from '../onnx/testing/index.js';
import { findLayers, layerInFormat, modelFacts, nodeRoles, precisionGraph } from '../plan/index.js';
import {
  DataType,
  finish,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  type Model,
} from '../onnx/index.js';
import { allowedCuts, prefixSteps, segmentSteps } from './segment.js';
import { isMixed, switchedLayer, type SwitchedLayer } from './switched-layer.js';

/** x -> a -> b -> c -> y, with `side` from a to y past b and c, and `early` and `y` as outputs. */
function model(type: DataType = DataType.FLOAT): Model {
  const node = (opType: string, inputs: readonly string[], output: string) =>
    makeNode({ opType, name: output, inputs, outputs: [output] });
  const weight = makeTensor('w', type, [2], new Uint8Array(type === DataType.DOUBLE ? 16 : 8));
  const vector = makeTensorType(type, [2]);
  return unwrittenModel(
    makeGraph({
      name: 'test',
      nodes: [
        node('Mul', ['x', 'w'], 'a'),
        node('Tanh', ['a'], 'early'),
        node('Exp', ['a'], 'b'),
        node('Mul', ['b', 'w'], 'c'),
        node('Exp', ['c'], 'dead'),
        node('Add', ['c', 'a'], 'y'),
      ],
      initializers: [weight],
      inputs: [makeValueInfo('x', vector)],
      outputs: [makeValueInfo('early', vector), makeValueInfo('y', vector)],
    }),
  );
}

function switches(of: Model): readonly SwitchedLayer[] {
  const layers = findLayers(of);
  return layers.flatMap((layer) => {
    const decisions = [layerInFormat(layer, 'fp16')];
    return switchedLayer(precisionGraph(of, nodeRoles(of), layers, decisions), layer) ?? [];
  });
}

describe('a segment', () => {
  const whole = model();
  const all = switches(whole);

  it('at the start is the whole model, with a switch for every layer that an output depends on', () => {
    const segment = finish(segmentSteps(whole, 0, all, ['early', 'y']));
    expect(segment.crossing).toEqual([]);
    expect(segment.outputs).toEqual(['early', 'y']);
    expect([...segment.selectors.keys()].map((layer) => layer.name)).toEqual(['a', 'early', 'b', 'c', 'y']);
    expect(segment.model.graph.nodes.every((node) => node.opType === 'If')).toBe(true);
  });

  it('behind a cut starts from what crosses it, and gives what is computed there', () => {
    const { order } = modelFacts(whole).index;
    const cut = order.findIndex((at) => whole.graph.nodes[at]?.name === 'c');
    const segment = finish(segmentSteps(whole, cut, all, ['early', 'y']));
    expect([...segment.crossing].sort()).toEqual(['a', 'b']);
    expect(segment.outputs).toEqual(['y']);
    expect([...segment.selectors.keys()].map((layer) => layer.name)).toEqual(['c', 'y']);
    expect(segment.model.graph.inputs.map((input) => input.name)).not.toContain('x');
    const prefix = finish(prefixSteps(whole, segment.crossing));
    expect(prefix.model.graph.nodes.map((node) => node.name)).toEqual(['a', 'b']);
    expect(prefix.model.graph.inputs.map((input) => input.name)).toEqual(['x']);
  });

  it('may start anywhere where tensors are plain', () => {
    expect(allowedCuts(whole)).toEqual(whole.graph.nodes.map(() => true));
  });
});

describe('a switch', () => {
  it('computes the exact layer in one branch and rounds what the layer reads and writes in the other', () => {
    const whole = model();
    const segment = finish(segmentSteps(whole, 0, switches(whole), ['y']));
    const node = segment.model.graph.nodes.find((one) => one.outputs[0] === 'c');
    const [low, exact] = (node?.attributes ?? []).map((one) =>
      one.kind === 'graph' ? one.value.nodes.map((inner) => inner.opType) : [],
    );
    expect(exact).toEqual(['Mul']);
    expect(low).toEqual(['Cast', 'Cast', 'Cast', 'Cast', 'Mul', 'Cast', 'Cast']);
  });

  it('is not made for layers of 64 bits, and models of 16 bits are told', () => {
    expect(switches(model(DataType.DOUBLE))).toEqual([]);
    expect(isMixed(model(DataType.FLOAT16))).toBe(true);
    expect(isMixed(model())).toBe(false);
  });
});
