/** Cases for `gradients/rules/matmul`. */
import type { GradientCase } from '../gradient-case.js';

function product(a: string, b: string, operator = 'MatMul', attributes = ''): GradientCase {
  const text = `input a: float[${a}]\ninput b: float[${b}]\ny = ${operator}(a, b)${attributes}\noutput y: float`;
  return { operator, text };
}

function gemm(inputs: readonly [string, string, string?], attributes: string, opset?: number): GradientCase {
  const [a, b, c] = inputs;
  const declared = `input a: float[${a}]\ninput b: float[${b}]`;
  const text =
    c === undefined
      ? `${declared}\ny = Gemm(a, b)${attributes}\noutput y: float`
      : `${declared}\ninput c: float[${c}]\ny = Gemm(a, b, c)${attributes}\noutput y: float`;
  return { operator: 'Gemm', text, ...(opset === undefined ? {} : { opset }) };
}

export const matmulCases: readonly GradientCase[] = [
  product('3,4', '4,5'),
  product('2,3,4', '4,5'),
  product('2,3,4', '2,4,5'),
  product('3,4', '2,4,5'),
  product('2,1,3,4', '6,4,5'),
  product('6,3,4', '2,1,4,5'),
  product('4', '4,5'),
  product('4', '2,4,5'),
  product('3,4', '4'),
  product('2,3,4', '4'),
  product('4', '4'),
  { ...product('2,3,4', '4,5'), opset: 7 },
  ...['{"transA": 1}', '{"transB": 1}', '{"transA": 1, "transB": 1, "alpha": {"float": 0.5}}'].flatMap(
    (attributes) => {
      const [isLeft, isRight] = [attributes.includes('transA'), attributes.includes('transB')];
      const left = isLeft ? '4,3' : '3,4';
      const right = isRight ? '5,4' : '4,5';
      const fused = 'com.microsoft.FusedMatMul';
      return [
        product(left, right, fused, ` ${attributes}`),
        product(`2,${left}`, right, fused, ` ${attributes}`),
        product(left, `2,${right}`, fused, ` ${attributes}`),
        product(`2,1,${left}`, `3,${right}`, fused, ` ${attributes}`),
        gemm([left, right, '5'], ` ${attributes}`),
        gemm([left, right], ` ${attributes}`),
      ];
    },
  ),
  gemm(['3,4', '4,5', '3,1'], ' {"alpha": {"float": 2}, "beta": {"float": 0.25}}'),
  gemm(['3,4', '4,5', '3,5'], ' {"beta": {"float": 3}}'),
  gemm(['3,4', '4,5', '1'], ''),
  gemm(['3,4', '4,5', ''], ''),
  gemm(['3,4', '4,5', '5'], ' {"alpha": {"float": 2}}', 7),
];
