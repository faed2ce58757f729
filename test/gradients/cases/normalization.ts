/** Cases for `gradients/rules/normalization`. */
import type { GradientCase } from '../gradient-case.js';

interface Parameter {
  readonly name: string;
  readonly shape: string;
}

function normalization(
  operator: string,
  shape: string,
  parameters: readonly Parameter[],
  attributes = '{}',
  more: Partial<GradientCase> = {},
): GradientCase {
  const declared = parameters.map(({ name, shape: dims }) => `input ${name}: float[${dims}]`);
  const names = parameters.map(({ name }) => name);
  const text = [
    `input x: float[${shape}]`,
    ...declared,
    `y = ${operator}(${['x', ...names].join(', ')}) ${attributes}`,
    'output y: float',
  ].join('\n');
  return { operator, text, ...more };
}

const channels = (names: readonly string[], count = 3): Parameter[] =>
  names.map((name) => ({ name, shape: String(count) }));
const batch = channels(['scale', 'bias', 'mean', 'variance']);
const variance = { ranges: { variance: [0.5, 2] } } as const;
const skip = (shape: string): Parameter => ({ name: 'skip', shape });
const sides = 'input x: float[2,3,4]\ninput skip: float[2,3,4]\ninput gamma: float[4]';

export const normalizationCases: readonly GradientCase[] = [
  normalization('BatchNormalization', '2,3,4,2', batch, '{"epsilon": {"float": 0.01}}', variance),
  normalization('BatchNormalization', '5,3', batch, '{}', variance),
  normalization('BatchNormalization', '2,3,4', batch, '{}', { ...variance, opset: 9 }),
  normalization('BatchNormalization', '2,3,4', batch, '{}', { ...variance, opset: 7 }),
  normalization('LayerNormalization', '2,3,4', channels(['scale', 'bias'], 4)),
  normalization('LayerNormalization', '2,3,4', channels(['scale'], 4), '{"epsilon": {"float": 0.1}}'),
  normalization(
    'LayerNormalization',
    '2,3,4',
    [
      { name: 'scale', shape: '3,4' },
      { name: 'bias', shape: '4' },
    ],
    '{"axis": 1}',
  ),
  normalization('RMSNormalization', '2,3,4', channels(['scale'], 4), '{}', { opset: 23 }),
  normalization('RMSNormalization', '2,3,4', [{ name: 'scale', shape: '3,4' }], '{"axis": -2}', {
    opset: 23,
  }),
  normalization('SimplifiedLayerNormalization', '2,3,4', channels(['scale'], 4)),
  normalization('InstanceNormalization', '2,3,4,2', channels(['scale', 'bias'])),
  normalization('InstanceNormalization', '2,3,5', channels(['scale', 'bias']), '{"epsilon": {"float": 0.1}}'),
  normalization('GroupNormalization', '2,6,4,2', channels(['scale', 'bias'], 2), '{"num_groups": 2}', {
    opset: 18,
  }),
  normalization('GroupNormalization', '2,6,4', channels(['scale', 'bias'], 6), '{"num_groups": 3}', {
    opset: 21,
    isSingleOnly: true,
  }),
  normalization('MeanVarianceNormalization', '2,3,4,2', []),
  normalization('MeanVarianceNormalization', '2,3,4,2', [], '{"axes": [1, -1]}'),
  normalization('LpNormalization', '2,3,4', []),
  normalization('LpNormalization', '2,3,4', [], '{"axis": 1, "p": 1}'),
  normalization('LRN', '2,6,3,2', [], '{"size": 3, "alpha": {"float": 0.7}}'),
  normalization(
    'LRN',
    '1,6,4,1',
    [],
    '{"size": 5, "alpha": {"float": 0.7}, "beta": {"float": 0.5}, "bias": {"float": 2}}',
  ),
  normalization('com.microsoft.SkipLayerNormalization', '2,3,4', [skip('2,3,4'), ...channels(['gamma'], 4)]),
  normalization('com.microsoft.SkipLayerNormalization', '2,3,4', [
    skip('2,3,4'),
    ...channels(['gamma', 'beta', 'bias'], 4),
  ]),
  normalization('com.microsoft.SkipLayerNormalization', '2,3,4', [
    skip('1,3,4'),
    ...channels(['gamma', 'beta', 'bias'], 4),
  ]),
  {
    operator: 'com.microsoft.SkipLayerNormalization',
    text: `${sides}\ny, , , z = com.microsoft.SkipLayerNormalization(x, skip, gamma)\nu = Exp(z)\noutput y: float\noutput u: float`,
  },
  {
    operator: 'com.microsoft.SkipLayerNormalization',
    text: `${sides}\ny, , , z = com.microsoft.SkipLayerNormalization(x, skip, gamma)\noutput z: float`,
  },
  normalization('com.microsoft.SkipSimplifiedLayerNormalization', '2,3,4', [
    skip('2,3,4'),
    ...channels(['gamma', 'bias'], 4),
  ]),
];
