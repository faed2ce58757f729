/**
 * Which operators pass finite gradients on as finite ones, whatever finite numbers they read: roots, logarithms and quotients
 * only where those are away from zero.
 * Behind those a mask may be multiplied with, as 0 times a finite number is 0; behind others it has to choose. Knows names.
 */
import type { Node } from '../onnx/index.js';

const FINITE: ReadonlySet<string> = new Set([
  'Abs',
  'Add',
  'AveragePool',
  'BatchNormalization',
  'Cast',
  'Clip',
  'Concat',
  'Conv',
  'ConvTranspose',
  'DepthToSpace',
  'Dropout',
  'Elu',
  'Erf',
  'Expand',
  'Flatten',
  'Gather',
  'Gelu',
  'Gemm',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'HardSigmoid',
  'HardSwish',
  'Identity',
  'LeakyRelu',
  'LogSoftmax',
  'MatMul',
  'Max',
  'MaxPool',
  'Mean',
  'Min',
  'Mish',
  'Mul',
  'Neg',
  'PRelu',
  'Pad',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceSum',
  'ReduceSumSquare',
  'Relu',
  'Reshape',
  'Resize',
  'Selu',
  'Sigmoid',
  'Slice',
  'Softmax',
  'Softplus',
  'Softsign',
  'SpaceToDepth',
  'Split',
  'Squeeze',
  'Sub',
  'Sum',
  'Swish',
  'Tanh',
  'Transpose',
  'Unsqueeze',
  'Upsample',
  'Where',
]);

/**
 * @param constantValues the elements of a tensor that is known beforehand.
 * @param isAwayFromZero whether no element of a tensor can be zero.
 */
export function keepsGradientsFinite(
  { domain, opType, inputs }: Node,
  constantValues: (name: string) => readonly number[] | undefined,
  isAwayFromZero: (name: string) => boolean,
): boolean {
  const [first = '', second = ''] = inputs;
  if (domain !== '') return false;
  switch (opType) {
    case 'Div':
      return isAwayFromZero(second);
    case 'Sqrt':
    case 'Reciprocal':
    case 'Log':
      return isAwayFromZero(first);
    case 'Pow':
      return constantValues(second)?.every((exponent) => exponent >= 1) === true;
    default:
      return FINITE.has(opType);
  }
}
