/**
 * A tensor in a file of its own (`.pb`, a serialized TensorProto), as the standard's tests have their inputs. Its elements
 * stay where they are.
 */
import { DataType, type ByteSource, type ModelProblem, type Tensor } from './model.js';
import { readTensor } from './read-tensor.js';
import { SourceFault } from './source.js';
import { WireFault, WireReader } from './wire.js';

export type TensorFileResult = { readonly tensor: Tensor } | { readonly problem: ModelProblem };

/** The tensor that the bytes are. The source stays open, is the caller's, and is what the elements are read from. */
export function readTensorFile(source: ByteSource): TensorFileResult {
  try {
    const tensor = readTensor(new WireReader(source), { offset: 0, length: source.length });
    if (tensor.dataType === DataType.UNDEFINED) return unreadable('it has no element type');
    return { tensor };
  } catch (error) {
    if (error instanceof WireFault)
      return unreadable(`at byte ${error.offset}, ${error.words}`, error.offset);
    if (error instanceof SourceFault) return unreadable(`the file cannot be read: ${error.message}`);
    throw error;
  }
}

function unreadable(reason: string, offset?: number): TensorFileResult {
  return { problem: { code: 'model-unreadable', message: `this is no ONNX tensor: ${reason}`, offset } };
}
