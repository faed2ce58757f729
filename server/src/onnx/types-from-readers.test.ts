import { describe, expect, it } from 'vitest';
import { makeGraph, makeNode, makeTensorType, makeValueInfo } from './make.js';
import { DataType, type Node } from './model.js';
import { inferTypes } from './type-inference.js';
import { typeName } from './value-type.js';

const node = (opType: string, inputs: readonly string[], outputs: readonly string[], domain = ''): Node =>
  makeNode({ opType, inputs: [...inputs], outputs: [...outputs], domain });
const custom = (inputs: readonly string[], outputs: readonly string[]): Node =>
  node('Mystery', inputs, outputs, 'some.vendor');

/** The types of the tensors that these nodes make of an FP32 `x`, the output `y` being FP32. */
function checkTypes(nodes: readonly Node[], expected: Readonly<Record<string, string | undefined>>): void {
  const value = (name: string) => makeValueInfo(name, makeTensorType(DataType.FLOAT, [2]));
  const graph = makeGraph({ name: 'g', nodes, inputs: [value('x')], outputs: [value('y')] });
  const opsets = new Map([
    ['', 17],
    ['some.vendor', 1],
  ]);
  const { types } = inferTypes({ graph, opsets, functions: [] });
  const found = Object.keys(expected).map((name) => {
    const type = types.get(name);
    return [name, type === undefined ? undefined : typeName(type)];
  });
  expect(Object.fromEntries(found)).toEqual(expected);
}

describe('what an unknown operator gives', () => {
  it('has the type that its reader demands', () => {
    checkTypes([custom(['x'], ['m']), node('Neg', ['m'], ['y'])], { m: 'tensor(float)' });
    checkTypes([custom(['x'], ['m']), node('Add', ['x', 'm'], ['s']), node('Exp', ['s'], ['y'])], {
      m: 'tensor(float)',
      s: 'tensor(float)',
    });
  });

  it('has it at the end of a chain, and gives it to its other readers', () => {
    checkTypes(
      [
        custom(['x'], ['m']),
        node('Neg', ['m'], ['a']),
        node('Exp', ['a'], ['y']),
        node('Abs', ['m'], ['b']),
        node('Sqrt', ['b'], ['c']),
      ],
      { m: 'tensor(float)', a: 'tensor(float)', b: 'tensor(float)', c: 'tensor(float)' },
    );
  });

  it('stays unknown where any type would do', () => {
    checkTypes([custom(['x'], ['m', 'n']), node('Shape', ['m'], ['s']), custom(['n'], ['y'])], {
      m: undefined,
      n: undefined,
      s: 'tensor(int64)',
    });
    checkTypes([custom(['x'], ['m']), makeCast('m', 'y')], { m: undefined });
  });
});

function makeCast(from: string, to: string): Node {
  return node('Cast', [from], [to]);
}
