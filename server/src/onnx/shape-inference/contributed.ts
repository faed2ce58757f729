/** Shapes of ONNX Runtime's own operators (com.microsoft), and of the few of ai.onnx.ml that keep shapes. */
import { intAttribute, intsAttribute } from '../attributes.js';
import type { Dimension } from '../model.js';
import { contributedAttentionRules } from './attention.js';
import { broadcast } from './dimension.js';
import { keepFirst } from './elementwise.js';
import { gridSample } from './layout.js';
import { contribMatmulRules } from './matmul.js';
import type { ShapeRule } from './rule.js';
import { forAll } from './rule.js';
import { selectionRules } from './selection.js';
import { convolution } from './windows.js';

const KEEPING = [
  ...['BiasAdd', 'BiasGelu', 'BiasSoftmax', 'DequantizeLinear', 'FastGelu', 'Gelu', 'GroupNorm', 'Inverse'],
  ...[
    'QLinearLeakyRelu',
    'QLinearSigmoid',
    'QLinearSoftmax',
    'QuantizeLinear',
    'QuickGelu',
    'RotaryEmbedding',
  ],
  ...['CausalConvWithState', 'MoE', 'MurmurHash3', 'QMoE', 'Trilu'],
];

/** Output as input; statistics of unknown shape (they are for training); the sum that was normalized. */
const skipLayerNormalization: ShapeRule = ({ shape }) => [shape(0), undefined, undefined, shape(0)];

/** Half of the last axis gates the other half. */
const biasSplitGelu: ShapeRule = ({ shape }) => {
  const input = shape(0);
  return [input === undefined ? undefined : [...input.slice(0, -1), half(input.at(-1))]];
};

/** [batch, sequence, hidden size of V]; the state [2, batch, heads, total, head size] is left unknown. */
const attention: ShapeRule = ({ node, shape }) => {
  const input = shape(0);
  const projected = shape(1)?.[1] ?? shape(2)?.[0];
  const hidden =
    intsAttribute(node, 'qkv_hidden_sizes')?.[2] ??
    (typeof projected === 'number' ? projected / 3 : undefined);
  return [input?.length === 3 ? [input[0], input[1], hidden] : undefined];
};

/** [batch, sequence, hidden size of V], for inputs that are not packed. */
const multiHeadAttention: ShapeRule = ({ shape }) => {
  const [query, value] = [shape(0), shape(2)];
  return [query?.length === 3 && value?.length === 3 ? [query[0], query[1], value[2]] : undefined];
};

/** [batch, sequence, hidden], [batch], and the sum before normalization. */
const embedLayerNormalization: ShapeRule = ({ shape }) => {
  const ids = shape(0);
  const hidden = shape(2)?.[1];
  const output = ids?.length === 2 ? [ids[0], ids[1], hidden] : undefined;
  return [output, [ids?.[0]], output];
};

/** The distance of each row of A from each of B. */
const rowDistances: ShapeRule = ({ shape }) => [[shape(0)?.[0], shape(1)?.[0]]];

/** [batch, sequence, hidden size]: the weights are those of Q, K and V. */
const quantizedAttention: ShapeRule = ({ shape }) => {
  const [input, projected] = [shape(0), shape(1)?.[1]];
  const hidden = typeof projected === 'number' ? projected / 3 : undefined;
  return [input?.length === 3 ? [input[0], input[1], hidden] : undefined];
};

/** A and B with the scale and zero point of each. */
const quantizedBinary: ShapeRule = ({ shape }) => [broadcast([shape(0), shape(3)])];

const quantizedGlobalPool: ShapeRule = ({ node, shape }) => {
  const input = shape(0);
  const last = intAttribute(node, 'channels_last', 0) !== 0;
  const channels = last ? (input?.length ?? 0) - 1 : 1;
  return [input?.map((dimension, index) => (index === 0 || index === channels ? dimension : 1))];
};

/** With `Z` added before the activation, which does not broadcast. */
const fusedConvolution = convolution(1);

export const contributedRules = [
  ...forAll(KEEPING, keepFirst),
  ...forAll(['SkipLayerNormalization', 'SkipSimplifiedLayerNormalization'], skipLayerNormalization),
  ...forAll(['BiasSplitGelu'], biasSplitGelu),
  ...forAll(['Attention'], attention),
  ...forAll(['MultiHeadAttention'], multiHeadAttention),
  ...forAll(['EmbedLayerNormalization'], embedLayerNormalization),
  ...forAll(['QLinearAdd', 'QLinearMul'], quantizedBinary),
  ...forAll(['QLinearGlobalAveragePool'], quantizedGlobalPool),
  ...forAll(['FusedConv'], fusedConvolution),
  ...forAll(['GridSample'], gridSample),
  ...forAll(['CDist'], rowDistances),
  ...forAll(['QAttention'], quantizedAttention),
  ...selectionRules.filter(([name]) => name === 'GatherND' || name === 'Pad'),
  ...contributedAttentionRules,
  ...contribMatmulRules,
];

export const machineLearningRules = forAll(
  ['Binarizer', 'CategoryMapper', 'Imputer', 'LabelEncoder', 'Normalizer', 'Scaler'],
  keepFirst,
);

function half(dimension: Dimension): Dimension {
  return typeof dimension === 'number' && dimension % 2 === 0 ? dimension / 2 : undefined;
}
