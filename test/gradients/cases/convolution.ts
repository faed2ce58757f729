/** Cases for `gradients/rules/convolution`: chosen ones, and some of random geometry. */
import { randomNumbers } from '../../conversion/run-model.js';
import type { GradientCase } from '../gradient-case.js';

export interface Geometry {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly attributes?: Readonly<Record<string, number | string | readonly number[]>>;
  readonly hasBias?: boolean;
}

export function convolution(
  operator: string,
  { x, w, attributes = {}, hasBias = false }: Geometry,
): GradientCase {
  const group = typeof attributes['group'] === 'number' ? attributes['group'] : 1;
  const filters = operator === 'Conv' ? w[0] : (w[1] ?? 1) * group;
  const bias = hasBias ? `\ninput b: float[${String(filters)}]` : '';
  const text = `input x: float[${x.join()}]\ninput w: float[${w.join()}]${bias}
y = ${operator}(x, w${hasBias ? ', b' : ''}) ${JSON.stringify(attributes)}\noutput y: float`;
  return { operator, text, step: 0.05 };
}

/** Windows that fit, with any stride, dilation, padding and grouping. */
function randomConvolution(operator: string, seed: number): GradientCase {
  const random = randomNumbers(seed);
  const pick = (most: number): number => 1 + Math.floor(random() * most);
  const rank = pick(3);
  const times = <Value>(make: () => Value): Value[] => Array.from({ length: rank }, make);
  const group = pick(3);
  const [inGroup, outGroup] = [pick(3), pick(2)];
  const kernel = times(() => pick(3));
  const attributes = {
    group,
    strides: times(() => pick(3)),
    dilations: times(() => pick(2)),
    pads: [...times(() => pick(3) - 1), ...times(() => pick(3) - 1)],
  };
  const isForward = operator === 'Conv';
  return convolution(operator, {
    x: [pick(2), group * inGroup, ...times(() => (isForward ? 5 : 3) + pick(3))],
    w: isForward ? [group * outGroup, inGroup, ...kernel] : [group * inGroup, outGroup, ...kernel],
    attributes: isForward
      ? attributes
      : { ...attributes, output_padding: attributes.strides.map((s) => s - 1) },
    hasBias: random() < 0.5,
  });
}

const random = (operator: string): GradientCase[] =>
  Array.from({ length: 16 }, (_, index) => randomConvolution(operator, 100 + 7919 * index));

export const convolutionCases: readonly GradientCase[] = [
  convolution('Conv', { x: [2, 3, 6, 7], w: [4, 3, 3, 3], hasBias: true }),
  convolution('Conv', { x: [2, 3, 6, 7], w: [4, 3, 1, 1] }),
  convolution('Conv', { x: [1, 4, 6, 7], w: [4, 1, 3, 3], attributes: { group: 4, pads: [1, 1, 1, 1] } }),
  convolution('Conv', {
    x: [1, 4, 6, 7],
    w: [4, 1, 5, 3],
    attributes: { group: 4, pads: [0, 2, 1, 0], dilations: [1, 2] },
  }),
  convolution('Conv', {
    x: [1, 4, 7, 7],
    w: [4, 1, 3, 3],
    attributes: { group: 4, pads: [1, 1, 1, 1], strides: [2, 2] },
  }),
  convolution('Conv', { x: [1, 4, 6, 6], w: [8, 1, 3, 3], attributes: { group: 4, pads: [1, 1, 1, 1] } }),
  // Padding wider than the kernel.
  convolution('Conv', { x: [1, 2, 4, 4], w: [2, 1, 2, 2], attributes: { group: 2, pads: [3, 3, 3, 3] } }),
  ...['SAME_UPPER', 'SAME_LOWER', 'VALID'].flatMap((auto_pad) => [
    convolution('Conv', { x: [1, 2, 6, 7], w: [3, 2, 3, 2], attributes: { auto_pad, strides: [2, 1] } }),
    convolution('ConvTranspose', {
      x: [1, 2, 4, 3],
      w: [2, 3, 3, 4],
      attributes: { auto_pad, strides: [2, 3] },
    }),
  ]),
  {
    ...convolution('Conv', {
      x: [2, 4, 6],
      w: [4, 2, 3],
      attributes: { group: 2, strides: [2] },
      hasBias: true,
    }),
    opset: 7,
  },
  convolution('Conv', {
    x: [1, 2, 4, 5, 4],
    w: [3, 2, 2, 3, 2],
    attributes: { strides: [1, 2, 1], pads: [1, 1, 0, 0, 1, 1] },
  }),
  convolution('ConvTranspose', { x: [2, 3, 4, 5], w: [3, 2, 3, 3], hasBias: true }),
  convolution('ConvTranspose', {
    x: [1, 2, 4, 5],
    w: [2, 2, 2, 2],
    attributes: { strides: [2, 2] },
    hasBias: true,
  }),
  convolution('ConvTranspose', {
    x: [1, 4, 4, 3],
    w: [4, 2, 3, 3],
    attributes: { group: 2, strides: [2, 2], output_shape: [8, 6] },
  }),
  ...random('Conv'),
  ...random('ConvTranspose'),
];
