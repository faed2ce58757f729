/**
 * The header of a NumPy `.npy` file, versions 1 to 3 (numpy.lib.format). Knows where the elements are and what they
 * are; reads none of them.
 */
import { DataType } from '../../onnx/index.js';
import { failure, success, type Outcome } from './types.js';

/** Bytes from the start of a file that are enough to know how long its header is. */
export const PREAMBLE_BYTES = 12;

/** NumPy itself refuses to evaluate a longer one from an untrusted file. */
const LONGEST_HEADER = 1 << 20;

export interface NpyHeader {
  readonly dataType: DataType;
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly dims: readonly number[];
  /** Where the elements begin. */
  readonly offset: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Kind and width of a dtype string, without the byte order. */
const DATA_TYPES: Readonly<Record<string, DataType>> = {
  f2: DataType.FLOAT16,
  f4: DataType.FLOAT,
  f8: DataType.DOUBLE,
  i1: DataType.INT8,
  i2: DataType.INT16,
  i4: DataType.INT32,
  i8: DataType.INT64,
  u1: DataType.UINT8,
  u2: DataType.UINT16,
  u4: DataType.UINT32,
  u8: DataType.UINT64,
  b1: DataType.BOOL,
};

const OTHER_KINDS: Readonly<Record<string, string>> = {
  O: 'Python objects',
  U: 'strings',
  S: 'byte strings',
  c: 'complex numbers',
  M: 'dates',
  m: 'time spans',
  V: 'raw records',
  f: 'extended floating point',
};

/** Bytes up to the first element, from the first `PREAMBLE_BYTES` of a file (fewer where it ends before). */
export function npyHeaderLength(preamble: Uint8Array): Outcome<number> {
  if (preamble.length === 0) return failure('input-missing', 'the file is empty');
  const magic = MAGIC.slice(0, preamble.length);
  if (!magic.every((byte, index) => preamble[index] === byte)) {
    return failure(
      'input-missing',
      'this is no .npy, .npz or .pb file and no PNG or JPEG picture; write it with numpy.save',
    );
  }
  if (preamble.length < PREAMBLE_BYTES) {
    return failure('input-missing', `the file ends inside its header, after ${preamble.length} bytes`);
  }
  const view = new DataView(preamble.buffer, preamble.byteOffset, preamble.length);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) {
    return failure(
      'input-missing',
      `version ${version} of the .npy format is not known (versions 1 to 3 are)`,
    );
  }
  const length = version === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  return length > LONGEST_HEADER
    ? failure('input-missing', `a header of ${length} bytes is longer than any real one`)
    : success(length);
}

/** The header from its bytes, as many as `npyHeaderLength` said, and the length of the whole file. */
export function parseNpyHeader(header: Uint8Array, fileLength: number): Outcome<NpyHeader> {
  const start = header[6] === 1 ? 10 : 12;
  const text = new TextDecoder().decode(header.subarray(start));
  const type = parseType(text);
  if (!type.ok) return type;
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /['"]shape['"]\s*:\s*\(([^)]*)\)/.exec(text)?.[1];
  const dims = shape === undefined ? undefined : parseShape(shape);
  if (order === undefined || dims === undefined) {
    return failure('input-missing', 'the header does not say shape and order');
  }
  const { dataType, bytes, bigEndian } = type.value;
  const wanted = dims.reduce((length, dim) => length * dim, bytes);
  const there = fileLength - header.length;
  if (there < wanted) {
    return failure(
      'input-missing',
      `the file is cut short: ${there} of ${wanted} bytes of [${dims.join(', ')}] are there`,
    );
  }
  return success({ dataType, bigEndian, fortranOrder: order === 'True', dims, offset: header.length });
}

function parseType(text: string): Outcome<{ dataType: DataType; bytes: number; bigEndian: boolean }> {
  const found = /['"]descr['"]\s*:\s*(?:['"]([<>|=]?)(\w)(\d*)[^'"]*['"]|(\[))/.exec(text);
  if (found === null) return failure('input-missing', 'the header does not say the element type');
  const [, byteOrder, kind = '', width = '', list] = found;
  if (list !== undefined) return failure('input-shape', 'it holds records; save one plain array');
  const dataType = DATA_TYPES[`${kind}${width}`];
  if (dataType === undefined) {
    return failure(
      'input-shape',
      `it holds ${OTHER_KINDS[kind] ?? `elements of type ${kind}${width}`}, not numbers`,
    );
  }
  return success({ dataType, bytes: Number(width), bigEndian: byteOrder === '>' });
}

/** `1, 256, 3` or `4,`; Python 2 wrote `4L`. Undefined where it is no list of lengths. */
function parseShape(text: string): number[] | undefined {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  const lengths = items.map((item) => (/^\d+L?$/.test(item) ? parseInt(item, 10) : NaN));
  return lengths.every(Number.isSafeInteger) ? lengths : undefined;
}
