/**
 * The pixels of a PNG file (W3C PNG, second edition; all colour types, depths and both interlace methods). Decodes no more
 * bytes than the header says there are. Colour spaces and gamma are not applied, as in every loader of training data.
 */
import { inflateSync } from 'node:zlib';
import { MOST_PIXELS, type Picture } from './picture.js';
import { failure, success, type Outcome } from './types.js';

const SIGNATURE_BYTES = 8;
/** Length, type and checksum around the content of a chunk. */
const CHUNK_OVERHEAD = 12;
const HEADER_BYTES = 13;

const GREY = 0;
const COLOUR = 2;
const PALETTE = 3;
const GREY_ALPHA = 4;
const COLOUR_ALPHA = 6;

/** Channels and depths that each colour type may have. */
const COLOUR_TYPES: Readonly<Record<number, { channels: 1 | 2 | 3 | 4; depths: readonly number[] }>> = {
  [GREY]: { channels: 1, depths: [1, 2, 4, 8, 16] },
  [COLOUR]: { channels: 3, depths: [8, 16] },
  [PALETTE]: { channels: 1, depths: [1, 2, 4, 8] },
  [GREY_ALPHA]: { channels: 2, depths: [8, 16] },
  [COLOUR_ALPHA]: { channels: 4, depths: [8, 16] },
};

/** Where the pixels of each pass of Adam7 begin, and how far apart they are: x, y, step of x, step of y. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const WHOLE = [[0, 0, 1, 1]] as const;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  /** Of one stored pixel: an index counts as one. */
  readonly channels: 1 | 2 | 3 | 4;
  readonly interlaced: boolean;
}

interface Chunks {
  readonly header: Header;
  readonly palette: Uint8Array | undefined;
  readonly transparency: Uint8Array | undefined;
  readonly packed: Uint8Array;
}

export function decodePng(bytes: Uint8Array): Outcome<Picture> {
  const chunks = readChunks(bytes);
  if (!chunks.ok) return chunks;
  const { header, palette, transparency, packed } = chunks.value;
  const wanted = passesOf(header).reduce((sum, { rows, rowBytes }) => sum + rows * (rowBytes + 1), 0);
  let raw: Uint8Array;
  try {
    raw = inflateSync(packed, { maxOutputLength: Math.max(1, wanted) });
  } catch {
    return damaged('its pixels cannot be unpacked');
  }
  if (raw.length !== wanted) return damaged(`it has ${raw.length} of ${wanted} bytes of pixels`);
  const stored = storedValues(raw, header);
  if (stored === undefined) return damaged('a row has an unknown filter');
  if (header.colourType === PALETTE) return fromPalette(header, stored, palette, transparency);
  if (transparency !== undefined) {
    return failure('input-shape', 'the picture has a transparent colour: save it without');
  }
  const { width, height, channels, depth } = header;
  const highest = 2 ** depth - 1;
  const values =
    depth === 8 ? Uint8Array.from(stored) : Float64Array.from(stored, (value) => (value * 255) / highest);
  return success({ width, height, channels, values });
}

function damaged<T>(reason: string): Outcome<T> {
  return failure('input-missing', `the PNG picture is cut short or damaged: ${reason}`);
}

function readChunks(bytes: Uint8Array): Outcome<Chunks> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const packed: Uint8Array[] = [];
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  for (let at = SIGNATURE_BYTES; at + CHUNK_OVERHEAD <= bytes.length;) {
    const end = at + CHUNK_OVERHEAD + view.getUint32(at);
    if (end > bytes.length) return damaged('it ends inside a chunk');
    const content = bytes.subarray(at + 8, end - 4);
    switch (String.fromCharCode(...bytes.subarray(at + 4, at + 8))) {
      case 'IHDR': {
        const read = readHeader(content);
        if (!read.ok) return read;
        header ??= read.value;
        break;
      }
      case 'PLTE':
        palette = content;
        break;
      case 'tRNS':
        transparency = content;
        break;
      case 'IDAT':
        packed.push(content);
        break;
    }
    at = end;
  }
  if (header === undefined) return damaged('it has no header');
  return success({ header, palette, transparency, packed: Buffer.concat(packed) });
}

