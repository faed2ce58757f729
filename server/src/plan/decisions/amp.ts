/**
 * The lists of automatic mixed precision over operators: which gain from FP16 and bear it (allow), which are dangerous in
 * FP16 (deny), which do as what they read does (infer), and which have no precision of their own (clear). Data, with the
 * reason of each entry; every operator of the schemas that gives floating-point numbers is on a list. After the lists of
 * ONNX Runtime's, TensorFlow's and PyTorch's mixed precision, which agree on what matters; what follows from them
 * along a graph is in amp-layers.ts.
 */
import { isMovementOperator } from '../model/movement.js';

export type AmpList = 'allow' | 'deny' | 'infer' | 'clear';

export interface AmpEntry {
  readonly list: AmpList;
  readonly reason: string;
}

const CONVOLUTION = 'multiply-adds dominate its time, and sums are kept in FP32 by most hardware';
const PRODUCT = 'matrix products dominate its time, and sums are kept in FP32 by most hardware';
const RECURRENT = 'matrix products dominate its time; its gates are bounded';
const EXPONENTIAL = 'exponentials leave the range of FP16 at arguments of 11.1 and more';
const LOGARITHM = 'small arguments round to zero in FP16, whose logarithm is infinite';
const POWER = 'powers leave the range of FP16: 256 squared is already beyond 65504';
const RECIPROCAL = 'the reciprocal of a small value leaves the range of FP16';
const REDUCTION = 'a sum over many elements swamps small terms in FP16 and leaves its range';
const NORMALIZATION = 'a sum of squares over many elements leaves the range of FP16';
const LOSS = 'a loss is a logarithm summed over many elements';
const STEEP = 'steep near the ends of its domain, where FP16 has no digits left';
const POSITION = 'positions and counts beyond 2048 need more digits than FP16 has';
const UPDATE = 'small updates vanish beside large weights in FP16';
const CLASSICAL = 'compares with thresholds and tables that are defined in FP32';
const ELEMENTWISE = 'works on one element at a time, and is bounded where its input is';
const SELECTION = 'chooses or interpolates between the values that it reads';
const SCALING = 'scales by statistics that are known before: no sum is formed';
const AVERAGE = 'a mean of few elements stays within their range';
const RANDOM = 'draws numbers within bounds';
const CONTAINER = 'holds other operators, or tensors, and computes nothing itself';
const MOVING = 'only moves or copies values';

/** By operator of the ONNX domain. */
const ENTRIES: Readonly<Record<string, AmpEntry | undefined>> = {
  ...list('allow', CONVOLUTION, ['Conv', 'ConvTranspose', 'DeformConv']),
  ...list('allow', PRODUCT, ['MatMul', 'Gemm', 'Einsum', 'Attention', 'LinearAttention']),
  ...list('allow', CONVOLUTION, ['CausalConvWithState']),
  ...list('allow', RECURRENT, ['LSTM', 'GRU', 'RNN']),
  ...list('deny', EXPONENTIAL, [
    'Exp',
    'Softmax',
    'LogSoftmax',
    'Softplus',
    'Sinh',
    'Cosh',
    'ReduceLogSumExp',
  ]),
  ...list('deny', LOGARITHM, ['Log', 'ReduceLogSum']),
  ...list('deny', POWER, ['Pow', 'ReduceProd', 'CumProd', 'Det']),
  ...list('deny', RECIPROCAL, ['Reciprocal']),
  ...list('deny', REDUCTION, ['ReduceSum', 'ReduceMean', 'ReduceL1', 'CumSum', 'DFT', 'STFT']),
  ...list('deny', NORMALIZATION, [
    'ReduceL2',
    'ReduceSumSquare',
    'LayerNormalization',
    'GroupNormalization',
    'InstanceNormalization',
    'RMSNormalization',
    'SimplifiedLayerNormalization',
    'MeanVarianceNormalization',
    'LpNormalization',
    'LpPool',
    'GlobalLpPool',
    'LRN',
  ]),
  ...list('deny', LOSS, ['SoftmaxCrossEntropyLoss', 'NegativeLogLikelihoodLoss']),
  ...list('deny', STEEP, ['Acos', 'Asin', 'Tan', 'Acosh', 'Atanh']),
  ...list('deny', POSITION, ['AffineGrid', 'Range', 'MelWeightMatrix', 'TfIdfVectorizer']),
  ...list('infer', ELEMENTWISE, [
    ...['Abs', 'Add', 'Affine', 'Asinh', 'Atan', 'Ceil', 'Celu', 'Clip', 'Cos', 'Div', 'Elu', 'Erf', 'Floor'],
    ...[
      'Gelu',
      'HardSigmoid',
      'HardSwish',
      'Hardmax',
      'ImageScaler',
      'LeakyRelu',
      'Max',
      'Mean',
      'Min',
      'Mish',
    ],
    ...['Mod', 'Mul', 'Neg', 'PRelu', 'ParametricSoftplus', 'Relu', 'RotaryEmbedding', 'Round', 'Scale'],
    ...['ScaledTanh', 'Selu', 'Shrink', 'Sigmoid', 'Sign', 'Sin', 'Softsign', 'Sqrt', 'Sub', 'Sum', 'Swish'],
    ...['Tanh', 'ThresholdedRelu', 'DequantizeLinear', 'Dropout'],
  ]),
  ...list('infer', SELECTION, [
    ...['Col2Im', 'Crop', 'GlobalMaxPool', 'GridSample', 'MaxPool', 'MaxRoiPool', 'MaxUnpool', 'ReduceMax'],
    ...[
      'ReduceMin',
      'Resize',
      'RoiAlign',
      'Scatter',
      'ScatterElements',
      'ScatterND',
      'TopK',
      'Unique',
      'Upsample',
    ],
    'TensorScatter',
  ]),
  ...list('infer', SCALING, ['BatchNormalization']),
  ...list('infer', AVERAGE, ['AveragePool', 'GlobalAveragePool']),
  ...list('infer', RANDOM, [
    ...['Bernoulli', 'RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike'],
    ...['BlackmanWindow', 'HammingWindow', 'HannWindow'],
  ]),
  ...list('clear', CONTAINER, ['If', 'Loop', 'Scan', 'SequenceMap', 'SequenceEmpty', 'Optional']),
  ...list('clear', MOVING, ['BitCast', 'Constant', 'ConstantOfShape', 'EyeLike', 'DynamicQuantizeLinear']),
};

