/**
 * A few of a tensor's bytes, from its start, its middle and its end, by which two tensors can be told apart without reading
 * gigabytes. Knows nothing of what they are compared for.
 */
import { findExternalFile } from './external-files.js';
import type { Model, Tensor } from './model.js';
import { fileSource, SourceFault } from './source.js';
import { modelFolder, tensorBytes } from './tensor-bytes.js';
import { tensorByteLength } from './tensor-size.js';

/** Bytes of each of the samples: whole elements of every type. */
const SAMPLE = 1024;
/** What lies as varints is decoded as a whole, up to so many bytes. */
const MOST_DECODED = 1 << 20;

type Read = (offset: number, length: number) => Uint8Array;

/** The samples one after the other, or all bytes of a small tensor; undefined where they cannot be read. */
export function sampleBytes(tensor: Tensor, model: Model): Uint8Array | undefined {
  const length = tensorByteLength(tensor);
  if (length === undefined || !Number.isSafeInteger(length)) return undefined;
  try {
    return readSamples(tensor, model, length);
  } catch (error) {
    if (error instanceof SourceFault) return undefined;
    throw error;
  }
}

function readSamples(tensor: Tensor, model: Model, length: number): Uint8Array | undefined {
  const { data } = tensor;
  if (data.kind === 'bytes') {
    const { source, range } = data;
    if (range.length !== length) return undefined;
    return sampled(length, (offset, count) => source.read(range.offset + offset, count));
  }
  if (data.kind === 'external') {
    const file = findExternalFile(data.location, modelFolder(model), model.source.path);
    if ('problem' in file || data.offset + length > file.length) return undefined;
    const source = fileSource(file.path);
    try {
      return sampled(length, (offset, count) => source.read(data.offset + offset, count));
    } finally {
      source.close();
    }
  }
  if (length > MOST_DECODED) return undefined;
  const read = tensorBytes(tensor, modelFolder(model));
  if ('problem' in read) return undefined;
  const { bytes } = read;
  return sampled(length, (offset, count) => bytes.subarray(offset, offset + count));
}

function sampled(length: number, read: Read): Uint8Array {
  if (length <= 3 * SAMPLE) return new Uint8Array(read(0, length));
  // On a multiple of 16: no element is cut.
  const middle = Math.floor(length / 32) * 16;
  const samples = new Uint8Array(3 * SAMPLE);
  samples.set(read(0, SAMPLE), 0);
  samples.set(read(middle, SAMPLE), SAMPLE);
  samples.set(read(length - SAMPLE, SAMPLE), 2 * SAMPLE);
  return samples;
}
