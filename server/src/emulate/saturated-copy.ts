/** Constants that are saturated, which a cast would not do. Knows one constant at a time. */
import { roundArray, roundTo, type RunFormat } from '../formats/index.js';
import { DataType, makeTensor, type Model, type Tensor } from '../onnx/index.js';
import { floatsOf, formatOfType, maskStorage, type ConstantCopy } from '../plan/index.js';

/** The FP32 tensor, without a name, of a copy whose values are made the largest number; undefined for any other. */
export function saturatedCopy(copy: ConstantCopy, model: Model): Tensor | undefined {
  const { value, to, overflow } = copy;
  const format = formatOfType(to);
  if (format === undefined) return undefined;
  const mask = maskStorage(copy, model, format);
  if (mask === undefined ? overflow !== 'saturate' : mask !== 'lowest') return undefined;
  const values = floatsOf(value, model);
  if (values === undefined) return undefined;
  const rounded = saturated(format, values);
  return makeTensor('', DataType.FLOAT, value.dims, new Uint8Array(rounded.buffer));
}

/** Doubles are rounded to the format at once: by way of FP32 they would be rounded twice, and infinite beyond it. */
function saturated(format: RunFormat, values: Float32Array | Float64Array): Float32Array {
  return values instanceof Float32Array
    ? roundArray(format, values, undefined, 'saturate')
    : Float32Array.from(values, (value) => roundTo(format, value, 'saturate'));
}
