/** Shapes of Resize and Upsample, by scales or by sizes. */
import { floatsAttribute, intsAttribute, stringAttribute } from '../attributes.js';
import type { Dimension, Shape } from '../model.js';
import { normalizeAxes, unknownOfRank } from './dimension.js';
import type { NodeContext, ShapeRule } from './rule.js';
import { forAll, knownNumbers, partialNumbers } from './rule.js';

const resize: ShapeRule = (context) => {
  const input = context.shape(0);
  if (input === undefined) return [];
  if (context.opset < 11) return [scaled(input, knownNumbers(context, 1), undefined)];
  const axes = resizedAxes(context, input.length);
  if (axes === undefined) return [unknownOfRank(input.length)];
  // An empty tensor is another way of leaving an input out.
  if (context.has(3) && context.shape(3)?.[0] !== 0) return [sized(context, input, axes)];
  const scales = perAxis(knownNumbers(context, 2), axes, input.length, 1);
  const cropped =
    stringAttribute(context.node, 'coordinate_transformation_mode', '') === 'tf_crop_and_resize';
  const roi = cropped ? regionLengths(context, axes, input.length) : undefined;
  if (cropped && roi === undefined) return [unknownOfRank(input.length)];
  return [scaled(input, scales, roi)];
};

const upsample: ShapeRule = (context) => {
  const input = context.shape(0);
  const scales = context.opset < 9 ? floatsAttribute(context.node, 'scales') : knownNumbers(context, 1);
  return [input === undefined ? undefined : scaled(input, scales, undefined)];
};

export const resizeRules = [...forAll(['Resize'], resize), ...forAll(['Upsample'], upsample)];

/**
 * floor(size * scale), in single precision as ONNX Runtime computes it. With a region of interest the standard
 * scales that, and ONNX Runtime the whole axis: only where both agree is the size known.
 */
function scaled(
  input: Shape,
  scales: readonly number[] | undefined,
  region: readonly number[] | undefined,
): Shape {
  if (scales?.length !== input.length) return unknownOfRank(input.length);
  return input.map((dimension, axis): Dimension => {
    const scale = scales[axis];
    if (region !== undefined && region[axis] !== 1) return undefined;
    if (scale === 1) return dimension;
    if (typeof dimension !== 'number' || scale === undefined) return undefined;
    return Math.floor(Math.fround(Math.fround(dimension) * Math.fround(scale)));
  });
}

function sized(context: NodeContext, input: Shape, axes: readonly number[]): Shape {
  const policy = stringAttribute(context.node, 'keep_aspect_ratio_policy', 'stretch');
  const sizes = partialNumbers(context, 3);
  if (sizes?.length !== axes.length) return unknownOfRank(input.length);
  if (policy === 'stretch') {
    return input.map((dimension, axis) => (axes.includes(axis) ? sizes[axes.indexOf(axis)] : dimension));
  }
  // ONNX Runtime leaves axes counted from the back as they are under these policies.
  if ((intsAttribute(context.node, 'axes') ?? []).some((axis) => axis < 0))
    return unknownOfRank(input.length);
  const ratios = axes.map((axis, index) => {
    const [size, before] = [sizes[index], input[axis]];
    return typeof size === 'number' && typeof before === 'number' ? Math.fround(size / before) : NaN;
  });
  const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return input.map((dimension, axis) => {
    if (!axes.includes(axis)) return dimension;
    if (typeof dimension !== 'number' || Number.isNaN(scale)) return undefined;
    return Math.round(Math.fround(scale * dimension));
  });
}

function resizedAxes(context: NodeContext, rank: number): readonly number[] | undefined {
  const given = context.opset >= 18 ? intsAttribute(context.node, 'axes') : undefined;
  return normalizeAxes(given ?? Array.from({ length: rank }, (_, axis) => axis), rank);
}

/** End minus start of the region of interest, per axis of the input. */
function regionLengths(
  context: NodeContext,
  axes: readonly number[],
  rank: number,
): readonly number[] | undefined {
  const roi = knownNumbers(context, 1);
  if (roi?.length !== 2 * axes.length) return undefined;
  const lengths = axes.map((_, index) =>
    Math.fround((roi[index + axes.length] ?? NaN) - (roi[index] ?? NaN)),
  );
  return perAxis(lengths, axes, rank, 1);
}

function perAxis(
  values: readonly number[] | undefined,
  axes: readonly number[],
  rank: number,
  otherwise: number,
): readonly number[] | undefined {
  if (values?.length !== axes.length) return undefined;
  return Array.from({ length: rank }, (_, axis) =>
    axes.includes(axis) ? (values[axes.indexOf(axis)] ?? otherwise) : otherwise,
  );
}
