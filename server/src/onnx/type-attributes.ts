/**
 * Output types that an operator takes from its attributes instead of from an input: Cast, Constant,
 * ConstantOfShape, the random generators, window functions, the classifiers of ai.onnx.ml ...
 * Knows the operators' definitions, and nothing of graphs.
 */
import { dataTypeAttribute, hasAttribute, tensorAttribute } from './attributes.js';
import type { Node } from './model.js';
import { DataType } from './model.js';

/**
 * The element type of an output as the node's attributes set it, defaults included. Undefined where attributes
 * do not decide (then an input or the schema does), or where the attribute cannot be read.
 *
 * @param opset the version of the node's domain.
 */
export function typeFromAttributes(node: Node, opset: number, output = 0): DataType | undefined {
  if (node.domain === '' || node.domain === 'ai.onnx') return standardType(node, opset, output);
  if (node.domain === 'ai.onnx.ml') return output === 0 ? machineLearningType(node) : undefined;
  return undefined;
}

/** The attribute by which the first output's type is set: what a converter writes to change it. */
export function typeAttributeName(node: Node): string | undefined {
  if (node.domain !== '' && node.domain !== 'ai.onnx') return undefined;
  switch (node.opType) {
    case 'Cast':
      return 'to';
    case 'RandomNormal':
    case 'RandomUniform':
    case 'RandomNormalLike':
    case 'RandomUniformLike':
    case 'EyeLike':
    case 'Bernoulli':
    case 'Multinomial':
    case 'SequenceEmpty':
      return 'dtype';
    case 'HannWindow':
    case 'HammingWindow':
    case 'BlackmanWindow':
    case 'MelWeightMatrix':
      return 'output_datatype';
    case 'Constant':
    case 'ConstantOfShape':
      return 'value';
    default:
      return undefined;
  }
}

function standardType(node: Node, opset: number, output: number): DataType | undefined {
  if (node.opType === 'LayerNormalization' || node.opType === 'SimplifiedLayerNormalization') {
    // The statistics; Y has the type of its inputs.
    return output === 0 ? undefined : orDefault(node, 'stash_type', DataType.FLOAT);
  }
  if (output !== 0) return undefined;
  switch (node.opType) {
    case 'BitCast':
      return dataTypeAttribute(node, 'to');
    case 'Cast':
      return dataTypeAttribute(node, 'to') ?? earlyCastType(node, opset);
    case 'Constant':
      return constantType(node);
    case 'ConstantOfShape':
      return (
        tensorAttribute(node, 'value')?.dataType ?? (hasAttribute(node, 'value') ? undefined : DataType.FLOAT)
      );
    case 'RandomNormal':
    case 'RandomUniform':
    case 'SequenceEmpty':
      return orDefault(node, 'dtype', DataType.FLOAT);
    case 'Multinomial':
      return orDefault(node, 'dtype', DataType.INT32);
    case 'RandomNormalLike':
    case 'RandomUniformLike':
    case 'EyeLike':
    case 'Bernoulli':
      return dataTypeAttribute(node, 'dtype');
    case 'HannWindow':
    case 'HammingWindow':
    case 'BlackmanWindow':
    case 'MelWeightMatrix':
      return orDefault(node, 'output_datatype', DataType.FLOAT);
    case 'QuantizeLinear':
      // A zero point, where there is one, decides through the schema.
      if ((node.inputs[2] ?? '') !== '') return undefined;
      return dataTypeAttribute(node, 'output_dtype') ?? DataType.UINT8;
    case 'DequantizeLinear':
      return dataTypeAttribute(node, 'output_dtype');
    default:
      return undefined;
  }
}

/** The default stands for an attribute left out, not for one that cannot be read. */
function orDefault(node: Node, name: string, otherwise: DataType): DataType | undefined {
  return hasAttribute(node, name) ? dataTypeAttribute(node, name) : otherwise;
}

/** Before opset 6 `to` was the type's name. */
function earlyCastType(node: Node, opset: number): DataType | undefined {
  const to = node.attributes.find((attribute) => attribute.name === 'to');
  if (opset >= 6 || to?.kind !== 'string') return undefined;
  const entry = Object.entries(DataType).find(([name]) => name === to.value.toUpperCase());
  return typeof entry?.[1] === 'number' ? entry[1] : undefined;
}

function constantType(node: Node): DataType | undefined {
  const tensor = tensorAttribute(node, 'value');
  if (tensor !== undefined) return tensor.dataType;
  const sparse = node.attributes.find(({ name }) => name === 'sparse_value');
  if (sparse?.kind === 'other' && sparse.filled?.kind === 'tensor') return sparse.filled.elementType;
  if (hasAttribute(node, 'value_float') || hasAttribute(node, 'value_floats')) return DataType.FLOAT;
  if (hasAttribute(node, 'value_int') || hasAttribute(node, 'value_ints')) return DataType.INT64;
  if (hasAttribute(node, 'value_string') || hasAttribute(node, 'value_strings')) return DataType.STRING;
  return undefined;
}

function machineLearningType(node: Node): DataType | undefined {
  switch (node.opType) {
    case 'LinearClassifier':
    case 'SVMClassifier':
    case 'TreeEnsembleClassifier': {
      const labels = node.attributes.find((attribute) => attribute.name === 'classlabels_strings');
      return labels?.kind === 'strings' && labels.value.length > 0 ? DataType.STRING : DataType.INT64;
    }
    case 'LabelEncoder':
      return labelType(node);
    case 'CastMap': {
      const to = node.attributes.find((attribute) => attribute.name === 'cast_to');
      const name = to?.kind === 'string' ? to.value : 'TO_FLOAT';
      if (name === 'TO_FLOAT') return DataType.FLOAT;
      if (name === 'TO_INT64') return DataType.INT64;
      return name === 'TO_STRING' ? DataType.STRING : undefined;
    }
    default:
      return undefined;
  }
}

function labelType(node: Node): DataType | undefined {
  if (hasAttribute(node, 'values_strings')) return DataType.STRING;
  if (hasAttribute(node, 'values_int64s')) return DataType.INT64;
  if (hasAttribute(node, 'values_floats')) return DataType.FLOAT;
  return tensorAttribute(node, 'values_tensor')?.dataType;
}
