/**
 * The attribute that sets the type of a node's output: Cast's `to`, `dtype` of the generators, the value of ConstantOfShape.
 * Knows one node at a time.
 */
import { encodeBf16, encodeFp16, roundTo } from '../../formats/index.js';
import {
  DataType,
  makeAttribute,
  makeTensor,
  typeAttributeName,
  typeFromAttributes,
  type Attribute,
  type Model,
  type Node,
  type Tensor,
} from '../../onnx/index.js';
import { makeCast } from './cast-node.js';
import { floatsOf } from './float-values.js';
import { formatOfType } from './format-types.js';

/**
 * The node's attributes with the first output's type set to `type`: the very same where it is of that type already or
 * does not depend on an attribute.
 *
 * @param original the type of the output in the model.
 */
export function attributesForType(
  node: Node,
  type: DataType,
  original: DataType | undefined,
  model: Model,
): readonly Attribute[] {
  const name = typeAttributeName(node);
  const opset = model.opsets.get(node.domain) ?? 1;
  if (name === undefined || node.opType === 'Constant') return node.attributes;
  if ((typeFromAttributes(node, opset) ?? original) === type) return node.attributes;
  const changed = typeAttribute(node, name, type, model);
  if (changed === undefined) return node.attributes;
  return node.attributes.some((attribute) => attribute.name === name)
    ? node.attributes.map((attribute) => (attribute.name === name ? { ...attribute, ...changed } : attribute))
    : [...node.attributes, changed];
}

function typeAttribute(node: Node, name: string, type: DataType, model: Model): Attribute | undefined {
  if (node.opType === 'Cast') {
    return makeCast({ name: '', from: '', to: '', type, opset: model.opsets.get('') ?? 1 }).attributes[0];
  }
  if (node.opType !== 'ConstantOfShape') return makeAttribute(name, { kind: 'int', value: type });
  const given = node.attributes.find((attribute) => attribute.name === name);
  const zero = makeTensor('', DataType.FLOAT, [1], new Uint8Array(4));
  const value = retyped(given?.kind === 'tensor' ? given.value : zero, type, model);
  return value === undefined ? undefined : makeAttribute(name, { kind: 'tensor', value });
}

/** A tensor of few elements in another floating-point type; each rounded once. */
function retyped(tensor: Tensor, type: DataType, model: Model): Tensor | undefined {
  const values = floatsOf(tensor, model);
  const format = formatOfType(type);
  if (values === undefined) return undefined;
  if (format === undefined) {
    return makeTensor(tensor.name, type, tensor.dims, new Uint8Array(Float64Array.from(values).buffer));
  }
  const rounded = Float32Array.from(values, (value) => roundTo(format, value));
  const stored = format === 'fp16' ? encodeFp16(rounded) : format === 'bf16' ? encodeBf16(rounded) : rounded;
  return makeTensor(tensor.name, type, tensor.dims, new Uint8Array(stored.buffer));
}
