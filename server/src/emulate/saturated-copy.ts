/** Constants that are saturated, which a cast would not do. Knows one constant at a time. */
import { roundArray } from '../formats/index.js';
import { DataType, makeTensor, type Model, type Tensor } from '../onnx/index.js';
import { floatsOf, formatOfType, maskStorage, type ConstantCopy } from '../plan/index.js';

/** The FP32 tensor, without a name, of a copy whose values are made the largest number; undefined for any other. */
export function saturatedCopy(copy: ConstantCopy, model: Model): Tensor | undefined {
  const { value, to, overflow } = copy;
  const format = formatOfType(to);
  if (format === undefined || value.dataType !== DataType.FLOAT) return undefined;
  const mask = maskStorage(copy, model, format);
  if (mask === undefined ? overflow !== 'saturate' : mask !== 'lowest') return undefined;
  const values = floatsOf(value, model);
  if (!(values instanceof Float32Array)) return undefined;
  const rounded = roundArray(format, values, undefined, 'saturate');
  return makeTensor('', DataType.FLOAT, value.dims, new Uint8Array(rounded.buffer));
}
