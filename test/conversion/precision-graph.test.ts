// What a plan makes of a graph: types, casts and constants, as the converted model shows them.
import { describe, expect, it } from 'vitest';
import { lines, listing, modelOf, type ModelText } from './graph-text.js';
import { checkConversion, type Overflow, type Wish } from './plans.js';

/** Converts the text and compares the nodes of the result, with the types of what they write. */
function checkNodes(
  text: string,
  wish: Wish,
  expected: string,
  options: ModelText & { overflow?: Overflow } = {},
): void {
  const { model } = checkConversion(modelOf(text, options), wish, options.overflow);
  expect(listing(model)).toEqual(lines(expected));
}

describe('casts', () => {
  it('stand once per tensor and type, however many read them', () => {
    checkNodes(
      `input x: float[2,4]
       y = Exp(x)
       a = Neg(y)
       b = Abs(y)
       c = Mul(y, y)
       d = Sum(a, b, c)
       output d: float[2,4]`,
      { y: 'fp16', '*': 'fp32' },
      `x_fp16:float16 = Cast(x)
       y:float16 = Exp(x_fp16)
       y_fp32:float = Cast(y)
       a:float = Neg(y_fp32)
       b:float = Abs(y_fp32)
       c:float = Mul(y_fp32, y_fp32)
       d:float = Sum(a, b, c)`,
    );
  });

  it('stand nowhere between layers of one format', () => {
    checkNodes(
      `input x: float[4]
       y = Exp(x)
       z = Neg(y)
       output z: float[4]`,
      { '*': 'fp16' },
      `x_fp16:float16 = Cast(x)
       y:float16 = Exp(x_fp16)
       z_fp16:float16 = Neg(y)
       z:float = Cast(z_fp16)`,
    );
  });

  it('take new names where theirs are taken', () => {
    checkNodes(
      `input x: float[4]
       x_fp16 = Abs(x)
       "Cast_x_to_fp16": y = Exp(x)
       z = Add(y, x_fp16)
       output z: float[4]`,
      { Cast_x_to_fp16: 'fp16' },
      `x_fp16:float = Abs(x)
       x_fp16_2:float16 = Cast(x)
       y:float16 = Exp(x_fp16_2)
       y_fp32:float = Cast(y)
       z:float = Add(y_fp32, x_fp16)`,
    );
  });

  it('give each of two low formats its own', () => {
    checkNodes(
      `input x: float[4]
       y = Abs(x)
       a = Exp(y)
       b = Sqrt(y)
       c = Neg(a)
       output b: float[4]
       output c: float[4]`,
      { a: 'fp16', b: 'bf16', c: 'bf16' },
      `y:float = Abs(x)
       y_fp16:float16 = Cast(y)
       y_bf16:bfloat16 = Cast(y)
       a:float16 = Exp(y_fp16)
       a_bf16:bfloat16 = Cast(a)
       b_bf16:bfloat16 = Sqrt(y_bf16)
       b:float = Cast(b_bf16)
       c_bf16:bfloat16 = Neg(a_bf16)
       c:float = Cast(c_bf16)`,
    );
  });
});