function readHeader(content: Uint8Array): Outcome<Header> {
  if (content.length !== HEADER_BYTES) return damaged(`its header has ${content.length} bytes`);
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  if (width === 0 || height === 0) return damaged('it has no pixels');
  if (width * height > MOST_PIXELS) {
    return failure('input-shape', `a picture of ${width} x ${height} pixels is larger than any model takes`);
  }
  const [depth, colourType, method, filter, interlace] = [8, 9, 10, 11, 12].map((at) => view.getUint8(at));
  const type = COLOUR_TYPES[colourType ?? NaN];
  if (type === undefined || depth === undefined || colourType === undefined || !type.depths.includes(depth)) {
    return damaged(`colour type ${colourType ?? ''} with ${depth ?? ''} bits does not exist`);
  }
  if (method !== 0 || filter !== 0 || interlace === undefined || interlace > 1) {
    return damaged('it is packed in a way that does not exist');
  }
  const { channels } = type;
  return success({ width, height, depth, colourType, channels, interlaced: interlace === 1 });
}

interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly columns: number;
  readonly rows: number;
  readonly rowBytes: number;
}

/** The passes that have pixels. */
function passesOf({ width, height, depth, channels, interlaced }: Header): Pass[] {
  return (interlaced ? ADAM7 : WHOLE)
    .map(([x, y, stepX, stepY]) => {
      const columns = Math.max(0, Math.ceil((width - x) / stepX));
      const rows = Math.max(0, Math.ceil((height - y) / stepY));
      return { x, y, stepX, stepY, columns, rows, rowBytes: Math.ceil((columns * channels * depth) / 8) };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

/** The numbers that are stored, pixel by pixel; undefined for a filter that does not exist. */
function storedValues(raw: Uint8Array, header: Header): Uint16Array | undefined {
  const { width, height, depth, channels } = header;
  const values = new Uint16Array(width * height * channels);
  const pixelBytes = Math.max(1, (channels * depth) >> 3);
  let at = 0;
  for (const { x, y, stepX, stepY, columns, rows, rowBytes } of passesOf(header)) {
    let before: Uint8Array = new Uint8Array(rowBytes);
    for (let row = 0; row < rows; row++) {
      const filter = raw[at] ?? 0;
      const current = raw.subarray(at + 1, at + 1 + rowBytes);
      if (filter > 4) return undefined;
      unfilter(current, before, filter, pixelBytes);
      for (let column = 0; column < columns; column++) {
        const pixel = (y + row * stepY) * width + x + column * stepX;
        for (let channel = 0; channel < channels; channel++) {
          values[pixel * channels + channel] = numberAt(current, column * channels + channel, depth);
        }
      }
      before = current;
      at += 1 + rowBytes;
    }
  }
  return values;
}

function numberAt(row: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return row[index] ?? 0;
  if (depth === 16) return ((row[2 * index] ?? 0) << 8) | (row[2 * index + 1] ?? 0);
  const bit = index * depth;
  return ((row[bit >> 3] ?? 0) >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}

/** Undoes the filter of a row in place (section 9 of the standard). */
function unfilter(row: Uint8Array, above: Uint8Array, filter: number, pixelBytes: number): void {
  for (let at = 0; at < row.length; at++) {
    const left = at < pixelBytes ? 0 : (row[at - pixelBytes] ?? 0);
    const up = above[at] ?? 0;
    const corner = at < pixelBytes ? 0 : (above[at - pixelBytes] ?? 0);
    row[at] = (row[at] ?? 0) + prediction(filter, left, up, corner);
  }
}

function prediction(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4:
      return paeth(left, up, corner);
    default:
      return 0;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

function fromPalette(
  { width, height }: Header,
  indexes: Uint16Array,
  palette: Uint8Array | undefined,
  transparency: Uint8Array | undefined,
): Outcome<Picture> {
  const colours = Math.floor((palette?.length ?? 0) / 3);
  const channels = transparency === undefined ? 3 : 4;
  const values = new Uint8Array(indexes.length * channels);
  for (const [pixel, index] of indexes.entries()) {
    if (index >= colours) return damaged(`its palette has no colour ${index}`);
    for (let channel = 0; channel < 3; channel++) {
      values[pixel * channels + channel] = palette?.[index * 3 + channel] ?? 0;
    }
    if (channels === 4) values[pixel * channels + 3] = transparency?.[index] ?? 255;
  }
  return success({ width, height, channels, values });
}
