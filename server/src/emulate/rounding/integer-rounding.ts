/**
 * FP32 values to what an integer format's codes stand for, as ONNX's QuantizeLinear and DequantizeLinear have it, in nodes
 * that every opset has: bit for bit `roundQuantized`. Knows scales; not how they were chosen.
 */
import { integerRange, type Quantization } from '../../formats/index.js';
import type { ArithmeticNodes } from './nodes.js';

export interface IntegerRounding {
  readonly quantization: Quantization;
  /** A stored tensor of numbers, one for each scale, in the shape that the tensor is divided by. */
  readonly stored: (values: readonly number[]) => string;
  readonly seed?: number;
}

/** 1.5 x 2^23: adding and taking it away rounds to even. */
const MAGIC = 12_582_912;

/** Adds the rounding of `from`; the name of the result. */
export function addIntegerRounding(
  nodes: ArithmeticNodes,
  from: string,
  { quantization, stored, seed }: IntegerRounding,
): string {
  const { format, scales, narrow, axis } = quantization;
  const { lowest, highest } = integerRange(format);
  const least = narrow === true ? -highest : lowest;
  const scale = stored(scales.map((one) => one.scale));
  const quotient = nodes.add('Div', [from, scale]);
  const [{ zeroPoint } = { zeroPoint: 0 }] = scales;
  const isCommon = axis === undefined || scales.every((one) => one.zeroPoint === zeroPoint);
  if (!isCommon) throw new RangeError('zero points of channels differ');
  // Bounds are whole, so that what is cut before it is rounded is cut as after.
  const held = nodes.clip(quotient, least - zeroPoint, highest - zeroPoint);
  const code = seed === undefined ? toEven(nodes, held) : drawn(nodes, held, seed);
  const positive = nodes.calculate('Add', nodes.add('Abs', [from]), 1);
  const nothingOrNaN = nodes.calculate('Mul', nodes.add('Reciprocal', [positive]), 0);
  return nodes.add('Mul', [nodes.add('Add', [code, nothingOrNaN]), scale]);
}

function toEven(nodes: ArithmeticNodes, value: string): string {
  return nodes.calculate('Sub', nodes.calculate('Add', value, MAGIC), MAGIC);
}

function drawn(nodes: ArithmeticNodes, value: string, seed: number): string {
  const below = nodes.add('Floor', [value]);
  const rest = nodes.add('Sub', [value, below]);
  const draw = nodes.random(value, seed);
  return nodes.add('Add', [below, nodes.add('Floor', [nodes.add('Add', [rest, draw])])]);
}
