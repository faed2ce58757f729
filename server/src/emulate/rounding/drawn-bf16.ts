/**
 * FP32 values to one of their two neighbours in BF16, drawn by how near they are, in nodes that every opset has. BF16 has the range of FP32:
 * what is very large or very small is moved towards 1 by a power of two while it is rounded, or the arithmetic itself would leave the
 * range. Knows arithmetic; no graph.
 */
import { formatInformation, type OverflowHandling } from '../../formats/index.js';
import { binadeBegin, drawnSteps, isAbove, nothingOrNaN, sign } from './float-rounding.js';
import type { ArithmeticNodes } from './nodes.js';

const LARGEST_FP32 = (2 - 2 ** -23) * 2 ** 127;
/** From here on values are moved down, and below its reciprocal up, by the square of it. */
const FAR = 2 ** 40;
const MOVE = FAR * FAR;
const BEYOND_SPACINGS = 2 ** 60;

export interface DrawnBf16 {
  readonly overflow: OverflowHandling;
  readonly seed: number;
}

/** Adds the rounding of `from`; the name of the result. */
export function addDrawnBf16(nodes: ArithmeticNodes, from: string, { overflow, seed }: DrawnBf16): string {
  const { largest, bias, significandBits } = formatInformation('bf16');
  const held = overflow === 'saturate' ? nodes.clip(from, -largest, largest) : from;
  const bounded = nodes.clip(held, -LARGEST_FP32, LARGEST_FP32);
  const magnitude = nodes.add('Abs', [bounded]);
  const isLarge = isAbove(nodes, magnitude, FAR);
  const isSmall = nodes.calculate('Sub', isAbove(nodes, magnitude, 1 / FAR), 1);
  const down = nodes.clip(nodes.calculate('Add', nodes.calculate('Mul', isLarge, -1), 1), 1 / MOVE, 1);
  const up = nodes.clip(nodes.calculate('Mul', isSmall, -MOVE), 1, MOVE);
  const near = nodes.add('Mul', [nodes.add('Mul', [bounded, down]), up]);
  const size = nodes.add('Abs', [near]);
  // Of subnormal numbers it no longer shrinks with them.
  const least = 2 ** (1 - bias - significandBits) * MOVE;
  const wanted = nodes.calculate('Mul', binadeBegin(nodes, size), 2 ** -significandBits);
  const spacing = nodes.clip(wanted, least, BEYOND_SPACINGS);
  const steps = nodes.add('Mul', [size, nodes.add('Reciprocal', [spacing])]);
  const drawn = nodes.add('Mul', [drawnSteps(nodes, steps, nodes.random(size, seed)), spacing]);
  const moved = nodes.add('Mul', [
    nodes.add('Mul', [drawn, nodes.add('Reciprocal', [up])]),
    nodes.add('Reciprocal', [down]),
  ]);
  // Nothing for what is finite: an infinity stays one.
  const beyond = nodes.add('Sub', [nodes.add('Abs', [held]), magnitude]);
  const signed = nodes.add('Mul', [nodes.add('Add', [moved, beyond]), sign(nodes, near)]);
  return nodes.add('Add', [signed, nothingOrNaN(nodes, from)]);
}
