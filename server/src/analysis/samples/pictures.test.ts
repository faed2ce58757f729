/** Pictures as samples: from a file and what the statement says of it to the tensor that an input takes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encode } from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { DataType, type Shape } from '../../onnx/index.js';
import type { PictureOptions } from '../../plan/index.js';
import { folderForTests } from '../../testing/index.js';
import { decodeFloats } from './convert.js';
import { resolveSamples } from './resolve.js';
import { pngBytes } from './testing/png.js';

const folder = folderForTests();

interface Taken {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

/** What an input takes of a picture, or what is wrong. */
async function taken(
  bytes: Uint8Array,
  shape: Shape | undefined,
  options: Partial<PictureOptions> = {},
  elementType: DataType = DataType.FLOAT,
  axis?: number,
): Promise<Taken | string> {
  await writeFile(join(folder, 'picture'), bytes);
  const none = { layout: undefined, scale: undefined, mean: undefined, std: undefined };
  const pictures = Object.keys(options).length === 0 ? undefined : { ...none, ...options };
  const source = { kind: 'files', glob: 'picture', axis, pictures } as const;
  const { samples, problems } = await resolveSamples(
    [{ name: 'x', elementType, shape, source, statement: undefined }],
    folder,
  );
  const [problem] = problems;
  if (problem !== undefined) return `${problem.code}: ${problem.message}`;
  const content = samples[0]?.inputs['x'];
  if (content?.content.kind !== 'bytes') return 'no sample';
  const { bytes: elements } = content.content;
  const values = elementType === DataType.UINT8 ? elements : decodeFloats(elements, elementType);
  return { dims: content.dims, values: [...values] };
}

/** Two pixels beside each other. */
const colour = pngBytes({
  width: 2,
  height: 1,
  depth: 8,
  colourType: 2,
  numbers: [0, 51, 102, 153, 204, 255],
});
const grey = pngBytes({ width: 2, height: 1, depth: 8, colourType: 0, numbers: [0, 255] });
const planes = [0, 153, 51, 204, 102, 255];
const pixels = [0, 51, 102, 153, 204, 255];

describe('pictures', () => {
  it('are 0 to 255 in planes where nothing is said', async () => {
    expect(await taken(colour, undefined)).toEqual({ dims: [1, 3, 1, 2], values: planes });
  });

  it('are laid out as the input has its channels, or as the statement says', async () => {
    expect(await taken(colour, [1, 3, 1, 2])).toEqual({ dims: [1, 3, 1, 2], values: planes });
    expect(await taken(colour, [1, 1, 2, 3], { layout: 'nhwc' })).toEqual({
      dims: [1, 1, 2, 3],
      values: pixels,
    });
    expect(await taken(colour, ['n', 'h', 'w', 3])).toEqual({ dims: [1, 1, 2, 3], values: pixels });
    expect(await taken(colour, [1, 2, 3], { layout: 'nhwc' })).toEqual({ dims: [1, 2, 3], values: pixels });
    expect(await taken(grey, [1, 2])).toEqual({ dims: [1, 2], values: [0, 255] });
  });

  it('are scaled, then shifted, then divided, channel by channel', async () => {
    const options = { scale: 1 / 51, mean: [0, 1, 2], std: [1, 2, 4] };
    expect(await taken(colour, [1, 3, 1, 2], options)).toEqual({
      dims: [1, 3, 1, 2],
      values: [0, 3, 0, 1.5, 0, 0.75],
    });
    expect(await taken(grey, [1, 1, 1, 2], { scale: 1 / 255, mean: [0.5], std: [0.5] })).toEqual({
      dims: [1, 1, 1, 2],
      values: [-1, 1],
    });
  });

  it('are rounded once to the type of the input, and whole for one of integers', async () => {
    const third = await taken(grey, [1, 1, 1, 2], { scale: 1 / 765 }, DataType.FLOAT16);
    expect(third).toEqual({ dims: [1, 1, 1, 2], values: [0, 0.333251953125] });
    expect(await taken(colour, [1, 3, 1, 2], {}, DataType.UINT8)).toEqual({
      dims: [1, 3, 1, 2],
      values: planes,
    });
    expect(await taken(colour, [1, 3, 1, 2], {}, DataType.INT8)).toMatch(
      /input-shape: .* 153, which int8 cannot/,
    );
  });

  it('may be grey where the input takes colour, but not the reverse', async () => {
    expect(await taken(grey, [1, 3, 1, 2])).toEqual({ dims: [1, 3, 1, 2], values: [0, 255, 0, 255, 0, 255] });
    expect(await taken(colour, [1, 1, 1, 2])).toMatch(/the picture is in colour/);
    const equal = pngBytes({ width: 1, height: 1, depth: 8, colourType: 2, numbers: [7, 7, 7] });
    expect(await taken(equal, [1, 1, 1, 1])).toEqual({ dims: [1, 1, 1, 1], values: [7] });
  });

  it('may say that they are opaque, and are refused where they are not', async () => {
    const alpha = (value: number): Uint8Array =>
      pngBytes({ width: 1, height: 1, depth: 8, colourType: 6, numbers: [1, 2, 3, value] });
    expect(await taken(alpha(255), [1, 3, 1, 1])).toEqual({ dims: [1, 3, 1, 1], values: [1, 2, 3] });
    expect(await taken(alpha(9), [1, 3, 1, 1])).toMatch(/transparent pixels/);
    expect(await taken(alpha(9), [1, 4, 1, 1])).toEqual({ dims: [1, 4, 1, 1], values: [1, 2, 3, 9] });
  });

  it('are never made larger or smaller', async () => {
    expect(await taken(colour, [1, 3, 4, 4])).toMatch(/input-shape: picture is \[1, 3, 1, 2\]; the input is/);
  });

  it('have as many means as channels', async () => {
    expect(await taken(colour, [1, 3, 1, 2], { mean: [1, 2] })).toMatch(
      /mean has 2 numbers, and the input has 3 channels/,
    );
  });

  it('are one sample each', async () => {
    expect(await taken(colour, undefined, {}, DataType.FLOAT, 0)).toMatch(/leave out `axis`/);
  });

  it('of JPEG are what was saved, but for a few levels', async () => {
    const data = new Uint8Array(16 * 16 * 4).map((_, at) => [200, 100, 50, 255][at % 4] ?? 0);
    const found = await taken(encode({ width: 16, height: 16, data }, 100).data, [1, 3, 16, 16]);
    if (typeof found === 'string') throw new Error(found);
    expect(found.dims).toEqual([1, 3, 16, 16]);
    found.values.forEach((value, at) => {
      expect(Math.abs(value - ([200, 100, 50][Math.floor(at / 256)] ?? 0))).toBeLessThanOrEqual(3);
    });
  });

  it('of JPEG that are cut short are refused, not completed with grey', async () => {
    const data = new Uint8Array(64 * 64 * 4).map((_, at) => (at * 7919) % 256);
    const whole = encode({ width: 64, height: 64, data }, 90).data;
    expect(await taken(whole.subarray(0, whole.length >> 1), undefined)).toMatch(
      /JPEG picture cannot be decoded/,
    );
  });
});

describe('what is said of pictures', () => {
  it('is an error where the file is none', async () => {
    const array = new TextEncoder().encode('text');
    expect(await taken(array, undefined, { scale: 2 })).toMatch(/for pictures, which this file is not/);
  });
});
