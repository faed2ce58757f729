// The backward graph itself: what is built, what is said of tensors behind nodes without a rule, and what a caller can append.
import { describe, expect, it } from 'vitest';
import { exposed } from '../../server/src/emulate/index.js';
import { backwardModel, backwardVariant, type BackwardModel } from '../../server/src/gradients/index.js';
import {
  DataType,
  makeNode,
  makeTensorType,
  makeValueInfo,
  type Model,
} from '../../server/src/onnx/index.js';
import * as ort from 'onnxruntime-node';
import { modelOf } from '../conversion/graph-text.js';
import { fakeInput, floatsOf, runModel } from '../conversion/run-model.js';

const SHAPE = [2, 3];
const PROBES = 2;

/** The backward graph of a text in which every tensor has shape [2, 3]. */
function checkBackward(
  text: string,
  wanted: readonly string[],
  outputs: readonly string[] = ['y'],
): BackwardModel {
  const model = modelOf(text);
  const names = [
    ...model.graph.inputs.map(({ name }) => name),
    ...model.graph.nodes.flatMap((node) => node.outputs),
  ];
  const shapes = new Map(names.map((name) => [name, SHAPE]));
  return backwardModel({ model, shapes, probes: PROBES, outputs, wanted });
}

const operators = (backward: BackwardModel): string[] => backward.nodes.map((node) => node.opType);
const X = 'input x: float[2,3]\n';
const Y = '\noutput y: float[2,3]';
/** Has no rule: it draws random numbers. */
const opaque = (from: string, to: string): string => `${to} = Bernoulli(${from})`;

