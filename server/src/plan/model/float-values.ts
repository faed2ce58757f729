/** The elements of floating-point tensors of any width as numbers. Knows one tensor at a time. */
import { decodeBf16, decodeFp16 } from '../../formats/index.js';
import { DataType, modelFolder, tensorValues, type Model, type Tensor } from '../../onnx/index.js';

/** The elements of a floating-point tensor as numbers; undefined for other types, and where they cannot be read. */
export function floatsOf(tensor: Tensor, model: Model): Float32Array | Float64Array | undefined {
  const read = tensorValues(tensor, modelFolder(model));
  if ('problem' in read) return undefined;
  const { values } = read;
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return values instanceof Float32Array ? values : undefined;
    case DataType.DOUBLE:
      return values instanceof Float64Array ? values : undefined;
    case DataType.FLOAT16:
      return values instanceof Uint16Array ? decodeFp16(values) : undefined;
    case DataType.BFLOAT16:
      return values instanceof Uint16Array ? decodeBf16(values) : undefined;
    default:
      return undefined;
  }
}
