// What only moves values has no format of its own: it takes the type that needs fewest casts and rounds nothing.
import { describe, it } from 'vitest';
import { checkNodes } from './check-nodes.js';

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

  it("of ONNX Runtime's own operators takes the type that needs fewest casts", () => {
    checkNodes(
      `input x: float[2,2]
       init axis: int32[] = 0
       init k: int64[] = 0
       e = Exp(x)
       t = com.microsoft.Trilu(e, k)
       u = com.microsoft.ExpandDims(t, axis)
       y = Neg(u)
       output y: float[1,2,2]`,
      { e: 'fp16', y: 'fp16' },
      `x_fp16:float16 = Cast(x)
       e:float16 = Exp(x_fp16)
       t:float16 = Trilu(e, k)
       u:float16 = ExpandDims(t, axis)
       y_fp16:float16 = Neg(u)
       y:float = Cast(y_fp16)`,
    );
  });
});