describe('a backward graph', () => {
  it('sums what the readers of a tensor contribute, and gives each contribution', () => {
    const text = `${X}a = Exp(x)\nb = Softmax(a)\nc = LogSoftmax(a)\ny = Mul(b, c)${Y}`;
    const backward = checkBackward(text, ['a']);
    const parts = [backward.contributionOf(1, 0), backward.contributionOf(2, 0)];
    const sum = backward.nodes.find((node) => node.outputs[0] === backward.gradientOf('a'));
    expect(sum?.opType).toBe('Sum');
    expect([...(sum?.inputs ?? [])].sort()).toEqual([...parts].sort());
    expect(backward.reach('a')).toBe('complete');
  });

  it('holds only what leads to something wanted', () => {
    const text = `${X}a = Exp(x)\nb = Tanh(a)\nside = Sqrt(x)\nc = Mul(b, side)\ny = Neg(c)${Y}`;
    expect(operators(checkBackward(text, ['c']))).toEqual(['Identity']);
    const backward = checkBackward(text, ['b']);
    expect(operators(backward)).toEqual(['Identity', 'Mul']);
    expect(backward.gradientOf('b')).toBeDefined();
    expect(backward.gradientOf('a')).toBeUndefined();
    expect(checkBackward(text, []).nodes.map((node) => node.opType)).toEqual(['Identity']);
  });

  it('gives the contribution of a single reading without the whole gradient', () => {
    const model = modelOf(`${X}a = Exp(x)\nb = Neg(a)\nc = Abs(a)\ny = Mul(b, c)${Y}`);
    const shapes = new Map(['x', 'a', 'b', 'c', 'y'].map((name) => [name, SHAPE]));
    const backward = backwardModel({
      ...{ model, shapes, probes: 1, outputs: ['y'], wanted: [] },
      wantedReadings: [{ node: 1, input: 0 }],
    });
    expect(backward.contributionOf(1, 0)).toBeDefined();
    expect(backward.contributionOf(2, 0)).toBeUndefined();
  });

  it('multiplies the probes once by all that acts on each element, where somebody asks for the product', () => {
    const text = `${X}a = Sigmoid(x)\nb = Neg(a)\nc = Abs(a)\nd = Mul(b, c)\nside = Relu(d)\ny = Add(d, side)${Y}`;
    const backward = checkBackward(text, ['x', 'a', 'b', 'd']);
    const factored = ['x', 'a', 'b', 'd', 'y'].map((name) => backward.factoredGradientOf(name));
    const [probes] = backward.nodes;
    expect(new Set(factored.map((one) => one?.gradient))).toEqual(new Set(probes?.outputs));
    expect(backward.nodes.filter(({ inputs }) => inputs.includes(probes?.outputs[0] ?? ''))).toEqual([]);
    const gradient = backward.gradientOf('x');
    expect(gradient).toBe(backward.gradientOf('x'));
    const product = backward.nodes.at(-1);
    expect(product?.inputs).toEqual([factored[0]?.gradient, factored[0]?.factor]);
    expect(product?.outputs).toEqual([gradient]);
  });

  it('chooses instead of multiplying by a mask where a root or a quotient may be infinite behind it', () => {
    const selects = (text: string): boolean =>
      operators(checkBackward(`${X}a = Relu(x)\n${text}${Y}`, ['x'])).includes('Where');
    expect(selects('y = Neg(a)')).toBe(false);
    expect(selects('y = Sqrt(a)')).toBe(true);
    expect(selects('y = Div(x, a)')).toBe(true);
    expect(selects('y = Log(a)')).toBe(true);
    expect(selects('init c: float[1] = 2\ny = Div(a, c)')).toBe(false);
    expect(selects('init e: float[1] = 0.00001\nb = Add(a, e)\ny = Sqrt(b)')).toBe(false);
    expect(selects('init e: float[1] = -0.5\nb = Add(a, e)\ny = Sqrt(b)')).toBe(true);
    expect(
      selects('s = Mul(a, a)\ninit e: float[1] = 0.00001\nb = Add(s, e)\nr = Sqrt(b)\ny = Div(a, r)'),
    ).toBe(false);
  });

  it('has probes for each output, of any tensor', () => {
    const text = `${X}a = Exp(x)\nz = Neg(a)\ny = Tanh(a)${Y}\noutput z: float[2,3]`;
    const backward = checkBackward(text, ['x'], ['y', 'z', 'a', 'nothing']);
    expect([...backward.probeOf.keys()]).toEqual(['y', 'z', 'a']);
    const [first] = backward.inputs;
    expect(first?.type).toEqual(makeTensorType(DataType.FLOAT, [PROBES, ...SHAPE]));
  });
});

describe('a node without a rule', () => {
  it('is reported with its reason, and blocks what only leads through it', () => {
    const backward = checkBackward(`${X}a = Exp(x)\n${opaque('a', 'b')}\ny = Neg(b)${Y}`, ['x', 'a', 'b']);
    expect(backward.withoutRule).toEqual([{ node: 1, reason: 'no rule for Bernoulli' }]);
    expect(['x', 'a', 'b'].map((name) => backward.reach(name))).toEqual(['blocked', 'blocked', 'complete']);
    expect(backward.gradientOf('a')).toBeUndefined();
  });

  it('leaves a partial gradient where another path goes past it', () => {
    const text = `${X}a = Exp(x)\n${opaque('a', 'b')}\nc = Tanh(a)\ny = Mul(b, c)${Y}`;
    const backward = checkBackward(text, ['x', 'a', 'c']);
    expect(['x', 'a', 'c'].map((name) => backward.reach(name))).toEqual(['partial', 'partial', 'complete']);
    expect(backward.gradientOf('x')).toBeDefined();
  });

  it('is of no interest where nothing wanted lies behind it', () => {
    const text = `${X}${opaque('x', 'b')}\na = Exp(b)\ny = Neg(a)${Y}`;
    expect(checkBackward(text, ['a']).withoutRule).toEqual([]);
  });

  it('is one that holds graphs, and what those read from outside is behind it too', () => {
    const graph = '{"graph": "t = Neg(a);output t: float[2,3]"}';
    const text = `${X}input c: bool[]\na = Exp(x)\nr = If(c) {"then_branch": ${graph}, "else_branch": ${graph}}\ny = Tanh(r)${Y}`;
    const backward = checkBackward(text, ['x', 'r']);
    expect(backward.withoutRule).toEqual([{ node: 1, reason: 'If holds graphs' }]);
    expect(['x', 'r'].map((name) => backward.reach(name))).toEqual(['blocked', 'complete']);
  });

  it('is one whose shapes were not seen', () => {
    const model = modelOf(`${X}a = Exp(x)\ny = Neg(a)${Y}`);
    const shapes = new Map([['y', SHAPE]]);
    const backward = backwardModel({ model, shapes, probes: 1, outputs: ['y'], wanted: ['x'] });
    expect(backward.withoutRule).toEqual([{ node: 1, reason: 'the shape of "a" is not known' }]);
  });

  it('is not one that has no derivative: behind it the gradient is zero', () => {
    const backward = checkBackward(`${X}a = Exp(x)\nb = Floor(a)\ny = Neg(b)${Y}`, ['x', 'b']);
    expect(backward.withoutRule).toEqual([]);
    expect(['x', 'b'].map((name) => backward.reach(name))).toEqual(['zero', 'complete']);
  });
});

