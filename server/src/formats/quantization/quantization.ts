/**
 * Uniform quantization as ONNX defines it: code = saturate(round(value / scale) + zero point), ties to even, and
 * back value = (code - zero point) x scale. Whole FP32 arrays; one scale for the tensor or one for each channel.
 * How a scale is chosen is not known here.
 */
import type { IntegerFormatName } from '../format.js';

/** The codes of an integer format. */
export interface IntegerRange {
  readonly lowest: number;
  readonly highest: number;
}

const RANGES: Readonly<Record<IntegerFormatName, IntegerRange>> = {
  int8: { lowest: -128, highest: 127 },
  int4: { lowest: -8, highest: 7 },
};

/** Least and greatest code of a format, in two's complement. */
export function integerRange(format: IntegerFormatName): IntegerRange {
  return RANGES[format];
}

/** One scale and zero point. */
export interface Scale {
  /** Positive; an FP32 number, as the model file stores it. */
  readonly scale: number;
  /** The code of zero. */
  readonly zeroPoint: number;
}

export interface Quantization {
  readonly format: IntegerFormatName;
  /** One for the tensor, or one for each index along `axis`. */
  readonly scales: readonly Scale[];
  /** The axis that has a scale to each index; left out where there is one for the tensor. */
  readonly axis?: number;
  /** Without the least code, so that codes are as far below zero as above it. */
  readonly narrow?: boolean;
}

/** The codes that a quantization uses. */
export function codesOf({ format, narrow }: Pick<Quantization, 'format' | 'narrow'>): IntegerRange {
  const { lowest, highest } = integerRange(format);
  return { lowest: narrow === true ? -highest : lowest, highest };
}

/** How a tensor falls into runs of elements that share a scale: `channels` runs of `inner` elements, `outer` times. */
export interface ChannelLayout {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

/** The layout of an axis in a shape; that of a single channel where no axis is given. */
export function channelLayout(
  elements: number,
  shape: readonly number[],
  axis: number | undefined,
): ChannelLayout {
  if (axis === undefined) return { outer: 1, channels: 1, inner: elements };
  const product = (lengths: readonly number[]): number =>
    lengths.reduce((total, length) => total * length, 1);
  return {
    outer: product(shape.slice(0, axis)),
    channels: shape[axis] ?? 1,
    inner: product(shape.slice(axis + 1)),
  };
}

/** To the nearest whole number, ties to the even one; of numbers below 2^51. */
export function roundHalfToEven(value: number): number {
  return value + 1.5 * 2 ** 52 - 1.5 * 2 ** 52;
}

/** The code of one number. NaN has none and becomes the zero point. */
export function quantizeOne(
  value: number,
  { scale, zeroPoint }: Scale,
  { lowest, highest }: IntegerRange,
): number {
  const quotient = Math.fround(value / scale);
  if (Number.isNaN(quotient)) return zeroPoint;
  const bounded = Math.min(Math.max(quotient, -(2 ** 31)), 2 ** 31);
  return Math.min(Math.max(roundHalfToEven(bounded) + zeroPoint, lowest), highest);
}

/**
 * Codes of a tensor, one to an element. The quotient is rounded to FP32 first, as ONNX Runtime has it. Infinities become
 * the outermost codes, NaN the zero point. `shape` is looked at where there is a scale for each channel.
 */
export function quantizeArray(
  quantization: Quantization,
  values: Float32Array,
  shape: readonly number[] = [values.length],
  out: Int8Array = new Int8Array(values.length),
): Int8Array {
  const range = codesOf(quantization);
  eachRun(quantization, values.length, shape, (scale, start, end) => {
    for (let i = start; i < end; i++) out[i] = quantizeOne(values[i] ?? 0, scale, range);
  });
  return out;
}

/** Numbers of codes, in FP32 as ONNX Runtime computes them. */
export function dequantizeArray(
  quantization: Quantization,
  codes: Int8Array,
  shape: readonly number[] = [codes.length],
  out: Float32Array = new Float32Array(codes.length),
): Float32Array {
  eachRun(quantization, codes.length, shape, ({ scale, zeroPoint }, start, end) => {
    for (let i = start; i < end; i++) out[i] = ((codes[i] ?? 0) - zeroPoint) * scale;
  });
  return out;
}

/** What a tensor becomes when it is quantized and read back. NaN stays NaN. `out` may be `values` itself. */
export function roundQuantized(
  quantization: Quantization,
  values: Float32Array,
  shape: readonly number[] = [values.length],
  out: Float32Array = new Float32Array(values.length),
): Float32Array {
  const range = codesOf(quantization);
  eachRun(quantization, values.length, shape, (scale, start, end) => {
    for (let i = start; i < end; i++) {
      const value = values[i] ?? 0;
      out[i] = Number.isNaN(value) ? NaN : (quantizeOne(value, scale, range) - scale.zeroPoint) * scale.scale;
    }
  });
  return out;
}

function eachRun(
  { scales, axis }: Quantization,
  elements: number,
  shape: readonly number[],
  visit: (scale: Scale, start: number, end: number) => void,
): void {
  const { outer, channels, inner } = channelLayout(elements, shape, axis);
  for (let run = 0; run < outer * channels; run++) {
    const scale = scales[axis === undefined ? 0 : run % channels];
    if (scale === undefined) throw new RangeError(`${scales.length} scales for ${channels} channels`);
    visit(scale, run * inner, (run + 1) * inner);
  }
}
