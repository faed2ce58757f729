// What crosses the borders of sub-graphs and functions, as the converter writes it.
import { describe, expect, it } from 'vitest';
import { checkNodes } from './check-nodes.js';
import { modelOf } from './graph-text.js';
import { checkConversion, type Wish } from './plans.js';

describe('sub-graphs', () => {
  const branches = (then: string, otherwise: string): string =>
    `If(c) {"then_branch": {"graph": "${then};output t: float[4]"}, "else_branch": {"graph": "${otherwise};output e: float[4]"}}`;
  const loop = (body: string): string =>
    `{"body": {"graph": "input i: int64[];input k: bool[];input v: float[4];k2 = Identity(k);${body};output k2: bool[];output v2: float[4]"}}`;
  const counted = 'init n: int64[] = 3\ninit t: bool[] = 1\n';

  it('need no cast where everything in sight is of one type', () => {
    checkNodes(
      `input x: float[4]
       input c: bool[]
       init w: float[4] = 0.1
       y = Mul(x, w)
       r = ${branches('t = Add(y, w)', 'e = Neg(y)')}
       s = Exp(r)
       output s: float[4]`,
      { '*': 'fp16' },
      `x_fp16:float16 = Cast(x)
       y:float16 = Mul(x_fp16, w)
       r:float16 = If(c)
         t:float16 = Add(y, w)
         e:float16 = Neg(y)
       s_fp16:float16 = Exp(r)
       s:float = Cast(s_fp16)`,
    );
  });

  it('end their branches in one type', () => {
    checkNodes(
      `input x: float[4]
       input c: bool[]
       y = Exp(x)
       r = ${branches('t = Abs(y)', 'e = Neg(x)')}
       output r: float[4]`,
      { 'r > then_branch > t': 'fp16' },
      `y:float = Exp(x)
       y_fp16:float16 = Cast(y)
       r:float = If(c)
         t:float16 = Abs(y_fp16)
         t_fp32:float = Cast(t)
         e:float = Neg(x)`,
    );
  });

  it('read what they capture from one cast, which stands where the tensor is', () => {
    checkNodes(
      `input x: float[4]
       input c: bool[]
       y = Exp(x)
       z = Tanh(y)
       r = ${branches('p = Abs(y);t = Neg(p)', 'e = Neg(y)')}
       output r: float[4]
       output z: float[4]`,
      {
        z: 'fp16',
        'r > then_branch > p': 'fp16',
        'r > then_branch > t': 'fp16',
        'r > else_branch > e': 'fp16',
      },
      `y:float = Exp(x)
       y_fp16:float16 = Cast(y)
       z_fp16:float16 = Tanh(y_fp16)
       z:float = Cast(z_fp16)
       r_fp16:float16 = If(c)
         p:float16 = Abs(y_fp16)
         t:float16 = Neg(p)
         e:float16 = Neg(y_fp16)
       r:float = Cast(r_fp16)`,
    );
  });

  it('carry one type from round to round', () => {
    checkNodes(
      `input x: float[4]
       ${counted}
       y = Exp(x)
       r = Loop(n, t, y) ${loop('v2 = Add(v, y)')}
       s = Neg(r)
       output s: float[4]`,
      { '*': 'fp16' },
      `x_fp16:float16 = Cast(x)
       y:float16 = Exp(x_fp16)
       r:float16 = Loop(n, t, y)
         k2:bool = Identity(k)
         v2:float16 = Add(v, y)
       s_fp16:float16 = Neg(r)
       s:float = Cast(s_fp16)`,
    );
  });

  it('round nothing that is only carried, from FP32 to FP32', () => {
    checkNodes(
      `input x: float[4]
       ${counted}
       r = Loop(n, t, x) ${loop('q = Exp(v);v2 = Neg(q)')}
       output r: float[4]`,
      { 'r > body > q': 'fp16', 'r > body > v2': 'fp16' },
      `r:float = Loop(n, t, x)
         k2:bool = Identity(k)
         v_fp16:float16 = Cast(v)
         q:float16 = Exp(v_fp16)
         v2:float16 = Neg(q)
         v2_fp32:float = Cast(v2)`,
    );
  });
});

describe('functions', () => {
  const text = `function local.Scaled(a) -> b
      k = Constant() {"value_float": {"float": 2}}
      b = Mul(a, k)
    end
    input x: float[4]
    p = local.Scaled(x)
    q = local.Scaled(p)
    r = local.Scaled(q)
    output r: float[4]`;

  it('change in their place where all calls agree', () => {
    const { model } = checkConversion(modelOf(text), { '*': 'fp16' });
    expect(model.functions.map(({ name }) => name)).toEqual(['Scaled']);
  });

  it('are written once for all calls of the same types', () => {
    const wish: Wish = { 'p > body > b': 'fp16', 'q > body > b': 'fp16' };
    const { model } = checkConversion(modelOf(text), wish);
    expect(model.functions.map(({ name }) => name)).toEqual(['Scaled', 'Scaled_2']);
    const calls = model.graph.nodes.filter(({ domain }) => domain === 'local');
    expect(calls.map(({ opType }) => opType)).toEqual(['Scaled_2', 'Scaled_2', 'Scaled']);
  });

  it('stay as they are where they take any type', () => {
    checkNodes(
      `function local.Twice(a) -> b
         b = Add(a, a)
       end
       input x: float[4]
       p = local.Twice(x)
       q = local.Twice(p)
       output q: float[4]`,
      { 'p > body > b': 'fp16' },
      `x_fp16:float16 = Cast(x)
       p:float16 = Twice(x_fp16)
       p_fp32:float = Cast(p)
       q:float = Twice(p_fp32)`,
    );
  });

  it('are cast into and out of where they are called', () => {
    checkNodes(
      `input x: float[3,4]
       init h: float[4] = 0.1
       l, r = Scan(h, x) {"num_scan_inputs": 1, "body": {"graph": "input s: float[4];input e: float[4];o = Mul(e, e);s2 = Neg(s);output s2: float[4];output o: float[4]"}}
       output l: float[4]
       output r: float[3,4]`,
      { 'l > body > o': 'fp16' },
      `x_fp16:float16 = Cast(x)
       l:float, r_fp16:float16 = Scan(h, x_fp16)
         o:float16 = Mul(e, e)
         s2:float = Neg(s)
       r:float = Cast(r_fp16)`,
    );
  });
});
