/**
 * ONNX's Conv with the accumulation and the rounding of each addition that are asked for: any number of spatial axes,
 * groups, strides, pads and dilations. Each output is one sum over a patch of the input, in the order of the kernel.
 */
import { dotProducts, type Summation } from './accumulation.js';
import type { ShapedValues } from './matmul.js';

export interface ConvOptions {
  readonly group?: number;
  /** For each spatial axis; 1 where left out. */
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** As ONNX has them: at the begin of every axis, then at the end of every axis; 0 where left out. */
  readonly pads?: readonly number[];
  /** One number for each output channel, added to the finished sum in FP32. */
  readonly bias?: Float32Array;
}

interface Axis {
  readonly length: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBegin: number;
  readonly out: number;
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total * length, 1);
}

function spatialAxes(
  input: readonly number[],
  kernel: readonly number[],
  { strides, dilations, pads }: ConvOptions,
): readonly Axis[] {
  const rank = input.length - 2;
  return Array.from({ length: rank }, (_, i) => {
    const length = input[i + 2] ?? 0;
    const size = kernel[i + 2] ?? 0;
    const stride = strides?.[i] ?? 1;
    const dilation = dilations?.[i] ?? 1;
    const padBegin = pads?.[i] ?? 0;
    const padded = length + padBegin + (pads?.[i + rank] ?? 0);
    const out = Math.floor((padded - (dilation * (size - 1) + 1)) / stride) + 1;
    return { length, kernel: size, stride, dilation, padBegin, out };
  });
}

/**
 * For every output position, row by row, and every place of the kernel in it: the offset in a channel that it reads, or
 * -1 where that is padding.
 */
function readOffsets(axes: readonly Axis[]): Int32Array {
  let offsets = Int32Array.of(0);
  let positions = 1;
  let places = 1;
  for (const { length, kernel, stride, dilation, padBegin, out } of axes) {
    const next = new Int32Array(positions * out * places * kernel);
    let at = 0;
    for (let position = 0; position < positions; position++) {
      for (let o = 0; o < out; o++) {
        for (let place = 0; place < places; place++) {
          const before = offsets[position * places + place] ?? -1;
          for (let k = 0; k < kernel; k++) {
            const read = o * stride + k * dilation - padBegin;
            next[at++] = before < 0 || read < 0 || read >= length ? -1 : before * length + read;
          }
        }
      }
    }
    offsets = next;
    positions *= out;
    places *= kernel;
  }
  return offsets;
}

/**
 * The convolution of an input (N x C x D1 x D2 ...) with weights (M x C/group x k1 x k2 ...). Padding takes part in the
 * sum as zeros, which change no sum but count towards chunks. Undefined where the shapes do not fit.
 */
export function conv(
  input: ShapedValues,
  weights: ShapedValues,
  summation: Summation,
  options: ConvOptions = {},
): ShapedValues | undefined {
  const group = options.group ?? 1;
  const [batch, channels] = input.shape;
  const [outChannels, groupChannels] = weights.shape;
  if (batch === undefined || channels === undefined || outChannels === undefined) return undefined;
  if (input.shape.length < 3 || weights.shape.length !== input.shape.length) return undefined;
  if (groupChannels === undefined || groupChannels * group !== channels || outChannels % group !== 0) {
    return undefined;
  }
  const axes = spatialAxes(input.shape, weights.shape, options);
  if (axes.some(({ out }) => out < 1)) return undefined;

  const offsets = readOffsets(axes);
  const positions = product(axes.map(({ out }) => out));
  const places = product(axes.map(({ kernel }) => kernel));
  const channelLength = product(axes.map(({ length }) => length));
  const inner = groupChannels * places;
  const groupOut = outChannels / group;
  const patches = new Float32Array(positions * inner);
  const values = new Float32Array(batch * outChannels * positions);
  const multiply = dotProducts(summation);
  for (let image = 0; image < batch; image++) {
    for (let part = 0; part < group; part++) {
      const first = (image * channels + part * groupChannels) * channelLength;
      fillPatches(patches, input.values, first, { offsets, positions, places, groupChannels, channelLength });
      const rows = part * groupOut;
      const outOffset = (image * outChannels + rows) * positions;
      multiply(groupOut, positions, inner, weights.values, rows * inner, patches, 0, values, outOffset);
    }
  }
  if (options.bias !== undefined) {
    for (let i = 0; i < values.length; i++) {
      values[i] = (values[i] ?? 0) + (options.bias[Math.floor(i / positions) % outChannels] ?? 0);
    }
  }
  return { values, shape: [batch, outChannels, ...axes.map(({ out }) => out)] };
}

interface PatchLayout {
  readonly offsets: Int32Array;
  readonly positions: number;
  readonly places: number;
  readonly groupChannels: number;
  readonly channelLength: number;
}

/** For every output position what the kernel sees there, channel by channel. */
function fillPatches(
  patches: Float32Array,
  input: Float32Array,
  first: number,
  { offsets, positions, places, groupChannels, channelLength }: PatchLayout,
): void {
  let at = 0;
  for (let position = 0; position < positions; position++) {
    for (let channel = 0; channel < groupChannels; channel++) {
      const start = first + channel * channelLength;
      for (let place = 0; place < places; place++) {
        const offset = offsets[position * places + place] ?? -1;
        patches[at++] = offset < 0 ? 0 : (input[start + offset] ?? 0);
      }
    }
  }
}
