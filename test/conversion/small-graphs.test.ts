// The ten-line graphs on which converters are known to fail, loaded and run by ONNX Runtime after conversion.
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeBytes, encodeFresh, type LocalFunction, type Model } from '../../server/src/onnx/index.js';
import { graphOf, modelOf, modelOfBytes } from './graph-text.js';
import { checkConversion, type Wish } from './plans.js';
import { fakeInput, runModel } from './run-model.js';

const X = 'input x: float[2,4]\n';

interface SmallGraph {
  readonly name: string;
  readonly model: () => Model;
  readonly wish: Wish;
  readonly needsCondition?: boolean;
}

const small = (name: string, text: string, wish: Wish, needsCondition = false): SmallGraph => ({
  name,
  model: () => modelOf(X + text),
  wish,
  needsCondition,
});

const branches = (then: string, otherwise: string): string =>
  `{"then_branch": {"graph": "${then};output t: float[2,4]"}, "else_branch": {"graph": "${otherwise};output e: float[2,4]"}}`;
const loop = (body: string): string =>
  `{"body": {"graph": "input i: int64[];input k: bool[];input v: float[2,4];k2 = Identity(k);${body};output k2: bool[];output v2: float[2,4]"}}`;
const loopInputs = 'init n: int64[] = 3\ninit go: bool[] = 1\n';

const graphs: readonly SmallGraph[] = [
  small(
    'one FP16 tensor read by two FP32 nodes',
    'y = Exp(x)\na = Neg(y)\nb = Abs(y)\noutput a: float[2,4]\noutput b: float[2,4]',
    { y: 'fp16' },
  ),
  small(
    'an FP32 node that reads the same FP16 tensor twice',
    'y = Exp(x)\nz = Mul(y, y)\noutput z: float[2,4]',
    { y: 'fp16' },
  ),
  small(
    'an If, everything else FP16',
    `input c: bool[]\ny = Exp(x)\nz = If(c) ${branches('t = Neg(y)', 'e = Abs(y)')}\nw = Neg(z)\noutput w: float[2,4]`,
    { '*': 'fp16' },
    true,
  ),
  small(
    'an If whose branches compute',
    `input c: bool[]\ny = Exp(x)\nz = If(c) ${branches('q = Neg(y);t = Exp(q)', 'e = Abs(y)')}\noutput z: float[2,4]`,
    { y: 'fp16' },
    true,
  ),
  small(
    'an If in an FP32 neighbourhood',
    `input c: bool[]\ny = Exp(x)\nz = If(c) ${branches('t = Neg(y)', 'e = Abs(x)')}\nw = Neg(z)\noutput w: float[2,4]`,
    { y: 'fp16', w: 'fp32' },
    true,
  ),
  small(
    'a Loop that carries floating-point state',
    `${loopInputs}y = Exp(x)\nr = Loop(n, go, y) ${loop('v2 = Neg(v)')}\nw = Abs(r)\noutput w: float[2,4]`,
    { '*': 'fp16' },
  ),
  small(
    'a Loop whose body reads from outside',
    `${loopInputs}y = Exp(x)\nr = Loop(n, go, x) ${loop('q = Mul(v, y);v2 = Neg(q)')}\noutput r: float[2,4]`,
    { '*': 'fp16' },
  ),
  small(
    'a Loop that is read in FP32',
    `${loopInputs}y = Exp(x)\nr = Loop(n, go, y) ${loop('v2 = Neg(v)')}\nw = Abs(r)\noutput w: float[2,4]`,
    { y: 'fp16' },
  ),
  small(
    'a weight shared by an FP32 and an FP16 node',
    'init w: float[4,4] = 0.1 0.2 0.3\ny = MatMul(x, w)\nz = MatMul(y, w)\noutput z: float[2,4]',
    { y: 'fp16' },
  ),
  {
    name: 'a function of the model, without constants',
    model: () => withFunction(false),
    wish: { '*': 'fp16' },
  },
  { name: 'a function of the model with a constant', model: () => withFunction(true), wish: { '*': 'fp16' } },
  small(
    'a graph output that is also read inside',
    'y = Exp(x)\nz = Neg(y)\noutput y: float[2,4]\noutput z: float[2,4]',
    { '*': 'fp16' },
  ),
  small(
    'the same with its producer in FP32',
    'y = Exp(x)\nz = Neg(y)\noutput y: float[2,4]\noutput z: float[2,4]',
    { z: 'fp16' },
  ),
  small(
    'the same with its reader in FP32',
    'y = Exp(x)\nz = Neg(y)\noutput y: float[2,4]\noutput z: float[2,4]',
    { y: 'fp16' },
  ),
  small(
    'a graph input that is also a graph output',
    'y = Exp(x)\noutput x: float[2,4]\noutput y: float[2,4]',
    { '*': 'fp16' },
  ),
  small(
    'a Constant of one number',
    'c = Constant() {"value_float": {"float": 2}}\ny = Mul(x, c)\noutput y: float[2,4]',
    { '*': 'fp16' },
  ),
  small(
    'a ConstantOfShape without a value',
    's = Shape(x)\nc = ConstantOfShape(s)\ny = Add(x, c)\noutput y: float[2,4]',
    { '*': 'fp16' },
  ),
];

/** `y = twice(exp(x))`, where `twice` adds a value to itself or multiplies it by a constant. */
function withFunction(hasConstant: boolean): Model {
  const graph = graphOf(`${X}h = Exp(x)\ny = local.Twice(h)\nz = Neg(y)\noutput z: float[2,4]`);
  const body = hasConstant ? 'c = Constant() {"value_float": {"float": 2}}\nb = Mul(a, c)' : 'b = Add(a, a)';
  const twice: LocalFunction = {
    name: 'Twice',
    domain: 'local',
    overload: '',
    inputs: ['a'],
    outputs: ['b'],
    attributes: [],
    nodes: graphOf(body).nodes,
    opsets: new Map([['', 17]]),
    message: undefined,
  };
  const opsets = new Map([
    ['', 17],
    ['local', 1],
  ]);
  return modelOfBytes(encodeBytes(encodeFresh({ irVersion: 8, opsets, graph, functions: [twice] })));
}

describe('ONNX Runtime accepts and runs', () => {
  it.each(graphs)('$name', async ({ model, wish, needsCondition }) => {
    const original = model();
    const { bytes, graph } = checkConversion(original, wish);
    expect(graph.casts.length).toBeGreaterThan(0);
    const condition = new ort.Tensor('bool', Uint8Array.of(1), []);
    const feeds = { x: fakeInput([2, 4]), ...(needsCondition === true ? { c: condition } : {}) };
    const before = await runModel(original.source.read(0, original.source.length), feeds);
    for (const level of ['disabled', 'all'] as const) {
      const after = await runModel(bytes, feeds, undefined, level);
      for (const [name, { type, dims, data }] of Object.entries(before.outputs)) {
        expect(after.outputs[name]).toMatchObject({ type, dims });
        checkNear(after.outputs[name]?.data as Float32Array, data as Float32Array);
      }
    }
  });
});

function checkNear(found: Float32Array, wanted: Float32Array): void {
  found.forEach((value, at) => {
    const exact = wanted[at] ?? NaN;
    expect(Math.abs(value - exact)).toBeLessThanOrEqual(0.01 * Math.max(1, Math.abs(exact)));
  });
}
