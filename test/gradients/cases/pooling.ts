/** Cases for `gradients/rules/pooling`. */
import { randomNumbers } from '../../conversion/run-model.js';
import type { GradientCase } from '../gradient-case.js';

type Attributes = Readonly<Record<string, number | string | readonly number[]>>;

function pool(
  operator: string,
  shape: readonly number[],
  attributes: Attributes = {},
  opset?: number,
): GradientCase {
  const text = `input x: float[${shape.join()}]\ny = ${operator}(x) ${JSON.stringify(attributes)}\noutput y: float`;
  return { operator, text, step: 0.001, ...(opset === undefined ? {} : { opset }) };
}

/**
 * Windows of any stride and padding that the operator allows; dilations only where it knows them. The runtime and the standard
 * disagree about the output of an LpPool that rounds up.
 */
function randomPool(operator: string, seed: number): GradientCase {
  const random = randomNumbers(seed);
  const pick = (most: number): number => 1 + Math.floor(random() * most);
  const rank = pick(3);
  const times = <Value>(make: () => Value): Value[] => Array.from({ length: rank }, make);
  const kernel_shape = times(() => 1 + pick(2));
  const pads = [...kernel_shape.map((size) => pick(size) - 1), ...kernel_shape.map((size) => pick(size) - 1)];
  const opset = [8, 10, 11, 12, 17, 19][pick(6) - 1] ?? 17;
  return pool(
    operator,
    [pick(2), pick(3), ...times(() => 4 + pick(3))],
    {
      kernel_shape,
      strides: times(() => pick(3)),
      pads,
      ...(operator !== 'LpPool' && opset >= 10 ? { ceil_mode: pick(2) - 1 } : {}),
      ...(operator === 'MaxPool' && opset >= 10 ? { dilations: times(() => pick(2)) } : {}),
      ...(operator === 'AveragePool' ? { count_include_pad: pick(2) - 1 } : {}),
    },
    opset,
  );
}

const random = (operator: string): GradientCase[] =>
  Array.from({ length: 12 }, (_, index) => randomPool(operator, 5 + 6007 * index));

const square = (size: number): Attributes => ({ kernel_shape: [size, size] });

export const poolingCases: readonly GradientCase[] = [
  ...['MaxPool', 'AveragePool', 'LpPool'].flatMap((operator) => [
    pool(operator, [2, 2, 6, 6], { ...square(2), strides: [2, 2] }),
    pool(operator, [2, 2, 6, 6], { ...square(3), strides: [2, 2], pads: [1, 1, 1, 1] }),
    pool(operator, [2, 2, 6, 6], { ...square(3), strides: [2, 2], pads: [1, 1, 1, 1] }, 9),
    pool(operator, [1, 2, 6, 7], { ...square(3), strides: [2, 2], auto_pad: 'SAME_UPPER' }),
    pool(operator, [1, 2, 7, 6], { ...square(2), strides: [2, 2], auto_pad: 'SAME_LOWER' }, 11),
    pool(operator, [1, 2, 7], { kernel_shape: [3], auto_pad: 'VALID' }),
    ...random(operator),
  ]),
  pool('MaxPool', [1, 2, 6, 6], { ...square(2), strides: [2, 2] }, 12),
  pool('MaxPool', [1, 2, 6, 6], { ...square(2), strides: [2, 2], storage_order: 1 }),
  pool('LpPool', [1, 2, 6, 6], { ...square(2), p: 3 }),
  pool('LpPool', [1, 2, 6, 6], { ...square(2), p: 1 }),
  pool('GlobalAveragePool', [2, 3, 4, 5]),
  pool('GlobalAveragePool', [2, 3, 4], {}, 7),
  pool('GlobalMaxPool', [2, 3, 4, 5]),
  pool('GlobalMaxPool', [2, 3, 4], {}, 7),
  pool('GlobalLpPool', [2, 3, 4, 5]),
  pool('GlobalLpPool', [2, 3, 4, 5], { p: 3 }),
];