describe('a backward variant', () => {
  const text = `${X}a = Exp(x)\nb = Neg(a)\ny = Tanh(b)\nz = Sqrt(a)${Y}\noutput z: float[2,3]`;

  it('leaves out what no output depends on', () => {
    const backward = checkBackward(text, ['b', 'a']);
    const variant = backwardVariant(backward, [makeValueInfo(backward.gradientOf('b') ?? '', undefined)]);
    const names = variant.model.graph.nodes.map((node) => node.opType);
    expect(names).not.toContain('Sqrt');
    expect(names.filter((name) => name === 'Neg')).toHaveLength(1);
  });

  it('runs what a caller appends behind it', async () => {
    const backward = checkBackward(text, ['a']);
    const energy = backward.takeName('energy');
    const node = makeNode({
      opType: 'ReduceSumSquare',
      inputs: [backward.gradientOf('a') ?? ''],
      outputs: [energy],
    });
    const variant = backwardVariant(backward, [makeValueInfo(energy, undefined)], { nodes: [node] });
    const x = fakeInput(SHAPE);
    const values = Float32Array.from({ length: 12 }, () => 1);
    const probe = backward.probeOf.get('y') ?? '';
    const ran = await runModel(variant.bytes, {
      x,
      [probe]: new ort.Tensor('float32', values, [2, ...SHAPE]),
    });
    const expected = await exactEnergy(backward.model, x);
    expect(Math.abs((floatsOf(ran, energy)[0] ?? NaN) / expected - 1)).toBeLessThan(1e-5);
  });

  it('leaves a shape that can be fed an input', async () => {
    const backward = checkBackward(
      `${X}input dims: int64[2]\ninit dims: int64[2] = 2 3\na = Reshape(x, dims)\ny = Exp(a)${Y}`,
      ['x'],
    );
    const gradient = backward.gradientOf('x') ?? '';
    const { bytes } = backwardVariant(backward, [makeValueInfo(gradient, undefined)]);
    const probe = backward.probeOf.get('y') ?? '';
    const values = Float32Array.from({ length: 12 }, () => 1);
    const x = new ort.Tensor('float32', new Float32Array(6), SHAPE);
    const ran = await runModel(bytes, { x, [probe]: new ort.Tensor('float32', values, [2, ...SHAPE]) });
    expect([...floatsOf(ran, gradient)]).toEqual([...values]);
  });
});

/** Of d tanh(-a) / da = tanh(-a)^2 - 1, twice. */
async function exactEnergy(model: Model, x: ort.Tensor): Promise<number> {
  const y = floatsOf(await runModel(exposed(model, []).bytes, { x }), 'y');
  return PROBES * y.reduce((sum, value) => sum + (value * value - 1) ** 2, 0);
}
