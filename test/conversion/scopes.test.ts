// Layers inside sub-graphs and functions under plans of every kind: what is converted type-checks, keeps its signature, runs
// in ONNX Runtime, and computes to the last bit what the emulated model computes.
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { emulated, explicit } from '../../server/src/emulate/index.js';
import { inferTypes, type Model } from '../../server/src/onnx/index.js';
import { findLayers } from '../../server/src/plan/index.js';
import { modelOf, type ModelText } from './graph-text.js';
import { checkConversion, sameBytes, type Wish } from './plans.js';
import { bitsOf, fakeInput, runModel, type Feeds } from './run-model.js';

interface ScopedModel extends ModelText {
  readonly name: string;
  readonly text: string;
  /** How many layers there are, in all scopes. */
  readonly layers: number;
}

const IF = '{"then_branch": {"graph": "then"}, "else_branch": {"graph": "else"}}';
const COUNT = 'init n: int64[] = 3\ninit go: bool[] = 1\n';

const models: readonly ScopedModel[] = [
  {
    name: 'branches that capture a tensor and share a weight',
    layers: 6,
    text: `input x: float[2,4]
      input c: bool[]
      init w: float[4,4] = 0.1 -0.2 0.3
      y = Exp(x)
      graph then
        p = MatMul(y, w)
        t = Tanh(p)
        output t: float[2,4]
      end
      graph else
        e = MatMul(x, w)
        output e: float[2,4]
      end
      z = If(c) ${IF}
      u = MatMul(z, w)
      v = Add(u, y)
      output v: float[2,4]`,
  },
  {
    name: 'branches in branches, with weights from all around',
    layers: 6,
    text: `input x: float[2,4]
      input c: bool[]
      init w: float[4] = 0.1 -0.2 0.3 0.7
      init huge: float[4] = 1048576
      y = Exp(x)
      graph deep
        init own: float[4] = 0.3
        s = Mul(y, w)
        d = Add(s, own)
        output d: float[2,4]
      end
      graph flat
        f = Identity(w)
        output f: float[4]
      end
      o = Not(c)
      graph then
        i = If(o) {"then_branch": {"graph": "deep"}, "else_branch": {"graph": "flat"}}
        t = Neg(i)
        output t: float
      end
      graph else
        b = Mul(y, huge)
        e = Sqrt(b)
        output e: float[2,4]
      end
      z = If(c) ${IF}
      output z: float`,
  },
  {
    name: 'branches that give constants, and what they were given',
    layers: 2,
    text: `input x: float[2,4]
      input c: bool[]
      y = Exp(x)
      graph then
        init k: float[2,4] = 0.1 0.2 0.3
        i = Identity(y)
        output k: float[2,4]
        output i: float[2,4]
      end
      graph else
        q = Constant() {"value": {"tensor": "float[2,4] = 0.7"}}
        i = Identity(x)
        output q: float[2,4]
        output i: float[2,4]
      end
      k, z = If(c) ${IF}
      v = Mul(k, z)
      output v: float[2,4]
      output z: float[2,4]`,
  },
  {
    name: 'a loop with state, a captured tensor and what it stacks',
    layers: 6,
    text: `input x: float[2,4]
      ${COUNT}
      init w: float[4,4] = 0.1 -0.2 0.3
      y = Exp(x)
      graph body
        input i: int64[]
        input k: bool[]
        input v: float[2,4]
        value p: float[2,4]
        k2 = Identity(k)
        p = MatMul(v, w)
        v2 = Add(p, y)
        o = Sigmoid(v2)
        output k2: bool[]
        output v2: float[2,4]
        output o: float[2,4]
      end
      r, s = Loop(n, go, x) {"body": {"graph": "body"}}
      a = Neg(r)
      b = Abs(s)
      output a: float[2,4]
      output b: float[3,2,4]`,
  },
  {
    name: 'a loop that hands things through and swaps them',
    layers: 3,
    text: `input x: float[2,4]
      ${COUNT}
      y = Exp(x)
      graph body
        input i: int64[]
        input k: bool[]
        input a: float[2,4]
        input b: float[2,4]
        input c: float[2,4]
        k2 = Identity(k)
        n2 = Neg(a)
        output k2: bool[]
        output b: float[2,4]
        output n2: float[2,4]
        output c: float[2,4]
      end
      p, q, r = Loop(n, go, x, y, x) {"body": {"graph": "body"}}
      s = Sum(p, q, r)
      output s: float[2,4]
      output r: float[2,4]`,
  },
  {
    name: 'names that hide others',
    layers: 4,
    text: `input x: float[2,4]
      ${COUNT}
      y = Exp(x)
      graph body
        input i: int64[]
        input k: bool[]
        input x: float[2,4]
        k2 = Identity(k)
        h = Mul(x, y)
        x2 = Tanh(h)
        output k2: bool[]
        output x2: float[2,4]
      end
      r = Loop(n, go, y) {"body": {"graph": "body"}}
      s = Add(r, x)
      output s: float[2,4]`,
  },
  {
    name: 'a scan',
    layers: 5,
    text: `input x: float[5,4]
      init start: float[4] = 0
      init w: float[4,4] = 0.1 -0.2 0.3
      y = Exp(x)
      graph body
        input h: float[4]
        input e: float[4]
        p = MatMul(e, w)
        m = Add(h, p)
        h2 = Tanh(m)
        o = Identity(h2)
        output h2: float[4]
        output o: float[4]
      end
      last, all = Scan(start, y) {"num_scan_inputs": 1, "body": {"graph": "body"}}
      z = Neg(all)
      output last: float[4]
      output z: float[5,4]`,
  },
  {
    name: 'a loop in a branch in a loop',
    layers: 5,
    text: `input x: float[2,4]
      input c: bool[]
      ${COUNT}
      y = Exp(x)
      graph inner
        input i: int64[]
        input k: bool[]
        input v: float[2,4]
        k2 = Identity(k)
        v2 = Mul(v, y)
        output k2: bool[]
        output v2: float[2,4]
      end
      graph then
        t = Loop(n, go, u) {"body": {"graph": "inner"}}
        output t: float[2,4]
      end
      graph else
        e = Tanh(u)
        output e: float[2,4]
      end
      graph outer
        input i: int64[]
        input k: bool[]
        input u: float[2,4]
        k3 = Identity(k)
        u2 = If(c) ${IF}
        u3 = Sigmoid(u2)
        output k3: bool[]
        output u3: float[2,4]
      end
      r = Loop(n, go, x) {"body": {"graph": "outer"}}
      s = Neg(r)
      output s: float[2,4]`,
  },
  {
    name: 'branches of a model in FP16',
    layers: 4,
    text: `input x: float[2,4]
      input c: bool[]
      h = Cast(x) {"to": 10}
      y = Exp(h)
      graph then
        t = Neg(y)
        output t: float16[2,4]
      end
      graph else
        e = Abs(h)
        output e: float16[2,4]
      end
      z = If(c) ${IF}
      f = Cast(z) {"to": 1}
      v = Tanh(f)
      output v: float[2,4]`,
  },
  {
    name: 'a function that is called once',
    layers: 4,
    text: `function local.Scaled(a) -> b
        k = Constant() {"value_float": {"float": 0.3}}
        m = Mul(a, k)
        b = Tanh(m)
      end
      input x: float[2,4]
      h = Exp(x)
      y = local.Scaled(h)
      z = Neg(y)
      output z: float[2,4]`,
  },
  {
    name: 'a function that is called twice, and gives what it got',
    layers: 4,
    text: `function local.Twice(a, w) -> b, c
        b = Mul(a, w)
        c = Identity(a)
      end
      input x: float[2,4]
      init w: float[4] = 0.1 0.2 0.3 0.7
      h = Exp(x)
      p, q = local.Twice(h, w)
      r, s = local.Twice(p, w)
      z = Add(r, q)
      output z: float[2,4]
      output s: float[2,4]`,
  },
  {
    name: 'functions in functions, with attributes and branches',
    layers: 8,
    text: `function local.Inner(a) -> b [alpha]
        m = LeakyRelu(a) {"alpha": {"of": "alpha"}}
        b = Tanh(m)
      end
      function local.Outer(a, c) -> b
        p = local.Inner(a) {"alpha": {"float": 0.1}}
        graph then
          a2 = Exp(p)
          output a2: float[2,4]
        end
        graph else
          e = local.Inner(a) {"alpha": {"float": 0.2}}
          output e: float[2,4]
        end
        q = If(c) ${IF}
        b = Neg(q)
      end
      input x: float[2,4]
      input c: bool[]
      a2 = Exp(x)
      y = local.Outer(a2, c)
      z = Abs(y)
      output z: float[2,4]`,
  },
  {
    name: 'what is not looked into, with what it captures',
    layers: 5,
    text: `input x: float[2,4]
      input c: bool[]
      y = Exp(x)
      graph mapped
        input e: float[2,4]
        o = Mul(e, y)
        output o: float[2,4]
      end
      graph inner
        input g: float[2,4]
        n = Sub(g, p)
        output n: float[2,4]
      end
      graph then
        p = Tanh(y)
        two = SequenceConstruct(p, y)
        maps = SequenceMap(two) {"body": {"graph": "inner"}}
        one = Constant() {"value_int": 1}
        r = SequenceAt(maps, one)
        t = Neg(r)
        output t: float[2,4]
      end
      graph else
        e2 = Abs(y)
        output e2: float[2,4]
      end
      z = If(c) ${IF}
      seq = SequenceConstruct(z, x)
      s = SequenceMap(seq) {"body": {"graph": "mapped"}}
      at = Constant() {"value_int": 0}
      v = SequenceAt(s, at)
      w = Sigmoid(v)
      output w: float[2,4]`,
  },
  {
    name: 'a branch that calls a function on what it captures',
    layers: 4,
    text: `function local.Scaled(a) -> b
        k = Constant() {"value_float": {"float": 0.3}}
        b = Mul(a, k)
      end
      input x: float[2,4]
      input c: bool[]
      y = Exp(x)
      graph then
        t = local.Scaled(y)
        output t: float[2,4]
      end
      graph else
        h = local.Scaled(x)
        e = Sqrt(h)
        output e: float[2,4]
      end
      z = If(c) ${IF}
      output z: float[2,4]`,
  },
];

