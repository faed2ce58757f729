/** A tensor in a file of its own (`.pb`, a serialized TensorProto), as the ONNX standard's tests have their inputs. */
import { bufferSource, readTensorFile, tensorBytes, type DataType } from '../../onnx/index.js';
import { failure, success, type Outcome } from './types.js';

export interface FileTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  /** Little-endian, in C order. */
  readonly elements: Uint8Array;
}

/** The tensor that the bytes of a file are. */
export function parseTensorFile(bytes: Uint8Array): Outcome<FileTensor> {
  const result = readTensorFile(bufferSource(bytes));
  if ('problem' in result) {
    return failure(
      'input-missing',
      `${result.problem.message}; write an ONNX tensor with onnx.numpy_helper.from_array`,
    );
  }
  const { tensor } = result;
  const elements = tensorBytes(tensor, undefined);
  if ('problem' in elements) return failure('input-missing', elements.problem.message);
  return success({ dataType: tensor.dataType, dims: tensor.dims, elements: elements.bytes });
}
