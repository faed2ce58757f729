/**
 * The elements of a floating-point tensor as numbers, some at a time, so that a weight of a gigabyte needs no gigabyte
 * of memory. Knows how elements are stored; not what they are for.
 */
import { decodeBf16, decodeFp16 } from '../formats/index.js';
import {
  DataType,
  elementBits,
  elementCount,
  fileSource,
  modelFolder,
  SourceFault,
  tensorBytes,
  tensorLocation,
  type ByteSource,
  type Model,
  type Tensor,
  type TensorProblem,
} from '../onnx/index.js';

const CHUNK_ELEMENTS = 1 << 20;

/** Float64Array for DOUBLE, so that it can be rounded once. */
export type Floats = Float32Array | Float64Array;

/**
 * Calls `take` with all elements in order, chunk by chunk; `start` is the index of the chunk's first element. The chunk
 * is the callee's. Gives the problem if the tensor cannot be read.
 */
export function readChunks(
  tensor: Tensor,
  model: Model,
  take: (chunk: Floats, start: number) => void,
): TensorProblem | undefined {
  const stored = storedBytes(tensor, model);
  if ('problem' in stored) return stored.problem;
  const width = (elementBits(tensor.dataType) ?? 32) / 8;
  const count = elementCount(tensor);
  try {
    for (let start = 0; start < count; start += CHUNK_ELEMENTS) {
      const elements = Math.min(CHUNK_ELEMENTS, count - start);
      // A copy: views of a file's pages may lie at any address.
      const bytes = new Uint8Array(stored.source.read(stored.offset + start * width, elements * width));
      take(floatsOf(bytes, tensor.dataType), start);
    }
  } catch (error) {
    if (!(error instanceof SourceFault)) throw error;
    return {
      code: 'tensor-unreadable',
      message: `the tensor "${tensor.name}" cannot be read: ${error.message}`,
    };
  } finally {
    stored.done();
  }
  return undefined;
}

interface StoredBytes {
  readonly source: Pick<ByteSource, 'read'>;
  readonly offset: number;
  done(): void;
}

function storedBytes(tensor: Tensor, model: Model): StoredBytes | { readonly problem: TensorProblem } {
  const found = tensorLocation(tensor, model);
  if ('problem' in found) return found;
  const nothing = (): void => {
    // The source is someone else's.
  };
  if (tensor.data.kind === 'bytes') {
    return { source: tensor.data.source, offset: tensor.data.range.offset, done: nothing };
  }
  if (found.location !== undefined) {
    const { path, offset } = found.location;
    try {
      const source = fileSource(path);
      return {
        source,
        offset,
        done: () => {
          source.close();
        },
      };
    } catch (error) {
      if (!(error instanceof SourceFault)) throw error;
      return { problem: { code: 'external-data-missing', message: error.message } };
    }
  }
  const read = tensorBytes(tensor, modelFolder(model));
  if ('problem' in read) return read;
  const { bytes } = read;
  return {
    source: { read: (offset, length) => bytes.subarray(offset, offset + length) },
    offset: 0,
    done: nothing,
  };
}

function floatsOf(bytes: Uint8Array, type: DataType): Floats {
  const { buffer } = bytes;
  switch (type) {
    case DataType.DOUBLE:
      return new Float64Array(buffer);
    case DataType.FLOAT16:
      return decodeFp16(new Uint16Array(buffer));
    case DataType.BFLOAT16:
      return decodeBf16(new Uint16Array(buffer));
    default:
      return new Float32Array(buffer);
  }
}