/** All layers, every other one, each one alone, and all but each one. */
function plansFor(model: Model): readonly { readonly plan: string; readonly wish: Wish }[] {
  const names = findLayers(model).map(({ name }) => name);
  return [
    { plan: 'all', wish: { '*': 'fp16' } },
    { plan: 'even', wish: (_, at) => (at % 2 === 0 ? 'fp16' : 'original') },
    { plan: 'odd', wish: (_, at) => (at % 2 === 1 ? 'fp16' : 'fp32') },
    ...names.map((name): { plan: string; wish: Wish } => ({ plan: name, wish: { [name]: 'fp16' } })),
    ...names.map((name): { plan: string; wish: Wish } => ({
      plan: `all but ${name}`,
      wish: { '*': 'fp16', [name]: 'fp32' },
    })),
  ];
}

function feedsOf(model: Model, condition: boolean): Feeds {
  return Object.fromEntries(
    model.graph.inputs.map(({ name, type }) => [
      name,
      name === 'c'
        ? new ort.Tensor('bool', Uint8Array.of(condition ? 1 : 0), [])
        : fakeInput(type?.kind === 'tensor' ? (type.shape ?? []).map(Number) : []),
    ]),
  );
}

describe.each(models)('$name', ({ text, layers, ...options }) => {
  const model = modelOf(text, options);
  const original = model.source.read(0, model.source.length);

  it('has its layers', () => {
    expect(findLayers(model)).toHaveLength(layers);
    expect(inferTypes(model).problems).toEqual([]);
  });

  it('stays byte for byte where nothing changes', () => {
    for (const wish of [{}, { '*': 'original' }] as const) {
      expect(sameBytes(checkConversion(model, wish).bytes, original)).toBe(true);
    }
  });

  it.each(plansFor(model))('$plan', async ({ wish }) => {
    const { bytes, graph, model: converted } = checkConversion(model, wish, 'saturate');
    for (const condition of [true, false]) {
      const feeds = feedsOf(model, condition);
      const before = await runModel(original, feeds);
      const emulation = await runModel(emulated(graph).bytes, feeds);
      const casts = await runModel(explicit(converted).bytes, feeds);
      expect(bitsOf(casts)).toEqual(bitsOf(emulation));
      for (const level of ['disabled', 'all'] as const) {
        const executed = await runModel(bytes, feeds, undefined, level);
        checkNear(executed.outputs, before.outputs);
      }
      checkNear(emulation.outputs, before.outputs);
    }
  });
});

function checkNear(
  found: Readonly<Record<string, ort.Tensor>>,
  wanted: Readonly<Record<string, ort.Tensor>>,
): void {
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  for (const [name, { type, dims, data }] of Object.entries(wanted)) {
    expect(found[name]).toMatchObject({ type, dims });
    const numbers = found[name]?.data as Float32Array;
    (data as Float32Array).forEach((exact, at) => {
      // What saturates at 65504 under a root errs more than what is only rounded.
      const tolerance = 0.02 * Math.max(1, Math.abs(exact));
      expect(Math.abs(Math.min(numbers[at] ?? NaN, 250) - Math.min(exact, 250))).toBeLessThanOrEqual(
        tolerance,
      );
    });
  }
}
