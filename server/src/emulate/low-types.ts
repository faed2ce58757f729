/** The element types that an FP32 graph stands in for. Knows types only. */
import { DataType } from '../onnx/index.js';

/** FP16 and BF16: what an FP32 graph represents by rounded FP32 values. */
export function isLow(type: DataType | undefined): type is DataType {
  return type === DataType.FLOAT16 || type === DataType.BFLOAT16;
}

/** The type that stands for it: FP32 for low ones, itself otherwise. */
export function wideType(type: DataType): DataType {
  return isLow(type) ? DataType.FLOAT : type;
}