describe('inputs and outputs', () => {
  it('keep name and type when an output is also read inside', () => {
    checkNodes(
      `input x: float[4]
       y = Exp(x)
       z = Neg(y)
       w = Abs(y)
       output y: float[4]
       output z: float[4]
       output w: float[4]`,
      { y: 'fp16', z: 'fp16' },
      `x_fp16:float16 = Cast(x)
       y_fp16:float16 = Exp(x_fp16)
       y:float = Cast(y_fp16)
       z_fp16:float16 = Neg(y_fp16)
       z:float = Cast(z_fp16)
       w:float = Abs(y)`,
    );
  });

  it('are left alone when an input is an output', () => {
    checkNodes(
      `input x: float[4]
       y = Exp(x)
       output x: float[4]
       output y: float[4]`,
      { y: 'fp16' },
      `x_fp16:float16 = Cast(x)
       y_fp16:float16 = Exp(x_fp16)
       y:float = Cast(y_fp16)`,
    );
  });

  it('may name the same tensor twice', () => {
    checkNodes(
      `input x: float[4]
       y = Exp(x)
       output y: float[4]
       output y: float[4]`,
      { y: 'fp16' },
      `x_fp16:float16 = Cast(x)
       y_fp16:float16 = Exp(x_fp16)
       y:float = Cast(y_fp16)`,
    );
  });

  it('may be initializers that a caller can feed, which are cast and not copied', () => {
    const text = `input x: float[4]
       input w: float[4]
       init w: float[4] = 3
       y = Mul(x, w)
       output y: float[4]`;
    const expected = `x_fp16:float16 = Cast(x)
       w_fp16:float16 = Cast(w)
       y_fp16:float16 = Mul(x_fp16, w_fp16)
       y:float = Cast(y_fp16)`;
    checkNodes(text, { y: 'fp16' }, expected, { irVersion: 3 });
    checkNodes(text, { y: 'fp16' }, expected, { irVersion: 8 });
  });

  it('may be a constant', () => {
    const { model } = checkConversion(
      modelOf(
        `input x: float[4]
         init w: float[4] = 3
         y = Mul(x, w)
         output y: float[4]
         output w: float[4]`,
      ),
      { y: 'fp16' },
    );
    expect(model.graph.initializers.map(({ name, dataType }) => [name, dataType])).toEqual([
      ['w', 1],
      ['w_fp16', 10],
    ]);
  });
});

describe('types of their own', () => {
  it('let the exponent of Pow and the scales of Resize stay FP32', () => {
    checkNodes(
      `input x: float[1,1,2,2]
       init e: float[] = 2.5
       init s: float[4] = 1 1 2 2
       y = Pow(x, e)
       z = Resize(y, , s)
       output z: float[1,1,4,4]`,
      { '*': 'fp16' },
      `x_fp16:float16 = Cast(x)
       y:float16 = Pow(x_fp16, e)
       z_fp16:float16 = Resize(y, , s)
       z:float = Cast(z_fp16)`,
    );
  });

  it('let scale, mean and variance of BatchNormalization stay FP32 from opset 15', () => {
    const text = `input x: float[1,2,3]
       init s: float[2] = 1
       init v: float[2] = 98000000
       y = BatchNormalization(x, s, s, s, v)
       output y: float[1,2,3]`;
    const expected = `x_fp16:float16 = Cast(x)
       y_fp16:float16 = BatchNormalization(x_fp16, s, s, s, v)
       y:float = Cast(y_fp16)`;
    checkNodes(text, { y: 'fp16' }, expected, { opset: 15 });
    checkNodes(text, { y: 'fp16' }, expected, { opset: 9, overflow: 'inf' });
  });

  it('keep comparisons, arg-max and integers as they are', () => {
    checkNodes(
      `input x: float[2,4]
       y = Exp(x)
       i = ArgMax(y) {"axis": 1}
       f = Cast(i) {"to": 1}
       output f: float[2,1]`,
      { y: 'fp16' },
      `x_fp16:float16 = Cast(x)
       y:float16 = Exp(x_fp16)
       y_fp32:float = Cast(y)
       i:int64 = ArgMax(y_fp32)
       f:float = Cast(i)`,
    );
  });

  it('need no cast before Shape', () => {
    checkNodes(
      `input x: float[2,4]
       y = Exp(x)
       s = Shape(y)
       z = Reshape(y, s)
       output z: float[2,4]`,
      { y: 'fp16' },
      `x_fp16:float16 = Cast(x)
       y:float16 = Exp(x_fp16)
       s:int64 = Shape(y)
       z_fp16:float16 = Reshape(y, s)
       z:float = Cast(z_fp16)`,
    );
  });
});

