/**
 * Operators that ONNX Runtime adds to the standard's and that exported and optimised models hold: each model converted under
 * several plans, held against all that must be true of a conversion, and loaded and run beside the original.
 */
import { checkUnderPlans, type GeneratedModel } from './generated-models.js';

const models: readonly GeneratedModel[] = [
  {
    opset: 17,
    name: 'the family of Gelu',
    dims: [2, 4],
    text: `init b: float[4] = 0.1 -0.2
      a = com.microsoft.FastGelu(x, b)
      c = com.microsoft.BiasGelu(a, b)
      d = com.microsoft.QuickGelu(c)
      y = com.microsoft.Gelu(d)
      output y: float[2,4]`,
  },
  {
    opset: 17,
    name: 'normalizations of sums',
    dims: [1, 3, 8],
    text: `init g: float[8] = 1 0.5
      init b: float[8] = 0.1 -0.2
      e = Exp(x)
      s, , , sum = com.microsoft.SkipLayerNormalization(e, x, g, b, b)
      r = com.microsoft.SkipSimplifiedLayerNormalization(s, sum, g)
      y = SimplifiedLayerNormalization(r, g) {"axis": -1}
      output y: float[1,3,8]`,
  },
  {
    opset: 17,
    name: 'attention with packed weights',
    dims: [1, 3, 8],
    text: `init w: float[8,24] = 0.1 -0.2 0.3
      init b: float[24] = 0.1
      e = Exp(x)
      a = com.microsoft.Attention(e, w, b) {"num_heads": 2}
      y = Neg(a)
      output y: float[1,3,8]`,
  },
  {
    opset: 17,
    name: 'attention of several heads, with a bias that is a mask',
    dims: [1, 3, 8],
    text: `init mask: float[1,1,3,3] = 0 -1e9 -1e9 0 0 -1e9 0 0 0
      k = Sigmoid(x)
      v = Tanh(x)
      a = com.microsoft.MultiHeadAttention(x, k, v, , , mask) {"num_heads": 2}
      y = Neg(a)
      output y: float[1,3,8]`,
  },
  {
    opset: 17,
    name: 'attention of groups, whose cache begins empty',
    dims: [1, 3, 32],
    text: `init w: float[32,16] = 0.1 -0.2 0.3
      init lengths: int32[1] = 2
      init total: int32[] = 3
      k = MatMul(x, w)
      v = Tanh(k)
      a, pk, pv = com.microsoft.GroupQueryAttention(x, k, v, , , lengths, total) {"num_heads": 2, "kv_num_heads": 1}
      y = Neg(a)
      z = Exp(pk)
      output y: float[1,3,32]
      output z: float[1,1,3,16]`,
  },
  {
    opset: 17,
    name: 'rotary positions',
    dims: [1, 3, 8],
    text: `init at: int64[1,3] = 0 1 2
      init cos: float[4,4] = 0.5 0.25
      init sin: float[4,4] = 0.5 0.75
      e = Exp(x)
      r = com.microsoft.RotaryEmbedding(e, at, cos, sin) {"num_heads": 1}
      y = Neg(r)
      output y: float[1,3,8]`,
  },
  {
    opset: 17,
    name: 'embeddings that are normalized',
    dims: [4, 8],
    text: `init ids: int32[1,3] = 0 2 1
      init places: float[3,8] = 0.1 -0.1 0.2
      init g: float[8] = 1 0.5
      init b: float[8] = 0.1
      words = Tanh(x)
      e, mask = com.microsoft.EmbedLayerNormalization(ids, , words, places, , g, b)
      y = Neg(e)
      output y: float[1,3,8]`,
  },
  {
    opset: 17,
    name: 'products that hold what stood around them',
    dims: [1, 2, 4, 4],
    text: `init w: float[3,2,3,3] = 0.1 -0.2 0.3
      init m: float[5,4] = 0.1 -0.2
      init g: float[5,5] = 0.2 0.1
      init shape: int64[2] = -1 5
      c = com.microsoft.FusedConv(x, w) {"activation": "Relu", "pads": [1, 1, 1, 1]}
      d = com.microsoft.FusedMatMul(c, m) {"transB": 1, "alpha": {"float": 0.5}}
      r = Reshape(d, shape)
      f = com.microsoft.FusedGemm(r, g) {"activation": "Relu"}
      y = Neg(f)
      output y: float[12,5]`,
  },
  {
    opset: 17,
    name: 'weights of four bits',
    dims: [2, 16],
    text: `init w: uint8[4,1,8] = 18 52 86 120 154 188
      init scales: float[4] = 0.01 0.02
      e = Tanh(x)
      m = com.microsoft.MatMulNBits(e, w, scales) {"K": 16, "N": 4, "bits": 4, "block_size": 16}
      y = Neg(m)
      output y: float[2,4]`,
  },
  {
    opset: 17,
    name: 'quantization by operators of the runtime',
    dims: [2, 4],
    text: `init scale: float[] = 0.0078125
      init zero: uint8[] = 128
      init w: uint8[4,4] = 120 130 140 150 126
      init ws: float[1] = 0.01
      init wz: uint8[1] = 128
      e = Tanh(x)
      q = com.microsoft.QuantizeLinear(e, scale, zero)
      d = com.microsoft.DequantizeLinear(q, scale, zero)
      m = com.microsoft.DynamicQuantizeMatMul(d, w, ws, wz)
      y = Neg(m)
      output y: float[2,4]`,
  },
  {
    opset: 17,
    name: 'additions and products of quantized tensors',
    dims: [2, 4],
    text: `init scale: float[] = 0.0078125
      init zero: uint8[] = 128
      e = Tanh(x)
      q = QuantizeLinear(e, scale, zero)
      s = com.microsoft.QLinearAdd(q, scale, zero, q, scale, zero, scale, zero)
      p = com.microsoft.QLinearSigmoid(s, scale, zero, scale, zero)
      d = DequantizeLinear(p, scale, zero)
      y = Neg(d)
      output y: float[2,4]`,
  },
  {
    opset: 17,
    name: 'what moves values',
    dims: [1, 4, 4],
    text: `init axis: int32[] = 0
      init pads: int64[6] = 0 0 1 0 0 1
      init at: int64[1,1] = 0
      init k: int64[] = 0
      e = Exp(x)
      t = com.microsoft.Trilu(e, k)
      p = com.microsoft.Pad(t, pads)
      g = com.microsoft.GatherND(p, at)
      u = com.microsoft.ExpandDims(g, axis)
      y = Neg(u)
      output y: float[1,1,4,6]`,
  },
  {
    opset: 17,
    name: 'pictures, inverses and distances',
    dims: [1, 1, 4, 4],
    text: `init roi: float[1,4] = 0 0 1 1
      init batch: int32[1] = 0
      init size: int32[2] = 4 4
      init eye: float[4,4] = 3 0 0 0 0
      init grid: float[1,4,4,2] = 0.5 -0.5 0.25
      init shape: int64[2] = 4 4
      e = Exp(x)
      c = com.microsoft.CropAndResize(e, roi, batch, size)
      s = com.microsoft.GridSample(c, grid)
      r = Reshape(s, shape)
      a = Add(r, eye)
      i = com.microsoft.Inverse(a)
      d = com.microsoft.CDist(i, eye) {"metric": "euclidean"}
      y = Neg(d)
      output y: float[4,4]`,
  },
];

checkUnderPlans(models);
