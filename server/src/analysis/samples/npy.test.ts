import { describe, expect, it } from 'vitest';
import { DataType } from '../../onnx/index.js';
import { npyHeaderLength, parseNpyHeader, PREAMBLE_BYTES, type NpyHeader } from './npy.js';
import { npyBytes, type NpyFixture } from './testing/npy.js';
import type { Outcome } from './types.js';

function headerOf(file: Uint8Array): Outcome<NpyHeader> {
  const length = npyHeaderLength(file.subarray(0, PREAMBLE_BYTES));
  return length.ok ? parseNpyHeader(file.subarray(0, length.value), file.length) : length;
}

function checkHeader(fixture: NpyFixture, bytes: number, expected: Partial<NpyHeader>): void {
  const header = headerOf(npyBytes(new Uint8Array(bytes), fixture));
  expect(header).toMatchObject({ ok: true, value: expected });
}

function checkFault(file: Uint8Array, code: string, message: RegExp): void {
  const header = headerOf(file);
  expect(header.ok ? 'read' : header.fault.code).toBe(code);
  expect(header.ok ? '' : header.fault.message).toMatch(message);
}

/** A file whose header holds this text. */
function withHeader(text: string): Uint8Array {
  const bytes = new Uint8Array(10 + text.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 0xff, text.length >> 8]);
  bytes.set(new TextEncoder().encode(text), 10);
  return bytes;
}

describe('the header of a .npy file', () => {
  it.each([1, 2, 3] as const)('is read in version %i', (version) => {
    checkHeader({ shape: [1, 256, 3], version }, 3072, {
      dataType: DataType.FLOAT,
      bigEndian: false,
      fortranOrder: false,
      dims: [1, 256, 3],
      offset: 128,
    });
  });

  it.each([
    ['<f2', DataType.FLOAT16],
    ['<f4', DataType.FLOAT],
    ['<f8', DataType.DOUBLE],
    ['|i1', DataType.INT8],
    ['<i2', DataType.INT16],
    ['<i4', DataType.INT32],
    ['<i8', DataType.INT64],
    ['|u1', DataType.UINT8],
    ['<u2', DataType.UINT16],
    ['<u4', DataType.UINT32],
    ['<u8', DataType.UINT64],
    ['|b1', DataType.BOOL],
  ])('says that %s is a type of ONNX', (descr, dataType) => {
    checkHeader({ descr, shape: [2] }, 16, { dataType });
  });

  it('says byte order and the order of the axes', () => {
    checkHeader({ descr: '>f4', fortran: true, shape: [2, 2] }, 16, { bigEndian: true, fortranOrder: true });
  });

  it('knows scalars, vectors, empty arrays and what Python 2 wrote', () => {
    checkHeader({ shape: [] }, 4, { dims: [] });
    checkHeader({ shape: [3] }, 12, { dims: [3] });
    checkHeader({ shape: [0, 4] }, 0, { dims: [0, 4] });
    const old = withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (0L, 3L), }\n");
    expect(headerOf(old)).toMatchObject({ ok: true, value: { dims: [0, 3] } });
  });

  it('says what is wrong with a file that is none', () => {
    checkFault(new Uint8Array(0), 'input-missing', /empty/);
    checkFault(
      new TextEncoder().encode('a picture, perhaps'),
      'input-missing',
      /no \.npy, \.npz or \.pb file/,
    );
    checkFault(npyBytes(new Uint8Array(4), { shape: [1] }).subarray(0, 9), 'input-missing', /after 9 bytes/);
    checkFault(withHeader('{}\n'), 'input-missing', /element type/);
    checkFault(withHeader("{'descr': '<f4'}\n"), 'input-missing', /shape and order/);
    checkFault(
      withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"),
      'input-missing',
      /shape/,
    );
    checkFault(npyBytes(new Uint8Array(4), { shape: [1] }).with(6, 9), 'input-missing', /version 9/);
  });

  it('says how much of a file is missing', () => {
    checkFault(
      npyBytes(new Uint8Array(7), { shape: [2] }),
      'input-missing',
      /cut short: 7 of 8 bytes of \[2\]/,
    );
  });

  it('says what it holds when these are no numbers', () => {
    checkFault(npyBytes(new Uint8Array(8), { descr: '|O', shape: [1] }), 'input-shape', /Python objects/);
    checkFault(npyBytes(new Uint8Array(8), { descr: '<c8', shape: [1] }), 'input-shape', /complex numbers/);
    checkFault(npyBytes(new Uint8Array(16), { descr: '<f16', shape: [1] }), 'input-shape', /extended/);
    checkFault(npyBytes(new Uint8Array(8), { descr: '<M8[ns]', shape: [1] }), 'input-shape', /dates/);
    checkFault(npyBytes(new Uint8Array(8), { descr: '<U2', shape: [1] }), 'input-shape', /strings/);
    const records = withHeader("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}");
    checkFault(records, 'input-shape', /records/);
  });
});
