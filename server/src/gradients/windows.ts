/** The geometry of convolutions and pools: where the windows of a node lie on its input. Knows no derivative. */
import { intAttribute, intsAttribute, stringAttribute, type Node } from '../onnx/index.js';

export interface Windows {
  /** Of the input, the window and the output along each spatial axis. */
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly output: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Before and behind the input along each axis. Behind: as far as the last window reaches, at least what is declared. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
  /** What is declared behind the input, by pads or auto_pad. */
  readonly declaredEnds: readonly number[];
}

/** From spatial sizes of input, kernel and output as they are in the run. */
export function windowsOf(
  node: Node,
  input: readonly number[],
  kernel: readonly number[],
  output: readonly number[],
): Windows {
  const rank = input.length;
  const ones = Array.from({ length: rank }, () => 1);
  const strides = intsAttribute(node, 'strides') ?? ones;
  const dilations = intsAttribute(node, 'dilations') ?? ones;
  const pads = declaredPads(node, { input, kernel, output, strides, dilations });
  const ends = input.map((size, axis) => {
    const last = (strides[axis] ?? 1) * ((output[axis] ?? 1) - 1) + span(kernel, dilations, axis);
    return Math.max(last - size - (pads.begins[axis] ?? 0), pads.ends[axis] ?? 0, 0);
  });
  return { input, kernel, output, strides, dilations, begins: pads.begins, ends, declaredEnds: pads.ends };
}

/** How much of the input a window covers. */
export function span(kernel: readonly number[], dilations: readonly number[], axis: number): number {
  return (dilations[axis] ?? 1) * ((kernel[axis] ?? 1) - 1) + 1;
}

function declaredPads(
  node: Node,
  { input, kernel, output, strides, dilations }: Omit<Windows, 'begins' | 'ends' | 'declaredEnds'>,
): { readonly begins: readonly number[]; readonly ends: readonly number[] } {
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  const rank = input.length;
  if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') {
    const totals = input.map((size, axis) =>
      Math.max((strides[axis] ?? 1) * ((output[axis] ?? 1) - 1) + span(kernel, dilations, axis) - size, 0),
    );
    const smaller = totals.map((total) => Math.floor(total / 2));
    const larger = totals.map((total, axis) => total - (smaller[axis] ?? 0));
    return autoPad === 'SAME_UPPER' ? { begins: smaller, ends: larger } : { begins: larger, ends: smaller };
  }
  const none = Array.from({ length: 2 * rank }, () => 0);
  const pads = autoPad === 'VALID' ? none : (intsAttribute(node, 'pads') ?? none);
  return { begins: pads.slice(0, rank), ends: pads.slice(rank) };
}

/**
 * Those of a ConvTranspose, seen from its output: the windows that a convolution from its output to its input has.
 * @param input the spatial shape of the node's input, which has one element for each window.
 */
export function transposedWindowsOf(
  node: Node,
  input: readonly number[],
  kernel: readonly number[],
  output: readonly number[],
): Windows {
  const rank = input.length;
  const ones = Array.from({ length: rank }, () => 1);
  const strides = intsAttribute(node, 'strides') ?? ones;
  const dilations = intsAttribute(node, 'dilations') ?? ones;
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  const added = intsAttribute(node, 'output_padding') ?? ones.map(() => 0);
  const isSame = autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER';
  const geometry = { input: output, kernel, output: input, strides, dilations };
  const hasOutputShape = (intsAttribute(node, 'output_shape')?.length ?? 0) > 0;
  if (!isSame && !hasOutputShape) {
    const none = Array.from({ length: 2 * rank }, () => 0);
    const pads = autoPad === 'VALID' ? none : (intsAttribute(node, 'pads') ?? none);
    const ends = pads.slice(rank);
    return { ...geometry, begins: pads.slice(0, rank), ends, declaredEnds: ends };
  }
  const totals = input.map((size, axis) =>
    Math.max(
      (strides[axis] ?? 1) * (size - 1) +
        (added[axis] ?? 0) +
        span(kernel, dilations, axis) -
        (output[axis] ?? 1),
      0,
    ),
  );
  const smaller = totals.map((total) => Math.floor(total / 2));
  const larger = totals.map((total, axis) => total - (smaller[axis] ?? 0));
  const [begins, ends] = autoPad === 'SAME_UPPER' ? [smaller, larger] : [larger, smaller];
  return { ...geometry, begins, ends, declaredEnds: ends };
}

/** Attributes of a Conv or ConvTranspose over these windows. */
export function windowAttributes(
  { strides, dilations, begins, ends }: Windows,
  group: number,
): Readonly<Record<string, number | readonly number[]>> {
  return { strides, dilations, pads: [...begins, ...ends], group };
}

/** What a ConvTranspose over these windows must add behind to give back the whole input. */
export function outputPadding({
  input,
  output,
  kernel,
  strides,
  dilations,
  begins,
  ends,
}: Windows): readonly number[] {
  return input.map((size, axis) => {
    const covered = (strides[axis] ?? 1) * ((output[axis] ?? 1) - 1) + span(kernel, dilations, axis);
    return size - (covered - (begins[axis] ?? 0) - (ends[axis] ?? 0));
  });
}

export function groupOf(node: Node): number {
  return intAttribute(node, 'group', 1);
}
