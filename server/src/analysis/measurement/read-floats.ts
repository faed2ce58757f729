/** The elements of a tensor in the compute process, as FP32. */
import { decodeFp16 } from '../../formats/index.js';
import { DataType } from '../../onnx/index.js';
import type { TensorHandle } from '../../runtime/index.js';
import type { Evaluation } from '../sessions/evaluation.js';

/** Reads a floating-point tensor; FP64 is narrowed. */
export async function readFloats(
  { runtime }: Evaluation,
  handle: TensorHandle,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const bytes = await runtime.read(handle, signal);
  const { buffer, byteOffset, byteLength } = bytes;
  switch (handle.dataType) {
    case DataType.FLOAT:
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case DataType.FLOAT16:
      return decodeFp16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    default:
      return Float32Array.from(new Float64Array(buffer, byteOffset, byteLength / 8));
  }
}
