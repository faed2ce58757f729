// Whose values an output depends on. Each graph is followed by the nodes, by their first outputs, that `y` depends on.
import { describe, expect, it } from 'vitest';
import { finish } from '../../onnx/index.js';
import { makeModel } from '../testing/fixture.js';
import { valueDependenceSteps } from './value-dependence.js';

function checkDependence(text: string, expected: string): void {
  const model = makeModel(text);
  const found = finish(valueDependenceSteps(model, 'y'));
  const names = [...found].sort((one, other) => one - other).map((at) => model.graph.nodes[at]?.outputs[0]);
  expect(names.join(' ')).toBe(expected);
}

describe('the values that an output depends on', () => {
  it('are those that it is computed from, whatever else is computed', () => {
    checkDependence(
      `input x float 1 4
       Exp "" x -> a
       Neg "" a -> b
       Abs "" a -> c
       Relu "" c -> y
       output y float
       output b float`,
      'a c y',
    );
  });

  it('are those of comparisons and indices, too', () => {
    checkDependence(
      `input x float 1 4
       Exp "" x -> a
       Greater "" a x -> larger
       Neg "" x -> n
       Where "" larger x n -> w
       ArgMax "" w -> at
       Gather "" x at -> y
       output y float`,
      'a larger n w at y',
    );
  });

  it('are not those of which only the shape is looked at', () => {
    checkDependence(
      `input x float 1 4
       Exp "" x -> a
       Shape "" a -> s
       Reshape "" x s -> y
       output y float`,
      's y',
    );
  });
});
