// Which divisors are certainly away from zero, and that it is found out without asking of a tensor again and again.
import { describe, expect, it } from 'vitest';
import { indexGraph, makeGraph, makeNode, type Node } from '../onnx/index.js';
import { unwrittenModel } from '../onnx/testing/index.js';
import { awayFromZero } from './away-from-zero.js';

const op = (output: string, opType: string, ...inputs: readonly string[]): Node =>
  makeNode({ opType, inputs, outputs: [output] });

/** Of the last node's output; `constants` holds one element each. */
function checkLast(
  nodes: readonly Node[],
  constants: Readonly<Record<string, number>> = {},
): { readonly isAway: boolean; readonly asked: number } {
  const model = unwrittenModel(makeGraph({ name: '', nodes, inputs: [], outputs: [] }));
  let asked = 0;
  const isAway = awayFromZero(model, indexGraph(model.graph, model.irVersion), (name) => {
    asked += 1;
    const value = constants[name];
    return value === undefined ? undefined : [value];
  });
  return { isAway: isAway(nodes.at(-1)?.outputs[0] ?? ''), asked };
}

describe('a tensor is away from zero', () => {
  const variance = [op('square', 'Mul', 'x', 'x'), op('mean', 'ReduceMean', 'square')];
  const root = [...variance, op('sum', 'Add', 'mean', 'epsilon'), op('root', 'Sqrt', 'sum')];

  it('where an epsilon is added to what is never negative', () => {
    expect(checkLast(root, { epsilon: 1e-5 }).isAway).toBe(true);
    expect(checkLast([op('sum', 'Add', 'x', 'epsilon')], { epsilon: 1e-5 }).isAway).toBe(false);
    expect(checkLast(variance).isAway).toBe(false);
  });

  it('but not where a quotient by the epsilon has a derivative that FP32 does not hold', () => {
    expect(checkLast(root, { epsilon: 1e-12 }).isAway).toBe(true);
    expect(checkLast(root, { epsilon: 1.17549435e-38 }).isAway).toBe(false);
  });
});

it('asks once of a tensor that is read many times by what is read many times', () => {
  const depth = 12;
  const tower = Array.from({ length: depth }, (_, at) =>
    op(`level${at + 1}`, 'Max', ...Array.from({ length: 4 }, () => `level${at}`)),
  );
  const { isAway, asked } = checkLast([op('level0', 'Relu', 'x'), ...tower]);
  expect(isAway).toBe(false);
  expect(asked).toBeLessThan(4 * depth);
});
