/** Cases for `gradients/rules/elementwise`. */
import type { GradientCase } from '../gradient-case.js';

type Range = readonly [number, number];

const POSITIVE: Range = [0.3, 2];
const SHAPES = [
  ['[2,3,4]', '[2,3,4]'],
  ['[2,3,4]', '[3,1]'],
  ['[4]', '[2,3,1]'],
  ['[2,1,4]', '[3,4]'],
  ['[]', '[2,3]'],
  ['[1,1,3]', '[3]'],
] as const;

/** Of two operands, for each way in which they broadcast. */
function binary(
  operator: string,
  ranges: readonly [Range, Range] = [
    [-1, 1],
    [-1, 1],
  ],
  attributes = '',
): GradientCase[] {
  return SHAPES.map(([a, b]) => ({
    operator,
    text: `input a: float${a}\ninput b: float${b}\ny = ${operator}(a, b) ${attributes}\noutput y: float`.replace(
      ') \n',
      ')\n',
    ),
    ranges: { a: ranges[0], b: ranges[1] },
  }));
}

/** Of one operand. */
export function unaryCase(
  operator: string,
  range: Range = [-1.5, 1.5],
  attributes = '',
  more: Partial<GradientCase> = {},
): GradientCase {
  const call = `${operator}(x)${attributes === '' ? '' : ` ${attributes}`}`;
  return {
    operator,
    text: `input x: float[2,3,4]\ny = ${call}\noutput y: float`,
    ranges: { x: range },
    ...more,
  };
}

/** Of any number of operands. */
function variadic(operator: string): GradientCase[] {
  const inputs = 'input a: float[2,3,4]\ninput b: float[3,1]\ninput c: float[4]';
  return [
    { operator, text: `${inputs}\ny = ${operator}(a, b, c)\noutput y: float` },
    { operator, text: `${inputs}\ny = ${operator}(a)\noutput y: float` },
    { operator, text: `${inputs}\ny = ${operator}(c, a, a)\noutput y: float`, opset: 8 },
  ];
}

export const elementwiseCases: readonly GradientCase[] = [
  ...binary('Add'),
  ...binary('Sub'),
  ...binary('Mul'),
  ...binary('Div', [[-1, 1], POSITIVE]),
  ...binary('Pow', [POSITIVE, [-2, 3]]),
  ...binary(
    'Mod',
    [
      [-4, 4],
      [0.9, 1.1],
    ],
    '{"fmod": 1}',
  ),
  ...variadic('Max'),
  ...variadic('Min'),
  ...variadic('Sum'),
  ...variadic('Mean'),
  {
    operator: 'Pow',
    text: 'input x: float[2,3]\ninit two: float[] = 2\ny = Pow(x, two)\noutput y: float',
  },
  {
    operator: 'Pow',
    text: 'input x: float[2,3]\ninit three: int64[] = 3\ny = Pow(x, three)\noutput y: float',
  },
  {
    operator: 'Add',
    text: 'input x: float[2,3]\ninput b: float[3]\na = Mul(x, b)\ny = Add(a, b)\nz = Mul(y, a)\noutput y: float\noutput z: float',
    opset: 7,
  },
  unaryCase('Sqrt', POSITIVE),
  unaryCase('Exp'),
  unaryCase('Log', POSITIVE),
  unaryCase('Neg'),
  unaryCase('Abs'),
  unaryCase('Reciprocal', POSITIVE),
  unaryCase('Sin'),
  unaryCase('Cos'),
  unaryCase('Tan', [-1.2, 1.2]),
  unaryCase('Asin', [-0.8, 0.8]),
  unaryCase('Acos', [-0.8, 0.8]),
  unaryCase('Atan'),
  unaryCase('Sinh'),
  unaryCase('Cosh'),
  unaryCase('Asinh'),
  unaryCase('Acosh', [1.3, 3]),
  unaryCase('Atanh', [-0.8, 0.8]),
  unaryCase('Identity'),
  unaryCase('Ceil', [-3, 3]),
  unaryCase('Floor', [-3, 3]),
  unaryCase('Round', [-3, 3]),
  unaryCase('Sign'),
];
