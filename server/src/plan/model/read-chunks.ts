/**
 * The elements of a tensor, some at a time: as bytes, and as numbers where they are of a floating-point type. A weight of a
 * gigabyte needs no gigabyte of memory. Knows how elements are stored; not what they are for.
 */
import { decodeBf16, decodeFp16 } from '../../formats/index.js';
import {
  bufferSource,
  DataType,
  fileSource,
  modelFolder,
  readInto,
  SourceFault,
  storedRange,
  tensorByteLength,
  tensorBytes,
  tensorLocation,
  type ByteSource,
  type Model,
  type Tensor,
} from '../../onnx/index.js';

/** Small enough to stay in a processor's cache between being read, converted and written. */
const CHUNK_BYTES = 1 << 18;

/** Float64Array for DOUBLE, so that it can be rounded once. */
export type Floats = Float32Array | Float64Array;

/**
 * All elements in order, chunk by chunk, as the little-endian bytes that they are stored in. A chunk is written over when
 * the next one is asked for.
 *
 * @throws SourceFault if the tensor cannot be read.
 */
export function* byteChunks(tensor: Tensor, model: Model): Generator<Uint8Array, void> {
  const { source, offset, isOurs } = storedBytes(tensor, model);
  const length = tensorByteLength(tensor) ?? 0;
  const chunk = new Uint8Array(Math.min(length, CHUNK_BYTES));
  try {
    for (let done = 0; done < length; done += chunk.length) {
      const part = length - done < chunk.length ? chunk.subarray(0, length - done) : chunk;
      fill(part, source, offset + done, tensor);
      yield part;
    }
    if (isOurs && source.changed?.() === true) {
      throw new SourceFault(`${source.path ?? 'the file'} has changed while it was read`, undefined);
    }
  } finally {
    if (isOurs) source.close();
  }
}

function fill(bytes: Uint8Array, source: ByteSource, offset: number, { name }: Tensor): void {
  try {
    readInto(source, offset, bytes);
  } catch (error) {
    if (!(error instanceof SourceFault)) throw error;
    throw new SourceFault(`the tensor "${name}" cannot be read: ${error.message}`, error.systemCode);
  }
}

/** All elements in order, chunk by chunk, as numbers; as `byteChunks` in everything else. */
export function* floatChunks(tensor: Tensor, model: Model): Generator<Floats, void> {
  let decoded = new Float32Array();
  for (const bytes of byteChunks(tensor, model)) {
    const { buffer, byteLength } = bytes;
    switch (tensor.dataType) {
      case DataType.DOUBLE:
        yield new Float64Array(buffer, 0, byteLength / 8);
        break;
      case DataType.FLOAT16:
      case DataType.BFLOAT16: {
        const codes = new Uint16Array(buffer, 0, byteLength / 2);
        if (decoded.length < codes.length) decoded = new Float32Array(codes.length);
        const floats = decoded.subarray(0, codes.length);
        yield tensor.dataType === DataType.FLOAT16 ? decodeFp16(codes, floats) : decodeBf16(codes, floats);
        break;
      }
      default:
        yield new Float32Array(buffer, 0, byteLength / 4);
    }
  }
}

/** Where bytes are, and whether they were opened here. */
interface StoredBytes {
  readonly source: ByteSource;
  readonly offset: number;
  readonly isOurs: boolean;
}

function storedBytes(tensor: Tensor, model: Model): StoredBytes {
  // Where the file lies need not be asked for each of thousands of tensors.
  const inside = storedRange(tensor);
  if (inside !== undefined) {
    if ('problem' in inside) throw new SourceFault(inside.problem.message, undefined);
    return { ...inside, isOurs: false };
  }
  const found = tensorLocation(tensor, model);
  if ('problem' in found) throw new SourceFault(found.problem.message, undefined);
  if (found.location !== undefined) {
    const { path, offset } = found.location;
    return { source: fileSource(path), offset, isOurs: true };
  }
  const read = tensorBytes(tensor, modelFolder(model));
  if ('problem' in read) throw new SourceFault(read.problem.message, undefined);
  return { source: bufferSource(read.bytes), offset: 0, isOurs: false };
}
