import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Node, Shape } from './model.js';
import { multiplyAdds } from './multiply-adds.js';
import { openModel } from './read-model.js';
import { inferShapes } from './shape-inference/infer-shapes.js';
import { node } from './testing/text-models.js';

function checkMultiplyAdds(
  subject: Node,
  shapes: Readonly<Record<string, Shape>>,
  expected: number | undefined,
): void {
  expect(multiplyAdds(subject, new Map(Object.entries(shapes)))).toBe(expected);
}

describe('multiply-adds', () => {
  it('of a convolution: each output element takes a window of its group', () => {
    checkMultiplyAdds(
      node('y = Conv(x, w)'),
      { x: [1, 3, 8, 8], w: [16, 3, 3, 3], y: [1, 16, 6, 6] },
      16 * 36 * 27,
    );
    checkMultiplyAdds(
      node('y = Conv(x, w)', { group: 4 }),
      { x: [2, 4, 8, 8], w: [4, 1, 3, 3], y: [2, 4, 6, 6] },
      2 * 4 * 36 * 9,
    );
  });

  it('of attention: queries with keys, and what that weighs with values', () => {
    const [query, key] = [
      [1, 4, 3, 8],
      [1, 2, 5, 8],
    ];
    checkMultiplyAdds(
      node('y = Attention(q, k, v)'),
      { q: query, k: key, v: [1, 2, 5, 6] },
      4 * 3 * 5 * (8 + 6),
    );
    checkMultiplyAdds(
      node('y = Attention(q, k, v, , pk, pv)'),
      { q: query, k: key, v: key, pk: [1, 2, 7, 8], pv: [1, 2, 7, 8] },
      4 * 3 * 12 * 16,
    );
    checkMultiplyAdds(
      node('y = com.microsoft.GroupQueryAttention(q, k, v)', { num_heads: 4, kv_num_heads: 2 }),
      { q: [1, 3, 32], k: [1, 5, 16], v: [1, 5, 16] },
      4 * 3 * 5 * 16,
    );
    checkMultiplyAdds(
      node('y = com.microsoft.MultiHeadAttention(q)', { num_heads: 2 }),
      { q: [1, 3, 2, 3, 8] },
      undefined,
    );
  });

  it('of a transposed convolution: each input element adds to a window', () => {
    checkMultiplyAdds(
      node('y = ConvTranspose(x, w)'),
      { x: [1, 8, 4, 4], w: [8, 5, 2, 2], y: [1, 5, 5, 5] },
      8 * 16 * 5 * 4,
    );
  });

  it('of matrix products, transposed and batched', () => {
    checkMultiplyAdds(
      node('y = Gemm(a, b, c)', { transA: 1, transB: 1 }),
      { a: [5, 2], b: [7, 5] },
      2 * 5 * 7,
    );
    checkMultiplyAdds(node('y = MatMul(a, b)'), { a: [3, 1, 2, 5], b: [4, 5, 7] }, 3 * 4 * 2 * 5 * 7);
    checkMultiplyAdds(node('y = MatMul(a, b)'), { a: [5], b: [5] }, 5);
    checkMultiplyAdds(
      node('y = com.microsoft.FusedMatMul(a, b)', { transB: 1 }),
      { a: [3, 2, 5], b: [3, 7, 5] },
      210,
    );
    checkMultiplyAdds(node('y = com.microsoft.MatMulNBits(a, b)', { K: 5, N: 7 }), { a: [3, 2, 5] }, 210);
  });

  it('of an Einsum of two operands: every combination of labels', () => {
    checkMultiplyAdds(
      node('y = Einsum(a, b)', { equation: 'bhqd,bhkd->bhqk' }),
      { a: [2, 3, 4, 5], b: [2, 3, 6, 5] },
      2 * 3 * 4 * 6 * 5,
    );
    checkMultiplyAdds(node('y = Einsum(a)', { equation: 'ij->ji' }), { a: [2, 3] }, 0);
  });

  it('of recurrent layers: gates times input and hidden state', () => {
    const shapes = { x: [10, 2, 3], w: [2, 16, 3], r: [2, 16, 4] };
    checkMultiplyAdds(
      node('y = LSTM(x, w, r)', { hidden_size: 4, direction: 'bidirectional' }),
      shapes,
      10 * 2 * 2 * 4 * 4 * (3 + 4),
    );
    checkMultiplyAdds(node('y = GRU(x, w, r)', { hidden_size: 4 }), shapes, 10 * 2 * 3 * 4 * 7);
  });

  it('are none of operators that only add, move or normalize', () => {
    checkMultiplyAdds(node('y = Mul(a, b)'), { a: [2, 3], b: [2, 3] }, 0);
    checkMultiplyAdds(node('y = com.example.Conv(a, b)'), {}, 0);
  });

  it('are unknown where a shape is', () => {
    checkMultiplyAdds(node('y = MatMul(a, b)'), { a: ['N', 5], b: [5, 7] }, undefined);
    checkMultiplyAdds(node('y = Conv(x, w)'), { x: [1, 3, 8, 8], w: [16, 3, 3, 3] }, undefined);
  });

  it('of the pose model are those of its 66 convolutions', () => {
    const opened = openModel(join(import.meta.dirname, '../../../samples/pose/pose_landmark_lite.onnx'));
    if (!('model' in opened)) throw new Error(opened.problem.message);
    const shapes = inferShapes(opened.model);
    const counts = opened.model.graph.nodes.map((each) => multiplyAdds(each, shapes));
    expect(counts).not.toContain(undefined);
    expect(counts.filter((count) => count !== 0).length).toBe(66);
  });
});
