/** Shapes of operators that make tensors from attributes or small values: Constant, Range, Shape, windows ... */
import { hasAttribute, intAttribute, intsAttribute } from '../attributes.js';
import { constantNodeTensor } from '../graph-index.js';
import { DataType } from '../model.js';
import { normalizeAxis, unknownOfRank, withDimension } from './dimension.js';
import type { ShapeRule } from './rule.js';
import { forAll, knownNumbers, partialNumbers } from './rule.js';

const constant: ShapeRule = ({ node }) => {
  const tensor = constantNodeTensor(node);
  if (tensor !== undefined) return [tensor.dims];
  for (const attribute of node.attributes) {
    if (attribute.name === 'value_strings' && attribute.kind === 'strings') return [[attribute.value.length]];
  }
  return [hasAttribute(node, 'value_string') ? [] : undefined];
};

/** The shape is the input's values. */
const constantOfShape: ShapeRule = (context) => [partialNumbers(context, 0)];

const random: ShapeRule = ({ node }) => [intsAttribute(node, 'shape')];

const shapeOf: ShapeRule = ({ node, opset, shape }) => {
  const rank = shape(0)?.length;
  if (rank === undefined) return [unknownOfRank(1)];
  if (opset < 15) return [[rank]];
  const [start, end] = shapeRange(intAttribute(node, 'start', 0), intAttribute(node, 'end'), rank);
  return [[Math.max(0, end - start)]];
};

/** Which dimensions Shape gives: negative from the back, clamped to the rank. */
export function shapeRange(start: number, end: number | undefined, rank: number): readonly [number, number] {
  const clamp = (axis: number): number => Math.min(Math.max(axis < 0 ? axis + rank : axis, 0), rank);
  return [clamp(start), end === undefined ? rank : clamp(end)];
}

const scalar: ShapeRule = () => [[]];

const range: ShapeRule = (context) => {
  const [start] = knownNumbers(context, 0) ?? [];
  const [limit] = knownNumbers(context, 1) ?? [];
  const [step] = knownNumbers(context, 2) ?? [];
  if (start === undefined || limit === undefined || step === undefined || step === 0)
    return [unknownOfRank(1)];
  const isSingle = context.value(0)?.dataType === DataType.FLOAT;
  const length = isSingle ? Math.fround(limit - start) : limit - start;
  return [[Math.max(0, Math.ceil(length / step))]];
};

/** One column for each element that is not zero. */
const nonZero: ShapeRule = ({ shape }) => {
  const rank = shape(0)?.length;
  // A scalar counts as a vector of one element, or as none: versions differ.
  return [[rank === 0 ? undefined : rank, undefined]];
};

const nonMaxSuppression: ShapeRule = () => [[undefined, 3]];

const multinomial: ShapeRule = ({ node, shape }) => [[shape(0)?.[0], intAttribute(node, 'sample_size', 1)]];

const window: ShapeRule = (context) => [[context.value(0)?.elements[0]]];

/** [dft_length / 2 + 1, num_mel_bins] */
const melWeights: ShapeRule = (context) => {
  const length = context.value(1)?.elements[0];
  const bins = typeof length === 'number' ? Math.floor(length / 2) + 1 : undefined;
  return [[bins, context.value(0)?.elements[0]]];
};

/** The input with `dft_length` (half of it and one, if one-sided) along the axis, and 2 for real and imaginary. */
const fourier: ShapeRule = (context) => {
  const { node } = context;
  const input = context.shape(0);
  if (input === undefined || input.length < 2) return [];
  const given =
    context.opset < 20 ? intAttribute(node, 'axis', 1) : context.has(2) ? context.value(2)?.elements[0] : -2;
  const axis = typeof given === 'number' ? normalizeAxis(given, input.length) : undefined;
  const inverse = intAttribute(node, 'inverse', 0) !== 0;
  const oneSided = intAttribute(node, 'onesided', 0) !== 0;
  if (axis === undefined || (inverse && oneSided)) return [];
  const length = context.has(1) ? context.value(1)?.elements[0] : input[axis];
  const bins = oneSided ? (typeof length === 'number' ? Math.floor(length / 2) + 1 : undefined) : length;
  return [withDimension(withDimension(input, axis, bins), input.length - 1, 2)];
};

/** [batch, frames, bins, 2] */
const shortTimeFourier: ShapeRule = (context) => {
  const [batch, samples] = context.shape(0) ?? [];
  const step = context.value(1)?.elements[0];
  const frame = context.has(2) ? context.shape(2)?.[0] : context.value(3)?.elements[0];
  const oneSided = intAttribute(context.node, 'onesided', 1) !== 0;
  const bins = typeof frame === 'number' ? (oneSided ? Math.floor(frame / 2) + 1 : frame) : undefined;
  const frames =
    typeof samples === 'number' && typeof frame === 'number' && typeof step === 'number' && step > 0
      ? Math.floor((samples - frame) / step) + 1
      : undefined;
  return [[batch, frames, bins, 2]];
};

/** The loss alone where it is reduced, else one for each label; then, of the cross entropy, the log-probabilities. */
const loss: ShapeRule = ({ node, shape }) => {
  const reduction = node.attributes.find((attribute) => attribute.name === 'reduction');
  const isNone = reduction?.kind === 'string' && reduction.value === 'none';
  return [isNone ? shape(1) : [], shape(0)];
};

export const generationRules = [
  ...forAll(['Constant'], constant),
  ...forAll(['ConstantOfShape'], constantOfShape),
  ...forAll(['RandomNormal', 'RandomUniform'], random),
  ...forAll(['Shape'], shapeOf),
  ...forAll(['Size'], scalar),
  ...forAll(['Range'], range),
  ...forAll(['NonZero'], nonZero),
  ...forAll(['NonMaxSuppression'], nonMaxSuppression),
  ...forAll(['Multinomial'], multinomial),
  ...forAll(['HannWindow', 'HammingWindow', 'BlackmanWindow'], window),
  ...forAll(['MelWeightMatrix'], melWeights),
  ...forAll(['DFT'], fourier),
  ...forAll(['STFT'], shortTimeFourier),
  ...forAll(['SoftmaxCrossEntropyLoss', 'NegativeLogLikelihoodLoss'], loss),
  ...forAll(['SequenceLength', 'OptionalHasElement'], scalar),
];
