/**
 * A picture as the tensor that an input takes: its channels, its layout, and what the statement says about scale, mean and
 * deviation. Sizes are never changed: how a picture is to be made smaller, only a person can settle.
 */
import type { DataType, Shape } from '../../onnx/index.js';
import type { PictureOptions } from '../../plan/index.js';
import { encodeFloats, writeInteger } from './convert.js';
import { elementTypeOf } from './element-type.js';
import type { Picture } from './picture.js';
import { failure, success, type Outcome } from './types.js';

export interface PictureTensor {
  readonly dims: readonly number[];
  /** Little-endian, in C order, of the input's element type. */
  readonly elements: Uint8Array;
}

type Layout = 'nchw' | 'nhwc';

/** What an input takes of a picture. */
export interface PictureWish {
  readonly elementType: DataType;
  readonly shape: Shape | undefined;
  readonly options: PictureOptions | undefined;
}

/** The picture as the input takes it. Whether its size fits is for whoever knows the symbolic dimensions. */
export function pictureTensor(picture: Picture, wish: PictureWish): Outcome<PictureTensor> {
  const layout = wish.options?.layout ?? fittingLayout(wish.shape);
  const wanted = channelsWanted(wish.shape, layout);
  const channels = channelsOf(picture, wanted);
  if (!channels.ok) return channels;
  const values = scaled(picture, channels.value, wish.options);
  if (!values.ok) return values;
  const { width, height } = picture;
  const count = channels.value.length;
  const ordered = layout === 'nhwc' ? values.value : planes(values.value, width * height, count);
  const elements = encoded(ordered, wish.elementType);
  if (!elements.ok) return elements;
  const image = layout === 'nhwc' ? [height, width, count] : [count, height, width];
  const rank = wish.shape?.length ?? 4;
  return success({ dims: dimsOf(image, rank, width, height), elements: elements.value });
}

/** An input of three axes has no batch; one of two takes grey pictures. */
function dimsOf(image: readonly number[], rank: number, width: number, height: number): number[] {
  if (rank === 2) return [height, width];
  return rank === 3 ? [...image] : [1, ...image];
}

function isChannels(size: Shape[number]): boolean {
  return size === 1 || size === 3 || size === 4;
}

/** The layout whose axis of channels has as many as pictures have; `nchw` where that does not tell. */
function fittingLayout(shape: Shape | undefined): Layout {
  if (shape === undefined || shape.length < 3) return 'nchw';
  return isChannels(shape.at(-1)) && !isChannels(shape.at(-3)) ? 'nhwc' : 'nchw';
}

function channelsWanted(shape: Shape | undefined, layout: Layout): number | undefined {
  if (shape?.length === 2) return 1;
  const size = shape?.at(layout === 'nhwc' ? -1 : -3);
  return typeof size === 'number' ? size : undefined;
}

/** For each channel of the tensor the one of the picture that it is. */
function channelsOf(picture: Picture, wanted: number | undefined): Outcome<number[]> {
  const { channels } = picture;
  const isGrey = channels < 3;
  const hasAlpha = channels === 2 || channels === 4;
  if (wanted === 4 && !isGrey && hasAlpha) return success([0, 1, 2, 3]);
  if (hasAlpha && !isOpaque(picture)) {
    if (wanted === undefined && !isGrey) return success([0, 1, 2, 3]);
    return failure('input-shape', `the picture has transparent pixels: save it without transparency`);
  }
  const own = isGrey ? [0] : [0, 1, 2];
  if (wanted === undefined || wanted === own.length) return success(own);
  if (wanted === 3) return success([0, 0, 0]);
  // Some decoders know no grey.
  if (wanted === 1 && isGreyscale(picture)) return success([0]);
  if (wanted === 1)
    return failure('input-shape', 'the picture is in colour, and the input is grey: save it in grey');
  return failure(
    'input-shape',
    `the picture has ${own.length === 1 ? 'one channel' : `${own.length} channels`}, and the input takes ${wanted}`,
  );
}

function isOpaque({ values, channels }: Picture): boolean {
  for (let at = channels - 1; at < values.length; at += channels) if (values[at] !== 255) return false;
  return true;
}

function isGreyscale({ values, channels }: Picture): boolean {
  for (let at = 0; at < values.length; at += channels) {
    if (values[at] !== values[at + 1] || values[at] !== values[at + 2]) return false;
  }
  return true;
}

/** `(value * scale - mean) / std` for each channel, pixel by pixel. */
function scaled(
  { values, channels, width, height }: Picture,
  chosen: readonly number[],
  options: PictureOptions | undefined,
): Outcome<Float64Array> {
  const scale = options?.scale ?? 1;
  const mean = forChannels('mean', options?.mean ?? [0], chosen.length);
  if (!mean.ok) return mean;
  const std = forChannels('std', options?.std ?? [1], chosen.length);
  if (!std.ok) return std;
  const result = new Float64Array(width * height * chosen.length);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (const [at, channel] of chosen.entries()) {
      const value = (values[pixel * channels + channel] ?? 0) * scale;
      result[pixel * chosen.length + at] = (value - (mean.value[at] ?? 0)) / (std.value[at] ?? 1);
    }
  }
  return success(result);
}

/** One number for all channels, or one for each. */
function forChannels(name: string, numbers: readonly number[], channels: number): Outcome<readonly number[]> {
  const [first = 0] = numbers;
  if (numbers.length === 1) return success(Array.from({ length: channels }, () => first));
  if (numbers.length === channels) return success(numbers);
  const has = channels === 1 ? 'one channel' : `${channels} channels`;
  return failure('input-shape', `${name} has ${numbers.length} numbers, and the input has ${has}`);
}

function planes(values: Float64Array, pixels: number, channels: number): Float64Array {
  if (channels === 1) return values;
  const result = new Float64Array(values.length);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      result[channel * pixels + pixel] = values[pixel * channels + channel] ?? 0;
    }
  }
  return result;
}

/** Numbers as elements, rounded once; whole numbers only for an input of integers that holds them. */
function encoded(values: Float64Array, elementType: DataType): Outcome<Uint8Array> {
  const type = elementTypeOf(elementType);
  if (type?.kind !== 'integer') return success(encodeFloats(values, elementType));
  const elements = new Uint8Array(values.length * type.bytes);
  const view = new DataView(elements.buffer);
  for (const [at, value] of values.entries()) {
    if (!Number.isInteger(value) || value < type.lowest || value > type.highest) {
      return failure('input-shape', `value ${at} of the picture is ${value}, which ${type.name} cannot hold`);
    }
    writeInteger(view, at * type.bytes, type, type.bytes === 8 ? BigInt(value) : value);
  }
  return success(elements);
}
