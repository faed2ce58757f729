/** Cases for `gradients/rules/activation`. */
import type { GradientCase } from '../gradient-case.js';
import { unaryCase } from './elementwise.js';

const biased = (operator: string): GradientCase => ({
  operator,
  text: `input x: float[2,3,4]\ninput b: float[4]\ny = ${operator}(x, b)\noutput y: float`,
  isSingleOnly: true,
});

export const activationCases: readonly GradientCase[] = [
  unaryCase('Relu'),
  unaryCase('Relu', [-1, 1], '', { opset: 8 }),
  unaryCase('LeakyRelu'),
  unaryCase('LeakyRelu', [-1, 1], '{"alpha": {"float": 0.3}}'),
  unaryCase('LeakyRelu', [-1, 1], '{"alpha": {"float": 0.3}}', { opset: 7 }),
  ...['[3,1]', '[2,3,4]', '[1]'].map((slope) => ({
    operator: 'PRelu',
    text: `input x: float[2,3,4]\ninput s: float${slope}\ny = PRelu(x, s)\noutput y: float`,
  })),
  unaryCase('Elu'),
  unaryCase('Elu', [-2, 1], '{"alpha": {"float": 0.7}}'),
  unaryCase('Celu', [-2, 1], '{"alpha": {"float": 0.7}}'),
  unaryCase('Selu'),
  unaryCase('Selu', [-2, 1], '{"alpha": {"float": 0.7}, "gamma": {"float": 1.3}}'),
  unaryCase('ThresholdedRelu', [-2, 2.5]),
  unaryCase('Shrink', [-2, 2], '{"lambd": {"float": 0.7}, "bias": {"float": 0.2}}', {
    values: { x: [-1.5, -1, -0.4, 0.1, 0.5, 0.9, 2] },
    isSingleOnly: true,
  }),
  unaryCase('Erf'),
  unaryCase('Tanh'),
  unaryCase('Sigmoid', [-3, 3]),
  unaryCase('HardSigmoid', [-4, 4]),
  unaryCase('HardSigmoid', [-4, 4], '{"alpha": {"float": 0.3}, "beta": {"float": 0.4}}'),
  unaryCase('HardSwish', [-5, 5], '', { values: { x: [-4, -3.4, -2.6, -1.3, 0.2, 1.7, 2.6, 3.4, 5] } }),
  unaryCase('Mish', [-3, 3], '', { opset: 18 }),
  unaryCase('Swish', [-3, 3], '{"alpha": {"float": 1.3}}', { opset: 24 }),
  unaryCase('Softplus', [-3, 3]),
  unaryCase('Softsign', [-3, 3]),
  unaryCase('Gelu', [-3, 3], '', { opset: 20 }),
  unaryCase('Gelu', [-3, 3], '{"approximate": "tanh"}', { opset: 20 }),
  unaryCase('Clip', [-2, 2], '{"min": {"float": -0.5}, "max": {"float": 1}}', { opset: 7 }),
  unaryCase('Clip', [-2, 2], '{"max": {"float": 1}}', { opset: 9 }),
  unaryCase('Clip', [-2, 2]),
  {
    operator: 'Clip',
    text: 'input x: float[2,12]\ninput a: float[]\ninput b: float[]\ny = Clip(x, a, b)\noutput y: float',
    ranges: { x: [-2, 2], a: [-1.1, -0.9], b: [0.9, 1.1] },
  },
  {
    operator: 'Clip',
    text: 'input x: float[2,12]\ninput b: float[]\ny = Clip(x, , b)\noutput y: float',
    ranges: { x: [-2, 2], b: [0.9, 1.1] },
  },
  {
    operator: 'Cast',
    text: 'input x: float[2,12]\nd = Cast(x) {"to": 11}\ne = Mul(d, d)\ny = Cast(e) {"to": 1}\noutput y: float',
    isSingleOnly: true,
  },
  {
    operator: 'Cast',
    text: 'input x: float[2,12]\ni = Cast(x) {"to": 7}\nz = Cast(i) {"to": 1}\ny = Add(x, z)\noutput y: float',
    isSingleOnly: true,
  },
  {
    operator: 'CastLike',
    text: 'input x: float[2,12]\ninit l: double[1] = 0\nd = CastLike(x, l)\ny = Exp(d)\noutput y: double',
    isSingleOnly: true,
  },
  unaryCase('Dropout'),
  unaryCase('Dropout', [-1, 1], '', { opset: 7 }),
  unaryCase('com.microsoft.Gelu', [-3, 3]),
  unaryCase('com.microsoft.FastGelu', [-3, 3], '', { isSingleOnly: true }),
  unaryCase('com.microsoft.QuickGelu', [-3, 3]),
  unaryCase('com.microsoft.QuickGelu', [-3, 3], '{"alpha": {"float": 1.2}}'),
  biased('com.microsoft.FastGelu'),
  biased('com.microsoft.BiasGelu'),
];
