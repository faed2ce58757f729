// Which casts a plan takes in one graph, as the converter writes them: every test shows the nodes of the result.
import { describe, expect, it } from 'vitest';
import { checkNodes } from './check-nodes.js';
import { modelOf } from './graph-text.js';
import { checkConversion } from './plans.js';

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
