/**
 * Shapes of operators that slide a window over the spatial axes: convolutions and pools, forward and transposed.
 * Formulas: the ONNX operator definitions of Conv, MaxPool and ConvTranspose; where the standard's versions
 * differ, what ONNX Runtime computes.
 */
import { intAttribute, intsAttribute, stringAttribute } from '../attributes.js';
import type { Dimension, Node, Shape } from '../model.js';
import { multiplyDimensions, unknownOfRank } from './dimension.js';
import type { ShapeRule } from './rule.js';
import { forAll, knownNumbers } from './rule.js';

interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBegin: number;
  readonly padEnd: number;
  readonly autoPad: string;
  readonly ceil: boolean;
}

const pool: ShapeRule = (context) => {
  const input = context.shape(0);
  const kernel = intsAttribute(context.node, 'kernel_shape');
  if (input === undefined || input.length < 2 || kernel?.length !== input.length - 2) return [];
  const output = [...input.slice(0, 2), ...spatial(context.node, input, kernel, slide)];
  return [output, output];
};

const globalPool: ShapeRule = (context) => {
  const input = context.shape(0);
  return [input?.map((dimension, index) => (index < 2 ? dimension : 1))];
};

/** A convolution whose weight, of shape [outputs, inputs / group, ...kernel], is this input. */
export function convolution(weight: number): ShapeRule {
  return (context) => {
    const input = context.shape(0);
    const weights = context.shape(weight);
    const rank = input?.length ?? weights?.length;
    if (rank === undefined || rank < 3) return [];
    const kernel = kernelShape(context.node, weights, rank);
    const batchAndSpace = input ?? unknownOfRank(rank);
    const space =
      kernel === undefined ? unknownOfRank(rank - 2) : spatial(context.node, batchAndSpace, kernel, slide);
    return [[batchAndSpace[0], weights?.[0], ...space]];
  };
}

const transposedConvolution: ShapeRule = (context) => {
  const input = context.shape(0);
  const weights = context.shape(1);
  const rank = input?.length ?? weights?.length;
  if (rank === undefined || rank < 3) return [];
  const channels = multiplyDimensions(weights?.[1], intAttribute(context.node, 'group', 1));
  const batch = input?.[0];
  const wanted = intsAttribute(context.node, 'output_shape');
  if (wanted !== undefined && wanted.length > 0) {
    return wanted.length >= rank - 2 ? [[batch, channels, ...wanted.slice(wanted.length - rank + 2)]] : [];
  }
  const kernel = kernelShape(context.node, weights, rank);
  if (kernel === undefined || input === undefined) return [[batch, channels, ...unknownOfRank(rank - 2)]];
  const padding = intsAttribute(context.node, 'output_padding') ?? [];
  return [
    [
      batch,
      channels,
      ...spatial(context.node, input, kernel, (size, window, axis) =>
        unslide(size, window, padding[axis] ?? 0),
      ),
    ],
  ];
};

const maxUnpool: ShapeRule = (context) => {
  if (context.has(2)) {
    const shape = knownNumbers(context, 2);
    return [shape];
  }
  const input = context.shape(0);
  const kernel = intsAttribute(context.node, 'kernel_shape');
  if (input === undefined || kernel?.length !== input.length - 2) return [];
  return [
    [
      ...input.slice(0, 2),
      ...spatial(context.node, input, kernel, (size, window) => unslide(size, window, 0)),
    ],
  ];
};

/** [rois, channels, ...pooled_shape] */
const maxRoiPool: ShapeRule = (context) => {
  const pooled = intsAttribute(context.node, 'pooled_shape');
  if (pooled === undefined) return [];
  return [[context.shape(1)?.[0], context.shape(0)?.[1], ...pooled]];
};

/** [rois, channels, output_height, output_width] */
const roiAlign: ShapeRule = (context) => [
  [
    context.shape(1)?.[0],
    context.shape(0)?.[1],
    intAttribute(context.node, 'output_height', 1),
    intAttribute(context.node, 'output_width', 1),
  ],
];

export const windowRules = [
  ...forAll(['MaxPool', 'AveragePool', 'LpPool'], pool),
  ...forAll(['GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'], globalPool),
  ...forAll(['Conv', 'ConvInteger', 'DeformConv'], convolution(1)),
  ...forAll(['QLinearConv'], convolution(3)),
  ...forAll(['ConvTranspose'], transposedConvolution),
  ...forAll(['MaxUnpool'], maxUnpool),
  ...forAll(['MaxRoiPool'], maxRoiPool),
  ...forAll(['RoiAlign'], roiAlign),
];

function kernelShape(node: Node, weights: Shape | undefined, rank: number): readonly Dimension[] | undefined {
  const kernel = intsAttribute(node, 'kernel_shape') ?? weights?.slice(2);
  return kernel?.length === rank - 2 ? kernel : undefined;
}

function spatial(
  node: Node,
  input: Shape,
  kernel: readonly Dimension[],
  size: (input: number, window: Window, axis: number) => Dimension,
): readonly Dimension[] {
  const strides = intsAttribute(node, 'strides');
  const dilations = intsAttribute(node, 'dilations');
  const pads = intsAttribute(node, 'pads');
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  const usesPads = autoPad === 'NOTSET' || autoPad === '';
  const ceil = intAttribute(node, 'ceil_mode', 0) !== 0;
  return kernel.map((kernelSize, axis) => {
    const inputSize = input[axis + 2];
    if (typeof inputSize !== 'number' || typeof kernelSize !== 'number') return undefined;
    return size(
      inputSize,
      {
        kernel: kernelSize,
        stride: strides?.[axis] ?? 1,
        dilation: dilations?.[axis] ?? 1,
        padBegin: usesPads ? (pads?.[axis] ?? 0) : 0,
        padEnd: usesPads ? (pads?.[axis + kernel.length] ?? 0) : 0,
        autoPad,
        ceil,
      },
      axis,
    );
  });
}

/** How many places a window has: of Conv and the pools. */
function slide(input: number, window: Window): Dimension {
  const { stride } = window;
  if (window.autoPad === 'SAME_UPPER' || window.autoPad === 'SAME_LOWER') return Math.ceil(input / stride);
  const extent = (window.kernel - 1) * window.dilation + 1;
  const steps = (input + window.padBegin + window.padEnd - extent) / stride;
  // A window that does not fit once is an error, or one place after all.
  if (steps < 0) return undefined;
  if (!window.ceil) return Math.floor(steps) + 1;
  const places = Math.ceil(steps) + 1;
  // A window that would begin in the padding behind the input is left out.
  return (places - 1) * stride >= input + window.padBegin ? places - 1 : places;
}

/** The input size that `slide` would have made this one of: ConvTranspose and MaxUnpool. */
function unslide(input: number, window: Window, outputPadding: number): Dimension {
  const extent = (window.kernel - 1) * window.dilation + 1;
  const full = (input - 1) * window.stride + outputPadding + extent;
  if (window.autoPad === 'SAME_UPPER' || window.autoPad === 'SAME_LOWER') {
    return Math.min(full, input * window.stride);
  }
  return positive(full - window.padBegin - window.padEnd);
}

function positive(size: number): Dimension {
  return size >= 0 ? size : undefined;
}
