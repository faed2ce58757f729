/** Every cut of small graphs: what a segment says of a layer is what the whole model says. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { allowedCuts, switchedLayer } from '../../emulate/index.js';
import {
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
  DataType,
  type Model,
} from '../../onnx/index.js';
import {
  findLayers,
  layerInFormat,
  modelFacts,
  nodeRoles,
  precisionGraph,
  type Layer,
  type Tolerance,
} from '../../plan/index.js';
import { closeEvaluation, openEvaluation } from '../sessions/evaluation.js';
import { measure } from '../measurement/measurement.js';
import { runSegment } from './segment-runs.js';
import {
  computeForTests,
  floatTensor,
  randomSamples,
  randomValues,
  WIDTH,
  writeModel,
} from '../testing/index.js';

const { runtime, folder } = await computeForTests();

function lowered(model: Model, layer: Layer) {
  return precisionGraph(model, nodeRoles(model), [layer], [layerInFormat(layer, 'fp16')]);
}

function relative(output: string): Tolerance {
  const source = { path: '', range: { start: 0, end: 0 } };
  const metric = { name: 'relative_l2' } as const;
  return { output, metric, operator: '<=', limit: 1, over: 'worst', text: 'relative_l2', source };
}

/** Cuts before every node where that is allowed, and measures every layer behind the cut. Gives the number of cuts. */
async function checkCuts(model: Model): Promise<number> {
  const evaluation = await openEvaluation(runtime, model, randomSamples(2));
  try {
    const { order } = modelFacts(model).index;
    const layers = findLayers(model);
    const questions = evaluation.floatOutputs.map(relative);
    const unchanged = questions.map(() => evaluation.feeds.map(() => ({ value: 0, sums: [0, 1] })));
    const expected = new Map<Layer, readonly (readonly number[])[]>();
    for (const layer of layers) {
      const { tolerances } = await measure(evaluation, lowered(model, layer), questions);
      expected.set(
        layer,
        tolerances.map((one) => one.figures.map((figure) => figure.value)),
      );
    }
    const cuts = [...allowedCuts(model).entries()].filter(([, allowed]) => allowed);
    for (const [cut] of cuts) {
      const behind = order.slice(cut).flatMap((at) => layers.find((layer) => layer.nodeIndex === at) ?? []);
      const switched = behind.flatMap((layer) => switchedLayer(lowered(model, layer), layer) ?? []);
      expect(switched.length).toBe(behind.length);
      const work = { cut, switched, questions, unchanged };
      const { figures } = await runSegment(evaluation, work, { signal: undefined, ran: () => undefined });
      for (const [layer, rows] of figures) {
        const values = rows.map((row) => row.map((figure) => figure.value));
        expect(values, `${layer.name} behind ${cut}`).toEqual(expected.get(layer));
      }
    }
    return cuts.length;
  } finally {
    await closeEvaluation(evaluation);
  }
}

const square = (name: string, seed: number) =>
  floatTensor(name, [WIDTH, WIDTH], randomValues(WIDTH * WIDTH, seed));
const node = (opType: string, inputs: readonly string[], outputs: readonly string[]) =>
  makeNode({ opType, inputs, outputs, name: outputs[0] ?? '' });

it('residuals, a shared weight, a Constant, shapes and two outputs', async () => {
  const constant = makeNode({
    opType: 'Constant',
    inputs: [],
    outputs: ['half'],
    attributes: [
      makeAttribute('value', { kind: 'tensor', value: floatTensor('', [1], Float32Array.of(0.3)) }),
    ],
  });
  const model = writeModel(join(folder, 'residual.onnx'), {
    weights: [square('w', 1), square('v', 2)],
    nodes: [
      constant,
      node('MatMul', ['x', 'w'], ['a']),
      node('Shape', ['a'], ['shape']),
      node('Mul', ['a', 'half'], ['b']),
      node('Tanh', ['b'], ['early']),
      node('MatMul', ['early', 'w'], ['c']),
      node('Add', ['c', 'b'], ['d']),
      node('Reshape', ['d', 'shape'], ['e']),
      node('MatMul', ['e', 'v'], ['f']),
      node('Add', ['f', 'x'], ['late']),
    ],
    inputs: { x: [1, WIDTH] },
    outputs: { early: [1, WIDTH], late: [1, WIDTH] },
  });
  expect(await checkCuts(model)).toBe(10);
});

it('a body that reads tensors from both sides of the cut', async () => {
  const output = makeValueInfo('inner', makeTensorType(DataType.FLOAT, undefined));
  const branch = (opType: string) =>
    makeGraph({
      name: opType,
      nodes: [makeNode({ opType, inputs: ['a', 'b'], outputs: ['inner'] })],
      inputs: [],
      outputs: [output],
    });
  const choose = makeNode({
    opType: 'If',
    name: 'choose',
    inputs: ['large'],
    outputs: ['c'],
    attributes: [
      makeAttribute('then_branch', { kind: 'graph', value: branch('Add') }),
      makeAttribute('else_branch', { kind: 'graph', value: branch('Sub') }),
    ],
  });
  const model = writeModel(join(folder, 'body.onnx'), {
    weights: [square('w', 1), floatTensor('zero', [], Float32Array.of(0))],
    nodes: [
      node('MatMul', ['x', 'w'], ['a']),
      makeNode({
        opType: 'ReduceMax',
        name: 'top',
        inputs: ['a'],
        outputs: ['top'],
        attributes: [makeAttribute('keepdims', { kind: 'int', value: 0 })],
      }),
      node('Greater', ['top', 'zero'], ['large']),
      node('Tanh', ['a'], ['b']),
      choose,
      node('MatMul', ['c', 'w'], ['y']),
    ],
    inputs: { x: [1, WIDTH] },
    outputs: { y: [1, WIDTH] },
  });
  expect(await checkCuts(model)).toBe(6);
});

it('no cut through a sequence', async () => {
  const model = writeModel(join(folder, 'sequence.onnx'), {
    weights: [square('w', 1)],
    nodes: [
      node('MatMul', ['x', 'w'], ['a']),
      node('SequenceConstruct', ['a', 'x'], ['list']),
      node('Tanh', ['a'], ['b']),
      makeNode({
        opType: 'ConcatFromSequence',
        name: 'joined',
        inputs: ['list'],
        outputs: ['joined'],
        attributes: [makeAttribute('axis', { kind: 'int', value: 0 })],
      }),
      node('Add', ['joined', 'b'], ['y']),
    ],
    inputs: { x: [1, WIDTH] },
    outputs: { y: [2, WIDTH] },
  });
  expect(allowedCuts(model)).toEqual([true, true, false, false, true]);
  expect(await checkCuts(model)).toBe(3);
});
