/** A tensor in a file of its own (`.pb`, a serialized TensorProto), as the ONNX standard's tests have their inputs. */
import { bufferSource, readModel, tensorBytes, type DataType } from '../../onnx/index.js';
import { failure, success, type Outcome } from './types.js';

export interface FileTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  /** Little-endian, in C order. */
  readonly elements: Uint8Array;
}

/** `ir_version: 1`, the last that needs no operator set. */
const FIRST_VERSION = [0x08, 1];
const GRAPH_OF_MODEL = 7;
const INITIALIZER_OF_GRAPH = 5;
const LENGTH_DELIMITED = 2;

/** A field that holds `content`, in the wire format of protocol buffers. */
function field(number: number, content: Uint8Array): Uint8Array {
  const head = [(number << 3) | LENGTH_DELIMITED];
  let length = content.length;
  while (length >= 0x80) {
    head.push((length % 0x80) | 0x80);
    length = Math.floor(length / 0x80);
  }
  head.push(length);
  const bytes = new Uint8Array(head.length + content.length);
  bytes.set(head);
  bytes.set(content, head.length);
  return bytes;
}

/** The tensor: read as the only initializer of a model without nodes, so that one reader knows how tensors are stored. */
export function parseTensorFile(bytes: Uint8Array): Outcome<FileTensor> {
  const graph = field(GRAPH_OF_MODEL, field(INITIALIZER_OF_GRAPH, bytes));
  const wrapped = new Uint8Array(FIRST_VERSION.length + graph.length);
  wrapped.set(FIRST_VERSION);
  wrapped.set(graph, FIRST_VERSION.length);
  const result = readModel(bufferSource(wrapped));
  const tensor = 'model' in result ? result.model.graph.initializers[0] : undefined;
  if (tensor === undefined) {
    return failure('input-missing', 'this is no ONNX tensor; write it with onnx.numpy_helper.from_array');
  }
  const elements = tensorBytes(tensor, undefined);
  if ('problem' in elements) return failure('input-missing', elements.problem.message);
  return success({ dataType: tensor.dataType, dims: tensor.dims, elements: elements.bytes });
}