/** By operator of ONNX Runtime's own domain, `com.microsoft`, beyond those that have the name of one of the standard's. */
const CONTRIBUTED: Readonly<Record<string, AmpEntry | undefined>> = {
  ...list('allow', CONVOLUTION, [
    ...['FusedConv', 'NhwcFusedConv', 'NhwcConv', 'ConvTransposeWithDynamicPads', 'WordConvEmbedding'],
  ]),
  ...list('allow', PRODUCT, [
    ...['FusedMatMul', 'FusedGemm', 'TransposeMatMul', 'MatMulBnb4', 'MatMulFpQ4', 'MatMulNBits'],
    ...['MatMulIntegerToFloat', 'DynamicQuantizeMatMul', 'QGemm', 'MoE', 'QMoE'],
    ...['MultiHeadAttention', 'GroupQueryAttention', 'PackedAttention', 'PackedMultiHeadAttention'],
    ...['DecoderMaskedMultiHeadAttention', 'DecoderMaskedSelfAttention', 'DecoderAttention', 'QAttention'],
    ...['SparseAttention', 'PagedAttention', 'LongformerAttention'],
  ]),
  ...list('allow', RECURRENT, ['AttnLSTM', 'DynamicQuantizeLSTM']),
  ...list('deny', EXPONENTIAL, ['BiasSoftmax']),
  ...list('deny', POWER, ['CDist', 'Inverse', 'ComplexMul', 'ComplexMulConj']),
  ...list('deny', REDUCTION, ['Rfft', 'Irfft']),
  ...list('deny', POSITION, ['SampleOp']),
  ...list('deny', NORMALIZATION, [
    ...['SkipLayerNormalization', 'SkipSimplifiedLayerNormalization', 'GroupNorm', 'SkipGroupNorm'],
    ...['EmbedLayerNormalization', 'QEmbedLayerNormalization'],
  ]),
  ...list('infer', ELEMENTWISE, [
    ...['BiasAdd', 'BiasDropout', 'BiasGelu', 'BiasSplitGelu', 'BitmaskDropout', 'FastGelu', 'QuickGelu'],
    ...['GemmaRotaryEmbedding', 'NGramRepeatBlock'],
  ]),
  ...list('infer', SELECTION, ['CropAndResize', 'MaxpoolWithMask', 'GatherBlockQuantized']),
  ...list('clear', MOVING, ['ExpandDims', 'UnfoldTensor']),
};

/** By operator of the domain of classical models. */
const CLASSICAL_MOVING: ReadonlySet<string> = new Set(['ArrayFeatureExtractor', 'FeatureVectorizer']);

const UNKNOWN: AmpEntry = { list: 'infer', reason: 'not known here: does as what it reads' };

/** The list that an operator is on; one that is not known infers. */
export function ampEntry(domain: string, opType: string): AmpEntry {
  switch (domain) {
    case '':
    case 'ai.onnx':
      return standardEntry(opType) ?? UNKNOWN;
    case 'com.microsoft':
      return own(CONTRIBUTED, opType) ?? standardEntry(opType) ?? UNKNOWN;
    case 'ai.onnx.ml':
      return CLASSICAL_MOVING.has(opType)
        ? { list: 'clear', reason: MOVING }
        : { list: 'deny', reason: CLASSICAL };
    case 'ai.onnx.preview.training':
    case 'ai.onnx.training':
      return { list: 'deny', reason: UPDATE };
    default:
      return UNKNOWN;
  }
}

/** Whether the lists say something of the operator. */
export function isOnAmpList(domain: string, opType: string): boolean {
  return ampEntry(domain, opType) !== UNKNOWN;
}

function standardEntry(opType: string): AmpEntry | undefined {
  const entry = own(ENTRIES, opType);
  if (entry !== undefined) return entry;
  return isMovementOperator(opType) ? { list: 'clear', reason: MOVING } : undefined;
}

function own(entries: Readonly<Record<string, AmpEntry | undefined>>, opType: string): AmpEntry | undefined {
  return Object.hasOwn(entries, opType) ? entries[opType] : undefined;
}

function list(name: AmpList, reason: string, operators: readonly string[]): Record<string, AmpEntry> {
  return Object.fromEntries(operators.map((operator) => [operator, { list: name, reason }]));
}
