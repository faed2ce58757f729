/** Shapes of operators that work element by element: the first input's shape, or all inputs broadcast. */
import { broadcast } from './dimension.js';
import type { NodeContext, ShapeRule, Shapes } from './rule.js';
import { forAll } from './rule.js';

const KEEPING = [
  ...[
    'Abs',
    'Acos',
    'Acosh',
    'Asin',
    'Asinh',
    'Atan',
    'Atanh',
    'BitwiseNot',
    'Cast',
    'CastLike',
    'Ceil',
    'Celu',
  ],
  ...[
    'Clip',
    'Cos',
    'Cosh',
    'CumSum',
    'CumProd',
    'BitCast',
    'RotaryEmbedding',
    'DequantizeLinear',
    'Elu',
    'Erf',
    'Exp',
    'EyeLike',
    'Floor',
    'Gelu',
  ],
  ...[
    'HardSigmoid',
    'HardSwish',
    'Hardmax',
    'Identity',
    'InstanceNormalization',
    'IsInf',
    'IsNaN',
    'LeakyRelu',
  ],
  ...[
    'Log',
    'LogSoftmax',
    'LpNormalization',
    'LRN',
    'MeanVarianceNormalization',
    'Mish',
    'Neg',
    'Not',
    'PRelu',
  ],
  ...[
    'QuantizeLinear',
    'Reciprocal',
    'Relu',
    'ReverseSequence',
    'Round',
    'Selu',
    'Shrink',
    'Sigmoid',
    'Sign',
    'Sin',
  ],
  ...['Sinh', 'Softmax', 'Softplus', 'Softsign', 'Sqrt', 'Swish', 'Tan', 'Tanh', 'ThresholdedRelu', 'Trilu'],
  ...[
    'GroupNormalization',
    'RMSNormalization',
    'Bernoulli',
    'RandomNormalLike',
    'RandomUniformLike',
    'Scatter',
  ],
  ...[
    'ScatterElements',
    'ScatterND',
    'TensorScatter',
    'Affine',
    'ImageScaler',
    'ParametricSoftplus',
    'ScaledTanh',
  ],
  'Scale',
];

const ARITHMETIC = ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'And', 'Or', 'Xor', 'Equal', 'Greater', 'Less'];
const BROADCAST = [
  ...['GreaterOrEqual', 'LessOrEqual', 'Mod', 'BitShift', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'Where'],
  ...['Max', 'Min', 'Mean', 'Sum'],
];

/** Outputs that are all of the first input's shape. */
export const keepFirst: ShapeRule = (context) => [context.shape(0)];

const keepFirstTwice: ShapeRule = (context) => [context.shape(0), context.shape(0)];

export const broadcastAll: ShapeRule = (context) => [broadcast(inputShapes(context))];

/** Before opset 7 these broadcast only on demand, and then to the first input's shape. */
const arithmetic: ShapeRule = (context) => (context.opset < 7 ? keepFirst(context) : broadcastAll(context));

/** Scale and zero point, a scalar each, follow the quantized tensor. */
const dynamicQuantize: ShapeRule = (context) => [context.shape(0), [], []];

export const elementwiseRules = [
  ...forAll(KEEPING, keepFirst),
  ...forAll(ARITHMETIC, arithmetic),
  ...forAll(BROADCAST, broadcastAll),
  ...forAll(['Dropout'], keepFirstTwice),
  ...forAll(['DynamicQuantizeLinear'], dynamicQuantize),
];

function inputShapes(context: NodeContext): Shapes {
  return context.node.inputs.map((_, index) => context.shape(index));
}
