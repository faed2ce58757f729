/**
 * A constant in another type: looked at for values beyond the range before anything is written, and converted when it
 * is written, chunk by chunk. Rounds to nearest even; subnormals, signs, infinities and NaN are kept.
 * Knows one constant at a time.
 */
import { countLost, encodeBf16, encodeFp16, roundTo, type RunFormat } from '../formats/index.js';
import {
  DataType,
  dataTypeName,
  SourceFault,
  tensorByteLength,
  type Model,
  type Tensor,
} from '../onnx/index.js';
import { formatOfType, maskStorage, type ConstantCopy } from '../plan/index.js';
import type { ConversionProblem, ConversionWarning } from './problem.js';
import { readChunks, type Floats } from './read-chunks.js';

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
 * The tensor of a copy.
 *
 * @param layer the name of the first layer that reads it, for messages.
 */
export function storedCopy(
  copy: ConstantCopy,
  model: Model,
  layer: string | undefined,
): StoredCopy | { readonly problem: ConversionProblem } {
  const { value, to, tensor: name } = copy;
  const place = { tensor: name, ...(layer === undefined ? {} : { layer }) };
  const format = formatOfType(to) ?? 'fp32';
  const lost = countLosses(value, model, format);
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
function converted(value: Tensor, to: DataType, model: Model, overflow: 'saturate' | 'inf' = 'inf'): Tensor {
  const length = tensorByteLength({ dataType: to, dims: value.dims }) ?? 0;
  const compute = (): Uint8Array => {
    const bytes = new Uint8Array(length);
    const problem = readChunks(value, model, (chunk, start) => {
      encodeInto(bytes, chunk, start, to, overflow);
    });
    if (problem !== undefined) throw new SourceFault(problem.message, undefined);
    return bytes;
  };
  return { ...value, dataType: to, data: { kind: 'computed', length, compute } };
}

function encodeInto(
  bytes: Uint8Array,
  chunk: Floats,
  start: number,
  to: DataType,
  overflow: 'saturate' | 'inf',
): void {
  switch (to) {
    case DataType.FLOAT16:
      encodeFp16(
        narrow(chunk, 'fp16', overflow),
        new Uint16Array(bytes.buffer, start * 2, chunk.length),
        overflow,
      );
      break;
    case DataType.BFLOAT16:
      encodeBf16(
        narrow(chunk, 'bf16', overflow),
        new Uint16Array(bytes.buffer, start * 2, chunk.length),
        overflow,
      );
      break;
    case DataType.DOUBLE:
      new Float64Array(bytes.buffer, start * 8, chunk.length).set(chunk);
      break;
    default:
      new Float32Array(bytes.buffer, start * 4, chunk.length).set(chunk);
  }
}

/** Doubles are rounded to the format at once: by way of FP32 they would be rounded twice. */
function narrow(chunk: Floats, format: RunFormat, overflow: 'saturate' | 'inf'): Float32Array {
  return chunk instanceof Float32Array
    ? chunk
    : Float32Array.from(chunk, (value) => roundTo(format, value, overflow));
}

function countLosses(value: Tensor, model: Model, format: RunFormat): Lost | { readonly message: string } {
  const lost: Lost = { nonZero: 0, becomesZero: 0, overflow: 0, firstIndex: -1, firstValue: 0 };
  const problem = readChunks(value, model, (chunk, start) => {
    const floats = chunk instanceof Float32Array ? chunk : Float32Array.from(chunk);
    const counts = countLost(format, floats);
    lost.nonZero += counts.nonZero;
    lost.becomesZero += counts.becomesZero;
    if (counts.overflow > 0 && lost.firstIndex < 0) {
      const first = chunk.findIndex(
        (element) => Number.isFinite(element) && !Number.isFinite(roundTo(format, element)),
      );
      lost.firstIndex = start + first;
      lost.firstValue = chunk[first] ?? 0;
    }
    lost.overflow += counts.overflow;
  });
  return problem ?? lost;
}