describe('movement', () => {
  it('follows its producer where it makes no difference', () => {
    checkNodes(
      `input x: float[2,4]
       t = Transpose(x)
       y = Exp(t)
       u = Transpose(y)
       output u: float[2,4]`,
      { y: 'fp16' },
      `t:float = Transpose(x)
       t_fp16:float16 = Cast(t)
       y:float16 = Exp(t_fp16)
       u_fp16:float16 = Transpose(y)
       u:float = Cast(u_fp16)`,
    );
  });

  it('takes the type that needs fewest casts', () => {
    checkNodes(
      `input x: float[2,4]
       a, b = Split(x) {"axis": 1}
       p = Exp(a)
       q = Neg(b)
       r = Concat(p, q) {"axis": 1}
       s = Abs(r)
       output s: float[2,4]`,
      { '*': 'fp16' },
      `x_fp16:float16 = Cast(x)
       a:float16, b:float16 = Split(x_fp16)
       p:float16 = Exp(a)
       q:float16 = Neg(b)
       r:float16 = Concat(p, q)
       s_fp16:float16 = Abs(r)
       s:float = Cast(s_fp16)`,
    );
  });

  it('rounds nothing between two ends in FP32, though that would need fewer casts', () => {
    checkNodes(
      `input x: float[3,4]
       a, b, c = Split(x) {"axis": 0}
       p = Exp(a)
       q = Neg(b)
       r = Abs(c)
       output p: float[1,4]
       output q: float[1,4]
       output r: float[1,4]`,
      { p: 'fp16', q: 'fp16' },
      `a:float, b:float, c:float = Split(x)
       a_fp16:float16 = Cast(a)
       b_fp16:float16 = Cast(b)
       p_fp16:float16 = Exp(a_fp16)
       p:float = Cast(p_fp16)
       q_fp16:float16 = Neg(b_fp16)
       q:float = Cast(q_fp16)
       r:float = Abs(c)`,
    );
  });

  it('carries weights: Constant, Reshape and MatMul in one type', () => {
    checkNodes(
      `input x: float[2,4]
       c = Constant() {"value": {"tensor": "float[8] = 0.1"}}
       s = Constant() {"value": {"tensor": "int64[2] = 4 2"}}
       w = Reshape(c, s)
       y = MatMul(x, w)
       output y: float[2,2]`,
      { y: 'fp16' },
      `c:float16 = Constant()
       s:int64 = Constant()
       w:float16 = Reshape(c, s)
       x_fp16:float16 = Cast(x)
       y_fp16:float16 = MatMul(x_fp16, w)
       y:float = Cast(y_fp16)`,
    );
  });

  it('keeps weights exact for the reader that wants them exact', () => {
    checkNodes(
      `input x: float[2,4]
       c = Constant() {"value": {"tensor": "float[4,2] = 0.1"}}
       w = Transpose(c)
       y = Gemm(x, w) {"transB": 1}
       z = Gemm(x, w) {"transB": 1}
       output y: float[2,2]
       output z: float[2,2]`,
      { y: 'fp16' },
      `c:float = Constant()
       w:float = Transpose(c)
       w_fp16:float16 = Cast(w)
       x_fp16:float16 = Cast(x)
       y_fp16:float16 = Gemm(x_fp16, w_fp16)
       y:float = Cast(y_fp16)
       z:float = Gemm(x, w)`,
    );
  });

  it('pads with a constant that every type holds', () => {
    checkNodes(
      `input x: float[1,4]
       init p: int64[4] = 0 0 0 1
       init zero: float[] = 0
       y = Exp(x)
       q = Pad(y, p, zero)
       z = Neg(q)
       w = Abs(q)
       output z: float[1,5]
       output w: float[1,5]`,
      { y: 'fp16', z: 'fp16' },
      `x_fp16:float16 = Cast(x)
       y:float16 = Exp(x_fp16)
       q:float16 = Pad(y, p, zero)
       q_fp32:float = Cast(q)
       z_fp16:float16 = Neg(q)
       z:float = Cast(z_fp16)
       w:float = Abs(q_fp32)`,
    );
  });

  it('goes through FP32 between FP16 and BF16 readers of an FP32 value', () => {
    checkNodes(
      `input x: float[2,4]
       i = Identity(x)
       a = Exp(i)
       b = Sqrt(i)
       output a: float[2,4]
       output b: float[2,4]`,
      { a: 'fp16', b: 'bf16' },
      `i:float = Identity(x)
       i_fp16:float16 = Cast(i)
       i_bf16:bfloat16 = Cast(i)
       a_fp16:float16 = Exp(i_fp16)
       a:float = Cast(a_fp16)
       b_bf16:bfloat16 = Sqrt(i_bf16)
       b:float = Cast(b_bf16)`,
    );
  });
});

