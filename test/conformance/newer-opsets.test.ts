/**
 * Operators as opsets 18 to 26 have them, which the standard's tests in Debian do not reach: each model converted under
 * several plans, held against all that must be true of a conversion, and loaded and run beside the original.
 */
import { checkUnderPlans, type GeneratedModel } from './generated-models.js';

const models: readonly GeneratedModel[] = [
  {
    opset: 18,
    name: 'axes of a reduction as an input',
    dims: [2, 3, 4],
    text: `init axes: int64[1] = 2
      e = Exp(x)
      m = ReduceMean(e, axes) {"keepdims": 1}
      s = ReduceL2(e, axes) {"keepdims": 1}
      d = Sub(e, m)
      y = Div(d, s)
      output y: float[2,3,4]`,
  },
  {
    opset: 18,
    name: 'Split by a number of parts',
    dims: [2, 6],
    text: `e = Exp(x)
      a, b, c = Split(e) {"axis": 1, "num_outputs": 3}
      d = Neg(b)
      y = Concat(a, d, c) {"axis": 1}
      output y: float[2,6]`,
  },
  {
    opset: 18,
    name: 'Pad along some axes, and Resize with antialiasing',
    dims: [1, 2, 6, 6],
    text: `init pads: int64[4] = 1 1 1 1
      init axes: int64[2] = 2 3
      init value: float[] = 0.25
      init sizes: int64[2] = 4 4
      e = Exp(x)
      p = Pad(e, pads, value, axes)
      r = Resize(p, , , sizes) {"mode": "linear", "antialias": 1, "axes": [2, 3]}
      y = Neg(r)
      output y: float[1,2,4,4]`,
  },
  {
    opset: 18,
    name: 'CenterCropPad, Mish and LpPool',
    dims: [1, 2, 6, 6],
    text: `init shape: int64[2] = 4 4
      e = Mish(x)
      c = CenterCropPad(e, shape) {"axes": [2, 3]}
      y = LpPool(c) {"kernel_shape": [2, 2], "p": 2}
      output y: float[1,2,3,3]`,
  },
  {
    opset: 18,
    name: 'Col2Im',
    dims: [1, 5, 5],
    text: `init image: int64[2] = 5 5
      init block: int64[2] = 1 5
      e = Exp(x)
      i = Col2Im(e, image, block)
      y = Neg(i)
      output y: float[1,1,5,5]`,
  },
  {
    opset: 18,
    name: 'OptionalHasElement of a tensor',
    dims: [2, 3],
    text: `e = Exp(x)
      h = OptionalHasElement(e)
      z = Neg(e)
      y = Where(h, e, z)
      output y: float[2,3]`,
  },
  {
    opset: 19,
    name: 'AveragePool with dilations, Equal and Shape of a part',
    dims: [1, 2, 6, 6],
    text: `e = Exp(x)
      p = AveragePool(e) {"kernel_shape": [2, 2], "dilations": [2, 2]}
      q = Neg(p)
      s = Shape(q) {"start": 2}
      z = ConstantOfShape(s)
      b = Equal(q, p)
      y = Where(b, z, q)
      output y: float[1,2,4,4]`,
  },
  {
    opset: 19,
    name: 'DeformConv',
    dims: [1, 1, 3, 3],
    text: `init w: float[1,1,2,2] = 0.5 -0.25
      init offset: float[1,8,2,2] = 0.1 0
      e = Exp(x)
      d = DeformConv(e, w, offset) {"kernel_shape": [2, 2]}
      y = Neg(d)
      output y: float[1,1,2,2]`,
  },
  {
    opset: 19,
    name: 'quantization whose scale may be FP16',
    dims: [2, 4],
    text: `init scale: float[] = 0.0078125
      e = Sigmoid(x)
      q = QuantizeLinear(e, scale)
      d = DequantizeLinear(q, scale)
      y = Neg(d)
      output y: float[2,4]`,
  },
  {
    opset: 20,
    name: 'Gelu, and AffineGrid before GridSample',
    dims: [1, 2, 4, 4],
    text: `init theta: float[1,2,3] = 1 0.1 0 -0.1 1 0
      init size: int64[4] = 1 2 4 4
      g = Gelu(x) {"approximate": "tanh"}
      grid = AffineGrid(theta, size)
      s = GridSample(g, grid) {"mode": "linear"}
      y = Neg(s)
      output y: float[1,2,4,4]`,
  },
  {
    opset: 20,
    name: 'DFT along an axis that is an input',
    dims: [1, 8, 1],
    text: `init axis: int64[] = 1
      e = Exp(x)
      f = DFT(e, , axis)
      y = Neg(f)
      output y: float[1,8,2]`,
  },
  {
    opset: 20,
    name: 'IsNaN and IsInf of what may be FP16',
    dims: [2, 4],
    text: `e = Exp(x)
      n = IsNaN(e)
      i = IsInf(e)
      b = Or(n, i)
      z = Neg(e)
      y = Where(b, e, z)
      output y: float[2,4]`,
  },
  {
    opset: 21,
    name: 'GroupNormalization with a scale for each channel',
    dims: [1, 4, 3, 3],
    text: `init scale: float[4] = 1 0.5 2 1.5
      init bias: float[4] = 0 0.1
      e = Exp(x)
      g = GroupNormalization(e, scale, bias) {"num_groups": 2}
      y = Neg(g)
      output y: float[1,4,3,3]`,
  },
  {
    opset: 21,
    name: 'movement as opset 21 has it',
    dims: [2, 3, 4],
    text: `init axes: int64[1] = 0
      init shape: int64[2] = 6 4
      e = Exp(x)
      u = Unsqueeze(e, axes)
      s = Squeeze(u, axes)
      t = Transpose(s) {"perm": [1, 0, 2]}
      i = Identity(t)
      r = Reshape(i, shape)
      f = Flatten(r) {"axis": 1}
      y = Neg(f)
      output y: float[6,4]`,
  },
  {
    opset: 22,
    name: 'convolutions, poolings and functions that opset 22 gives BF16',
    dims: [1, 2, 6, 6],
    text: `init w: float[3,2,3,3] = 0.1 -0.2 0.3
      init v: float[3,2,2,2] = 0.2 0.1 -0.1
      init s: float[2] = 1 2
      init b: float[2] = 0 0.5
      c = Conv(x, w)
      h = HardSwish(c)
      p = MaxPool(h) {"kernel_shape": [2, 2]}
      t = ConvTranspose(p, v)
      n = InstanceNormalization(t, s, b)
      r = Round(n)
      d = Sub(n, r)
      q = Softplus(d)
      y = Sin(q)
      output y: float[1,2,4,4]`,
  },
  {
    opset: 22,
    name: 'GRU and LSTM',
    dims: [3, 1, 2],
    text: `init w: float[1,6,2] = 0.1 -0.2
      init r: float[1,6,2] = 0.2 0.1
      init v: float[1,8,2] = 0.1 0.3
      init q: float[1,8,2] = -0.1 0.2
      init shape: int64[3] = 3 1 2
      g, h = GRU(x, w, r) {"hidden_size": 2}
      z = Reshape(g, shape)
      l, c, k = LSTM(z, v, q) {"hidden_size": 2}
      y = Neg(l)
      output y: float[3,1,1,2]
      output k: float[1,1,2]`,
  },
  {
    opset: 22,
    name: 'Dropout, whose second output is not read',
    dims: [2, 3],
    text: `init w: float[3,3] = 0.5
      init ratio: float[] = 0.25
      e = Exp(x)
      d, mask = Dropout(e, ratio)
      y = MatMul(d, w)
      output y: float[2,3]`,
  },
  {
    opset: 23,
    name: 'operators that have not changed since',
    dims: [2, 3, 4],
    text: `init w: float[4,4] = 0.1 -0.2 0.3
      init shape: int64[2] = 6 4
      m = MatMul(x, w)
      s = Softmax(m)
      r = Reshape(s, shape)
      y = Exp(r)
      output y: float[6,4]`,
  },
  {
    opset: 23,
    name: 'RMSNormalization',
    dims: [2, 3, 4],
    text: `init scale: float[4] = 1 2 0.5
      e = Exp(x)
      n = RMSNormalization(e, scale)
      y = Neg(n)
      output y: float[2,3,4]`,
  },
  {
    opset: 24,
    name: 'Swish',
    dims: [2, 4],
    text: `e = Exp(x)
      s = Swish(e)
      y = Neg(s)
      output y: float[2,4]`,
  },
  {
    opset: 23,
    name: 'Attention with a mask that is added, and its caches',
    dims: [1, 2, 3, 4],
    text: `init mask: float[3,3] = 0 -3.4028234663852886e38 -3.4028234663852886e38 0 0 -3.4028234663852886e38 0 0 0
      k = Sigmoid(x)
      v = Tanh(x)
      a, pk, pv = Attention(x, k, v, mask)
      y = Neg(a)
      z = Exp(pv)
      output y: float[1,2,3,4]
      output z: float[1,2,3,4]`,
  },
  {
    opset: 23,
    name: 'Attention with a mask of booleans',
    dims: [1, 3, 8],
    text: `init mask: bool[3,3] = 1 0 0 1 1 0 1 1 1
      k = Sigmoid(x)
      v = Tanh(x)
      a = Attention(x, k, v, mask) {"q_num_heads": 2, "kv_num_heads": 2}
      y = Neg(a)
      output y: float[1,3,8]`,
  },
  {
    opset: 23,
    name: 'RotaryEmbedding',
    dims: [1, 2, 3, 4],
    text: `init cos: float[1,3,2] = 0.5 0.25
      init sin: float[1,3,2] = 0.5 0.75
      e = Exp(x)
      r = RotaryEmbedding(e, cos, sin)
      y = Neg(r)
      output y: float[1,2,3,4]`,
  },
  {
    opset: 23,
    name: 'a model that rounds to FP8 itself',
    dims: [2, 4],
    text: `e = Exp(x)
      q = Cast(e) {"to": 17}
      d = Cast(q) {"to": 1}
      y = Neg(d)
      output y: float[2,4]`,
  },
  {
    opset: 24,
    name: 'TensorScatter, and TopK of what may be BF16',
    dims: [1, 1, 2, 4],
    text: `init cache: float[1,1,4,4] = 0.5 0.25
      init k: int64[1] = 2
      e = Exp(x)
      t = TensorScatter(cache, e)
      top, at = TopK(t, k)
      y = Neg(top)
      output y: float[1,1,4,2]`,
  },
  {
    opset: 25,
    name: 'movement as opset 25 has it',
    dims: [2, 3, 4],
    text: `init axes: int64[1] = 0
      init pads: int64[6] = 0 0 1 0 0 1
      e = Exp(x)
      u = Unsqueeze(e, axes)
      s = Squeeze(u, axes)
      t = Transpose(s) {"perm": [1, 0, 2]}
      p = Pad(t, pads)
      f = Flatten(p) {"axis": 1}
      y = Neg(f)
      output y: float[3,12]`,
  },
  {
    opset: 26,
    name: 'CumProd, and BitCast, which no other type leaves the same',
    dims: [2, 4],
    text: `init axis: int64[] = 1
      e = Exp(x)
      p = CumProd(e, axis)
      i = BitCast(p) {"to": 6}
      b = BitCast(i) {"to": 1}
      y = Neg(b)
      output y: float[2,4]`,
  },
];

checkUnderPlans(models);
