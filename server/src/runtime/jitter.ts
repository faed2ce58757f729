/** Seeded noise that nobody would see. Knows bytes and types, no stores. */
import { decodeBf16, decodeFp16, encodeBf16, encodeFp16 } from '../formats/index.js';
import { DataType } from '../onnx/index.js';

/**
 * The bytes of a tensor with uniform noise in plus or minus `relative` times the range (max - min) of its finite
 * elements added to these, rounded to the tensor's type. The same seed gives the same noise. Types that are not
 * floating point keep their bytes, which are then not copied. In 16 bits no finite element becomes infinite.
 */
export function jittered(dataType: DataType, bytes: Uint8Array, relative: number, seed: number): Uint8Array {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dataType) {
    case DataType.FLOAT: {
      const values = new Float32Array(buffer, byteOffset, byteLength / 4).slice();
      addNoise(values, relative, seed);
      return bytesOf(values);
    }
    case DataType.DOUBLE: {
      const values = new Float64Array(buffer, byteOffset, byteLength / 8).slice();
      addNoise(values, relative, seed);
      return bytesOf(values);
    }
    case DataType.FLOAT16: {
      const values = decodeFp16(new Uint16Array(buffer, byteOffset, byteLength / 2));
      addNoise(values, relative, seed);
      return bytesOf(encodeFp16(values, undefined, 'saturate'));
    }
    case DataType.BFLOAT16: {
      const values = decodeBf16(new Uint16Array(buffer, byteOffset, byteLength / 2));
      addNoise(values, relative, seed);
      return bytesOf(encodeBf16(values, undefined, 'saturate'));
    }
    default:
      return bytes;
  }
}

function bytesOf(array: Float32Array | Float64Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function addNoise(values: Float32Array | Float64Array, relative: number, seed: number): void {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const amplitude = relative * (high - low);
  if (!(amplitude > 0)) return;
  const random = uniform(seed);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    // Drawn for every element, so that the noise of one does not hang on what another one is.
    const noise = (2 * random() - 1) * amplitude;
    if (Number.isFinite(value)) values[i] = value + noise;
  }
}

/** Uniform numbers in [0, 1) of 32 bits: Tommy Ettinger's mulberry32 (public domain). */
function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
