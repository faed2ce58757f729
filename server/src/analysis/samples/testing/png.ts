/** Writes PNG pictures for tests. Their checksums are zero: nobody reads them here. Not part of the product. */
import { deflateSync } from 'node:zlib';

export interface PngFixture {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  /** Stored numbers, pixel by pixel. */
  readonly numbers: readonly number[];
  /** The filter of each row, taken in turns. */
  readonly filters?: readonly number[];
  readonly interlaced?: boolean;
  readonly palette?: readonly number[];
  readonly transparency?: readonly number[];
}

const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Adam7 as a picture of the standard shows it: which pass each pixel of 8 by 8 belongs to. */
const PASSES = [
  '16462646',
  '77777777',
  '56565656',
  '77777777',
  '36463646',
  '77777777',
  '56565656',
  '77777777',
];

export function pngBytes(fixture: PngFixture): Uint8Array {
  const { width, height, depth, colourType, interlaced = false, palette, transparency } = fixture;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, interlaced ? 1 : 0], 8);
  const rows: Uint8Array[] = [];
  for (const pass of interlaced ? [1, 2, 3, 4, 5, 6, 7] : [0]) rows.push(...rowsOf(fixture, pass));
  const pixels = deflateSync(Buffer.concat(rows));
  const half = pixels.length >> 1;
  return new Uint8Array(
    Buffer.concat([
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10),
      chunk('IHDR', header),
      ...(palette === undefined ? [] : [chunk('PLTE', Uint8Array.from(palette))]),
      ...(transparency === undefined ? [] : [chunk('tRNS', Uint8Array.from(transparency))]),
      chunk('tEXt', Buffer.from('Comment\0not a pixel')),
      chunk('IDAT', pixels.subarray(0, half)),
      chunk('IDAT', pixels.subarray(half)),
      chunk('IEND', new Uint8Array(0)),
    ]),
  );
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(content, 8);
  return bytes;
}

/** The rows of one pass with their filters; pass 0 is the whole picture. */
function rowsOf(
  { width, height, depth, colourType, numbers, filters = [0] }: PngFixture,
  pass: number,
): Uint8Array[] {
  const channels = CHANNELS[colourType] ?? 1;
  const pixelBytes = Math.max(1, (channels * depth) >> 3);
  const rows: Uint8Array[] = [];
  let above: Uint8Array | undefined;
  for (let y = 0; y < height; y++) {
    const row: number[] = [];
    for (let x = 0; x < width; x++) {
      if (pass > 0 && PASSES[y % 8]?.[x % 8] !== String(pass)) continue;
      for (let c = 0; c < channels; c++) row.push(numbers[(y * width + x) * channels + c] ?? 0);
    }
    if (row.length === 0) continue;
    const bytes = packed(row, depth);
    const filter = filters[rows.length % filters.length] ?? 0;
    rows.push(filtered(bytes, above ?? new Uint8Array(bytes.length), filter, pixelBytes));
    above = bytes;
  }
  return rows;
}

function packed(row: readonly number[], depth: number): Uint8Array {
  const bits = row.map((number) => number.toString(2).padStart(depth, '0')).join('');
  return Uint8Array.from(bits.match(/.{1,8}/g) ?? [], (byte) => parseInt(byte.padEnd(8, '0'), 2));
}

function filtered(row: Uint8Array, above: Uint8Array, filter: number, pixelBytes: number): Uint8Array {
  const differences = row.map((value, at) => {
    const [left, up, corner] = [row[at - pixelBytes] ?? 0, above[at] ?? 0, above[at - pixelBytes] ?? 0];
    const nearest = [left, up, corner].toSorted(
      (a, b) => Math.abs(left + up - corner - a) - Math.abs(left + up - corner - b),
    )[0];
    return value - ([0, left, up, Math.floor((left + up) / 2), nearest][filter] ?? 0);
  });
  return Uint8Array.of(filter, ...differences);
}
