/**
 * A constant in another type: looked at for values beyond the range before anything is written, and converted when it
 * is written, chunk by chunk. Rounds to nearest even; subnormals, signs, infinities and NaN are kept.
 * Knows one constant at a time.
 */
import {
  countLost,
  encodeBf16,
  encodeFp16,
  roundTo,
  type FloatFormatName,
  type OverflowHandling,
  type RunFormat,
} from '../formats/index.js';
import {
  DataType,
  dataTypeName,
  SourceFault,
  tensorByteLength,
  type Model,
  type Steps,
  type Tensor,
} from '../onnx/index.js';
import { floatChunks, formatOfType, maskStorage, type ConstantCopy, type Floats } from '../plan/index.js';
import type { ConversionProblem, ConversionWarning } from './problem.js';

/** Above this share of the non-zero values, becoming zero is worth a warning. */
const UNDERFLOW_SHARE = 0.01;

export interface StoredCopy {
  /** The copy without a name of its own: it has that of the constant. */
  readonly tensor: Tensor;
  readonly warnings: readonly ConversionWarning[];
}

interface Lost {
  nonZero: number;
  becomesZero: number;
  overflow: number;
  firstIndex: number;
  firstValue: number;
}

/**
 * The tensor of a copy; a chunk of its values at a time.
 *
 * @param layer the name of the first layer that reads it, for messages.
 */
export function* storedCopy(
  copy: ConstantCopy,
  model: Model,
  layer: string | undefined,
): Steps<StoredCopy | { readonly problem: ConversionProblem }> {
  const { value, to, name } = copy;
  const place = { tensor: name, ...(layer === undefined ? {} : { layer }) };
  const format = formatOfType(to) ?? 'fp32';
  const lost = yield* countLosses(value, model, format);
  if ('message' in lost) return { problem: { code: 'tensor-unreadable', message: lost.message, ...place } };
  const warnings: ConversionWarning[] = [];
  const mask = lost.overflow > 0 ? maskStorage(copy, model, format) : undefined;
  const type = dataTypeName(to);
  if (mask !== undefined) {
    const stored = mask === 'infinite' ? 'an infinity' : 'the largest number of its sign';
    const message = `"${name}" holds ${lost.firstValue}, which stands for infinity: stored as ${stored} in ${type}`;
    warnings.push({ code: 'infinity-constant', message, ...place });
  } else if (lost.overflow > 0) {
    const found = `${lost.overflow} of the values of "${name}" are beyond the range of ${type}; the first is ${lost.firstValue} at index ${lost.firstIndex}`;
    if (copy.overflow === 'error') {
      const whose = layer === undefined ? '' : ` of layer "${layer}"`;
      const message = `${found}. Keep the reader${whose} in fp32, or give it { overflow: saturate } or { overflow: inf }.`;
      const { firstIndex: index, firstValue, overflow: count } = lost;
      return { problem: { code: 'weight-overflow', message, index, count, value: firstValue, ...place } };
    }
    const made = copy.overflow === 'saturate' ? 'the largest number' : 'infinite';
    warnings.push({
      code: 'overflow-handled',
      message: `${found}: made ${made}, as the plan says.`,
      ...place,
    });
  }
  if (lost.becomesZero > UNDERFLOW_SHARE * lost.nonZero) {
    const share = ((100 * lost.becomesZero) / lost.nonZero).toFixed(1);
    const message = `${share} % of the non-zero values of "${name}" become zero in ${type}`;
    warnings.push({ code: 'weight-underflow', message, ...place });
  }
  const saturates = mask === undefined ? copy.overflow === 'saturate' : mask === 'lowest';
  return { tensor: converted(value, to, model, saturates ? 'saturate' : 'inf'), warnings };
}

/** The tensor in another type, its bytes made when they are wanted. */
function converted(value: Tensor, to: DataType, model: Model, overflow: OverflowHandling): Tensor {
  const length = tensorByteLength({ dataType: to, dims: value.dims }) ?? 0;
  const parts = (): Iterable<Uint8Array> => encodedParts(value, to, model, overflow);
  return { ...value, dataType: to, data: { kind: 'computed', length, parts } };
}

function* encodedParts(
  value: Tensor,
  to: DataType,
  model: Model,
  overflow: OverflowHandling,
): Generator<Uint8Array, void> {
  // The first chunk is the longest.
  let buffer: ArrayBuffer | undefined;
  for (const chunk of floatChunks(value, model)) {
    buffer ??= new ArrayBuffer(chunk.length * 8);
    yield bytesOf(encode(chunk, to, overflow, buffer));
  }
}

function encode(
  chunk: Floats,
  to: DataType,
  overflow: OverflowHandling,
  buffer: ArrayBuffer,
): ArrayBufferView {
  switch (to) {
    case DataType.FLOAT16:
      return encodeFp16(narrow(chunk, 'fp16', overflow), new Uint16Array(buffer, 0, chunk.length), overflow);
    case DataType.BFLOAT16:
      return encodeBf16(narrow(chunk, 'bf16', overflow), new Uint16Array(buffer, 0, chunk.length), overflow);
    case DataType.DOUBLE: {
      const doubles = new Float64Array(buffer, 0, chunk.length);
      doubles.set(chunk);
      return doubles;
    }
    default: {
      const floats = new Float32Array(buffer, 0, chunk.length);
      floats.set(narrow(chunk, 'fp32', overflow));
      return floats;
    }
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Doubles are rounded to the format at once: by way of FP32 they would be rounded twice. */
function narrow(chunk: Floats, format: RunFormat, overflow: OverflowHandling): Float32Array {
  return chunk instanceof Float32Array
    ? chunk
    : Float32Array.from(chunk, (value) => roundTo(format, value, overflow));
}

/** What rounding to the format would lose of a tensor; a chunk at a time. */
export function* countLosses(
  value: Tensor,
  model: Model,
  format: FloatFormatName,
): Steps<Lost | { readonly message: string }> {
  const lost: Lost = { nonZero: 0, becomesZero: 0, overflow: 0, firstIndex: -1, firstValue: 0 };
  let start = 0;
  try {
    for (const chunk of floatChunks(value, model)) {
      const counts = chunk instanceof Float32Array ? countLost(format, chunk) : countDoubles(format, chunk);
      lost.nonZero += counts.nonZero;
      lost.becomesZero += counts.becomesZero;
      if (counts.overflow > 0 && lost.overflow === 0) {
        const first = chunk.findIndex((element) => overflows(format, element));
        lost.firstIndex = start + first;
        lost.firstValue = chunk[first] ?? 0;
      }
      lost.overflow += counts.overflow;
      start += chunk.length;
      yield;
    }
  } catch (error) {
    if (!(error instanceof SourceFault)) throw error;
    return { message: error.message };
  }
  return lost;
}

function overflows(format: FloatFormatName, value: number): boolean {
  return Number.isFinite(value) && !Number.isFinite(roundTo(format, value));
}

/** As `countLost`, of numbers that FP32 itself may not hold. */
function countDoubles(
  format: FloatFormatName,
  values: Float64Array,
): Pick<Lost, 'nonZero' | 'becomesZero' | 'overflow'> {
  const counts = { nonZero: 0, becomesZero: 0, overflow: 0 };
  for (const value of values) {
    if (value === 0) continue;
    counts.nonZero += 1;
    if (overflows(format, value)) counts.overflow += 1;
    else if (roundTo(format, value) === 0) counts.becomesZero += 1;
  }
  return counts;
}
