/** Functions of one name that their overload tells apart (from IR version 10 on): each is decided, converted and run as itself. */
import { describe, expect, it } from 'vitest';
import {
  encodeBytes,
  encodeFresh,
  type LocalFunction,
  type Model,
  type Node,
} from '../../server/src/onnx/index.js';
import { graphOf, modelOfBytes } from './graph-text.js';
import { checkConversion } from './plans.js';
import { fakeInput, runModel } from './run-model.js';

function overload(name: string, body: string): LocalFunction {
  return {
    name: 'Twice',
    domain: 'local',
    overload: name,
    inputs: ['a'],
    outputs: ['b'],
    attributes: [],
    nodes: graphOf(body).nodes,
    opsets: new Map([['', 17]]),
    message: undefined,
  };
}

/** `z = -(mul(add(exp(x))))`, both functions called `Twice`. */
function overloaded(): Model {
  const graph = graphOf(
    'input x: float[2,4]\nh = Exp(x)\nk = local.Twice(h)\ny = local.Twice(k)\nz = Neg(y)\noutput z: float[2,4]',
  );
  let calls = 0;
  const nodes = graph.nodes.map((node): Node => {
    if (node.opType !== 'Twice') return node;
    calls += 1;
    return { ...node, name: `call_${calls}`, overload: calls === 1 ? 'add' : 'mul' };
  });
  const functions = [
    overload('add', 'b = Add(a, a)'),
    overload('mul', 'c = Constant() {"value_float": {"float": 2}}\nb = Mul(a, c)'),
  ];
  const opsets = new Map([
    ['', 17],
    ['local', 1],
  ]);
  return modelOfBytes(
    encodeBytes(encodeFresh({ irVersion: 10, opsets, graph: { ...graph, nodes }, functions })),
  );
}

describe('overloaded functions', () => {
  it.each([
    ['all layers', { '*': 'fp16' }],
    ['those of one overload', { 'call_1 > body > b': 'fp16', h: 'fp16' }],
    ['those of the other', { 'call_2 > body > b': 'fp16' }],
  ] as const)('are converted with %s in FP16, each as itself', async (_name, wish) => {
    const original = overloaded();
    const { bytes, graph } = checkConversion(original, wish);
    expect(graph.casts.length).toBeGreaterThan(0);
    const converted = modelOfBytes(bytes);
    const calls = converted.graph.nodes.filter(({ domain }) => domain === 'local');
    expect(new Set(calls.map(({ opType, overload: own }) => `${opType}:${own}`)).size).toBe(2);
    const feeds = { x: fakeInput([2, 4]) };
    const before = await runModel(original.source.read(0, original.source.length), feeds);
    const after = await runModel(bytes, feeds);
    const [wanted, found] = [before, after].map(({ outputs }) => outputs['z']?.data as Float32Array);
    for (const [at, value] of (wanted ?? []).entries()) {
      expect(Math.abs((found?.[at] ?? 0) - value)).toBeLessThanOrEqual(2e-3 * Math.abs(value));
    }
  });
});
