/**
 * Writes a `NodeProto` or `TensorProto` that was made here and holds nothing of a file, in one go. Byte for byte what
 * encode-graph.ts and encode-tensor.ts write of it, which do so field by field.
 */
import type { FieldWriter } from './field-writer.js';
import { PLAIN_ATTRIBUTES } from './make.js';
import type { Attribute, Node, Tensor } from './model.js';

/** More than that is not copied once more. */
const MOST_BYTES = 65536;

/** The content of the message; false, and nothing written, for a node that was read, or has an attribute that is more than numbers and texts. */
export function writeMadeNode(writer: FieldWriter, node: Node): boolean {
  if (node.message !== undefined || !node.attributes.every(isPlain)) return false;
  for (const input of node.inputs) writer.text(1, input);
  for (const output of node.outputs) writer.text(2, output);
  if (node.name !== '') writer.text(3, node.name);
  if (node.opType !== '') writer.text(4, node.opType);
  for (const attribute of node.attributes) {
    writer.message(5, () => writeAttribute(writer, attribute));
  }
  if (node.domain !== '') writer.text(7, node.domain);
  if (node.overload !== '') writer.text(8, node.overload);
  return true;
}

function isPlain({ message, kind }: Attribute): boolean {
  return message === undefined && PLAIN_ATTRIBUTES.has(kind);
}

/** The name, the value, and its `AttributeType`. */
function writeAttribute(writer: FieldWriter, attribute: Attribute): true {
  if (attribute.name !== '') writer.text(1, attribute.name);
  switch (attribute.kind) {
    case 'float':
      writer.float(2, attribute.value);
      writer.integer(20, 1);
      return true;
    case 'int':
      writer.integer(3, attribute.value);
      writer.integer(20, 2);
      return true;
    case 'string':
      writer.text(4, attribute.value);
      writer.integer(20, 3);
      return true;
    case 'floats':
      for (const value of attribute.value) writer.float(7, value);
      writer.integer(20, 6);
      return true;
    case 'ints':
      for (const value of attribute.value) writer.integer(8, value);
      writer.integer(20, 7);
      return true;
    case 'strings':
      for (const value of attribute.value) writer.text(9, value);
      writer.integer(20, 8);
      return true;
    default:
      throw new TypeError(`an attribute of kind ${attribute.kind} is not written here`);
  }
}

/** The content of the message; false, and nothing written, for a tensor that was read, is large, or is not in memory yet. */
export function writeMadeTensor(
  writer: FieldWriter,
  { message, dims, dataType, name, data }: Tensor,
): boolean {
  if (message !== undefined || (data.kind !== 'made' && data.kind !== 'external')) return false;
  if (data.kind === 'made' && data.bytes.length > MOST_BYTES) return false;
  for (const dim of dims) writer.integer(1, dim);
  writer.integer(2, dataType);
  if (name !== '') writer.text(8, name);
  if (data.kind === 'made') {
    writer.bytes(9, data.bytes);
    return true;
  }
  writeEntry(writer, 'location', data.location);
  writeEntry(writer, 'offset', String(data.offset));
  if (data.length !== undefined) writeEntry(writer, 'length', String(data.length));
  writer.integer(14, 1);
  return true;
}

function writeEntry(writer: FieldWriter, key: string, value: string): void {
  writer.message(13, () => {
    writer.text(1, key);
    writer.text(2, value);
    return true;
  });
}