describe('attributes that hold a type', () => {
  it('follow: ConstantOfShape with and without a value', () => {
    checkNodes(
      `input x: float[2,2]
       s = Shape(x)
       o = ConstantOfShape(s)
       p = ConstantOfShape(s) {"value": {"tensor": "float[1] = 1"}}
       y = Sum(x, o, p)
       output y: float[2,2]`,
      { y: 'fp16' },
      `s:int64 = Shape(x)
       o:float16 = ConstantOfShape(s)
       p:float16 = ConstantOfShape(s)
       x_fp16:float16 = Cast(x)
       y_fp16:float16 = Sum(x_fp16, o, p)
       y:float = Cast(y_fp16)`,
    );
  });

  it('follow: Cast from integers, RandomNormal and EyeLike', () => {
    checkNodes(
      `input i: int64[2,2]
       f = Cast(i) {"to": 1}
       r = RandomNormal() {"shape": [2, 2]}
       e = EyeLike(i) {"dtype": 1}
       y = Sum(f, r, e)
       output y: float[2,2]`,
      { '*': 'fp16' },
      `f:float16 = Cast(i)
       r:float16 = RandomNormal()
       e:float16 = EyeLike(i)
       y_fp16:float16 = Sum(f, r, e)
       y:float = Cast(y_fp16)`,
    );
  });
});

describe('constants', () => {
  it('are stored once in each type that they are read in', () => {
    const { model } = checkConversion(
      modelOf(
        `input x: float[4]
         init w: float[4] = 0.1 0.2
         a = Mul(x, w)
         b = Mul(a, w)
         c = Mul(b, w)
         d = Mul(c, w)
         output d: float[4]`,
      ),
      { a: 'fp16', b: 'bf16', c: 'fp16' },
    );
    expect(model.graph.initializers.map(({ name, dataType }) => [name, dataType])).toEqual([
      ['w', 1],
      ['w_fp16', 10],
      ['w_bf16', 16],
    ]);
  });

  it('may be Constant nodes of every kind', () => {
    checkNodes(
      `input x: float[2]
       a = Constant() {"value_float": {"float": 2}}
       b = Constant() {"value_floats": {"float": [0.1, 0.2]}}
       y = Mul(x, a)
       z = Add(y, b)
       w = Add(z, b)
       output w: float[2]`,
      { y: 'fp16', z: 'fp16' },
      `a:float16 = Constant()
       b:float = Constant()
       b_fp16:float16 = Constant()
       x_fp16:float16 = Cast(x)
       y:float16 = Mul(x_fp16, a)
       z:float16 = Add(y, b_fp16)
       z_fp32:float = Cast(z)
       w:float = Add(z_fp32, b)`,
    );
  });
});

describe('models that are mixed already', () => {
  it('keep what the plan does not mention', () => {
    checkNodes(
      `input x: float[4]
       h = Cast(x) {"to": 10}
       y = Exp(h)
       d = Cast(y) {"to": 11}
       e = Neg(d)
       f = Cast(e) {"to": 1}
       z = Abs(f)
       output z: float[4]`,
      { z: 'fp16' },
      `h:float16 = Cast(x)
       y:float16 = Exp(h)
       d:double = Cast(y)
       e:double = Neg(d)
       f:float = Cast(e)
       f_fp16:float16 = Cast(f)
       z_fp16:float16 = Abs(f_fp16)
       z:float = Cast(z_fp16)`,
    );
  });

  it('go up to FP32 where the plan says so', () => {
    checkNodes(
      `input x: float16[4]
       init w: float16[4] = 15360
       y = Mul(x, w)
       z = Exp(y)
       output z: float16[4]`,
      { z: 'fp32' },
      `y:float16 = Mul(x, w)
       y_fp32:float = Cast(y)
       z_fp32:float = Exp(y_fp32)
       z:float16 = Cast(z_fp32)`,
    );
  });

  it('take over a cast to FP32 that stands before an FP16 layer', () => {
    checkNodes(
      `input x: float[4]
       h = Cast(x) {"to": 10}
       y = Exp(h)
       f = Cast(y) {"to": 1}
       z = Abs(f)
       output z: float[4]`,
      { z: 'fp16' },
      `h:float16 = Cast(x)
       y:float16 = Exp(h)
       f:float16 = Identity(y)
       z_fp16:float16 = Abs(f)
       z:float = Cast(z_fp16)`,
    );
  });
});

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
