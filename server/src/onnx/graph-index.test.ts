import { describe, expect, it } from 'vitest';
import { indexGraph } from './graph-index.js';
import { DataType } from './model.js';
import { floats, graph, integers, node } from './testing/text-models.js';
import { tensorValues } from './tensor-values.js';

describe('producers and consumers', () => {
  const index = indexGraph(
    graph({
      inputs: ['x: float[2]'],
      nodes: [node('a = Relu(x)'), node('b, c = Split(a)', { axis: 0 }), node('d = Sum(a, , a, c)')],
      outputs: ['d: float[2]'],
    }),
  );

  it('are node indexes and input places', () => {
    expect([...index.producers]).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 1],
      ['d', 2],
    ]);
    expect(index.consumers.get('a')).toEqual([
      { node: 1, input: 0 },
      { node: 2, input: 0 },
      { node: 2, input: 2 },
    ]);
    expect(index.consumers.has('')).toBe(false);
  });

  it('end at graph inputs and outputs', () => {
    expect([index.isGraphInput('x'), index.isGraphInput('a')]).toEqual([true, false]);
    expect([index.isGraphOutput('d'), index.isGraphOutput('a')]).toEqual([true, false]);
  });
});

it('knows what sub-graphs read from outside, at any depth, and what they hide', () => {
  const inner = graph({ nodes: [node('r = Add(a, hidden)')], outputs: ['r: float'] });
  const outer = graph({
    nodes: [node('hidden = Relu(b)'), node('s = If(c)', { then_branch: inner, else_branch: inner })],
    outputs: ['s: float'],
  });
  const index = indexGraph(
    graph({
      inputs: ['c: bool', 'a: float', 'b: float', 'hidden: float'],
      nodes: [node('y = If(c)', { then_branch: outer, else_branch: outer })],
    }),
  );
  expect(Object.fromEntries(index.capturedBySubgraphs)).toEqual({ b: [0], c: [0], a: [0] });
});

describe('the order of nodes', () => {
  const order = (...texts: readonly string[]): readonly [boolean, readonly number[]] => {
    const index = indexGraph(graph({ inputs: ['x: float'], nodes: texts.map((text) => node(text)) }));
    return [index.isSorted, index.order];
  };

  it('is the file order where nodes can run in it', () => {
    expect(order('a = Relu(x)', 'b = Relu(x)', 'c = Add(a, b)')).toEqual([true, [0, 1, 2]]);
  });

  it('is the nearest other one where they cannot', () => {
    expect(order('c = Add(a, b)', 'b = Relu(x)', 'a = Relu(x)')).toEqual([false, [1, 2, 0]]);
  });

  it('leaves out a cycle and what is behind it', () => {
    expect(order('a = Relu(b)', 'b = Relu(a)', 'c = Relu(x)', 'd = Relu(a)')).toEqual([false, [2]]);
  });

  it('heeds what sub-graphs read', () => {
    const branch = graph({ nodes: [node('r = Relu(a)')], outputs: ['r: float'] });
    const nodes = [node('y = If(c)', { then_branch: branch, else_branch: branch }), node('a = Relu(x)')];
    expect(indexGraph(graph({ inputs: ['x: float', 'c: bool'], nodes })).order).toEqual([1, 0]);
  });
});

describe('constants', () => {
  const subject = graph({
    inputs: ['x: float[2]', 'w: float[2]'],
    initializers: [floats('w', [2]), floats('v', [2])],
    nodes: [
      node('a = Constant()', { value: integers('stored', [3, 4]) }),
      node('b = Constant()', { value_float: 0.5 }),
      node('c = Constant()', { value_ints: [1, -1, 9223372036854775807] }),
      node('d = Relu(v)'),
    ],
  });

  it('are initializers and the outputs of Constant nodes', () => {
    const index = indexGraph(subject);
    expect(index.constantOf('v')?.name).toBe('v');
    expect(index.constantOf('a')?.dims).toEqual([2]);
    expect(index.constantOf('b')).toMatchObject({ name: 'b', dataType: DataType.FLOAT, dims: [] });
    expect(index.constantOf('d')).toBeUndefined();
    expect(index.constantOf('x')).toBeUndefined();
    expect(index.constantOf('b')).toBe(index.constantOf('b'));
  });

  it('hold the values of the attributes, "to the end" too', () => {
    const tensor = indexGraph(subject).constantOf('c');
    const read = tensor && tensorValues(tensor, undefined);
    expect(read && 'values' in read && [...read.values]).toEqual([1n, -1n, 2n ** 63n - 1n]);
  });

  it('are not initializers that a caller may override, which is so from IR version 4', () => {
    expect(indexGraph(subject, 4).constantOf('w')).toBeUndefined();
    expect(indexGraph(subject, 4).isOverridable('w')).toBe(true);
    expect(indexGraph(subject, 3).constantOf('w')?.name).toBe('w');
    expect(indexGraph(subject, 3).isOverridable('w')).toBe(false);
  });
});
