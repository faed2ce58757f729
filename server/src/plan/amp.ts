/**
 * The lists of automatic mixed precision over ONNX operators: which gain from FP16 and bear it (allow), which
 * are dangerous in FP16 (deny), and the rest, which does as its neighbours do (infer). Data, with the reason of
 * each entry. After NVIDIA's and PyTorch's lists of the same names.
 */

export type AmpList = 'allow' | 'deny' | 'infer';

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

/** By operator of the ONNX domain. */
const ENTRIES: Readonly<Record<string, AmpEntry | undefined>> = {
  ...list('allow', CONVOLUTION, ['Conv', 'ConvTranspose', 'DeformConv']),
  ...list('allow', PRODUCT, ['MatMul', 'Gemm', 'Einsum', 'Attention']),
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
  ...list('deny', POWER, ['Pow', 'ReduceProd']),
  ...list('deny', RECIPROCAL, ['Reciprocal']),
  ...list('deny', REDUCTION, ['ReduceSum', 'ReduceMean', 'ReduceL1', 'CumSum', 'DFT', 'STFT']),
  ...list('deny', NORMALIZATION, [
    'ReduceL2',
    'ReduceSumSquare',
    'LayerNormalization',
    'GroupNormalization',
    'InstanceNormalization',
    'RMSNormalization',
    'MeanVarianceNormalization',
    'LpNormalization',
    'LpPool',
    'GlobalLpPool',
    'LRN',
  ]),
  ...list('deny', LOSS, ['SoftmaxCrossEntropyLoss', 'NegativeLogLikelihoodLoss']),
  ...list('deny', STEEP, ['Acos', 'Asin', 'Tan', 'Acosh', 'Atanh']),
};

/** By operator of ONNX Runtime's own domain, `com.microsoft`. */
const CONTRIBUTED: Readonly<Record<string, AmpEntry | undefined>> = {
  ...list('allow', CONVOLUTION, ['FusedConv', 'NhwcFusedConv', 'NhwcConv']),
  ...list('allow', PRODUCT, [
    'FusedMatMul',
    'FusedGemm',
    'TransposeMatMul',
    'Attention',
    'MultiHeadAttention',
    'GroupQueryAttention',
    'PackedAttention',
    'PackedMultiHeadAttention',
    'DecoderMaskedMultiHeadAttention',
  ]),
  ...list('deny', EXPONENTIAL, ['BiasSoftmax']),
  ...list('deny', NORMALIZATION, [
    'SkipLayerNormalization',
    'SimplifiedLayerNormalization',
    'SkipSimplifiedLayerNormalization',
    'EmbedLayerNormalization',
    'GroupNorm',
    'SkipGroupNorm',
  ]),
};

const INFER: AmpEntry = {
  list: 'infer',
  reason: 'neither gains nor loses much by itself: does as its neighbours do',
};

/** The list that an operator is on; every operator is on one. */
export function ampEntry(domain: string, opType: string): AmpEntry {
  const entries =
    domain === '' || domain === 'ai.onnx' ? ENTRIES : domain === 'com.microsoft' ? CONTRIBUTED : {};
  return Object.hasOwn(entries, opType) ? (entries[opType] ?? INFER) : INFER;
}

function list(name: AmpList, reason: string, operators: readonly string[]): Record<string, AmpEntry> {
  return Object.fromEntries(operators.map((operator) => [operator, { list: name, reason }]));
}
