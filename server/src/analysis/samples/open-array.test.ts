import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataType } from '../../onnx/index.js';
import { folderForTests } from '../../testing/index.js';
import { decodeFloats } from './convert.js';
import { npyBytes } from './testing/npy.js';
import { openArray, type ArrayWish } from './open-array.js';
import { readArray } from './read-file.js';
import { zipBytes } from './testing/zip.js';

const wish: ArrayWish = {
  name: 'x',
  elementType: DataType.FLOAT,
  shape: undefined,
  options: undefined,
  axis: undefined,
};

const folder = folderForTests();

const ones = npyBytes(new Float32Array([1, 1]), { shape: [2] });
const twos = npyBytes(new Float32Array([2, 2, 2]), { shape: [3] });
const bigEndian = npyBytes(new Uint8Array([0x3f, 0x80, 0, 0]), { shape: [1], descr: '>f4' });

/** A float32 TensorProto of [1, -2] by its wire format: dims, data_type, raw_data. */
const tensor = new Uint8Array([0x08, 2, 0x10, 1, 0x4a, 8, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);

/** The numbers of the array that a file of these bytes holds for the input `x`, or what is wrong with it. */
async function read(
  name: string,
  bytes: Uint8Array,
): Promise<{ dims: readonly number[]; values: number[] } | string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  const file = await openArray(path, wish);
  if (!file.ok) return file.fault.message;
  const elements = await readArray(file.value);
  if (!elements.ok) return elements.fault.message;
  const { dims, dataType } = file.value.header;
  return { dims, values: [...decodeFloats(elements.value, dataType)] };
}

async function checkArray(name: string, bytes: Uint8Array, values: readonly number[]): Promise<void> {
  expect(await read(name, bytes)).toEqual({ dims: [values.length], values });
}

async function checkFault(name: string, bytes: Uint8Array, message: RegExp): Promise<void> {
  expect(await read(name, bytes)).toMatch(message);
}

describe('arrays in archives', () => {
  it.each([false, true])('are the one that is called like the input (deflated: %s)', async (deflated) => {
    await checkArray('a.npz', zipBytes({ 'y.npy': ones, 'x.npy': twos }, deflated), [2, 2, 2]);
  });

  it('are the only one, whatever its name', async () => {
    await checkArray('a.npz', zipBytes({ 'arr_0.npy': ones }), [1, 1]);
  });

  it('may be in any order of bytes', async () => {
    await checkArray('a.npz', zipBytes({ 'x.npy': bigEndian }), [1]);
  });

  it('must be told apart', async () => {
    await checkFault('a.npz', zipBytes({ 'a.npy': ones, 'b.npy': twos }), /called x; it holds a, b/);
    await checkFault('a.npz', zipBytes({ 'x.npy': ones.subarray(0, 130) }), /x\.npy: the file is cut short/);
    await checkFault('a.npz', zipBytes({ 'x.npy': new Uint8Array(3) }), /x\.npy: this is no/);
  });

  it('that are damaged are a fault, never an exception and never other numbers of elements', async () => {
    const whole = zipBytes({ 'x.npy': twos }, true);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const result = await read('damaged.npz', whole.with(at, (whole[at] ?? 0) ^ change));
        if (typeof result !== 'string') {
          expect(result.values).toHaveLength(result.dims.reduce((count, dim) => count * dim, 1));
        }
      }),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: whole.length - 1 }), async (length) => {
        expect(await read('cut.npz', whole.subarray(0, length))).toMatch(/archive|\.npy/);
      }),
    );
  });
});

describe('tensors of ONNX', () => {
  it('are read from a file of their own', async () => {
    await checkArray('input_0.pb', tensor, [1, -2]);
  });

  it('keep their type', async () => {
    await writeFile(join(folder, 'half.pb'), new Uint8Array([0x08, 1, 0x10, 10, 0x4a, 2, 0, 0x3c]));
    const file = await openArray(join(folder, 'half.pb'), wish);
    expect(file).toMatchObject({ ok: true, value: { header: { dataType: DataType.FLOAT16, dims: [1] } } });
  });

  it('that are damaged are a fault or a tensor, never an exception', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(tensor.length - 1), fc.nat(255), async (at, byte) => {
        await read('damaged.pb', tensor.with(at, byte));
      }),
      { numRuns: 300 },
    );
    await checkFault('cut.pb', tensor.subarray(0, 9), /./);
    await checkFault('text.pb', new TextEncoder().encode('no tensor at all'), /./);
  });
});

describe('other files', () => {
  it('are told apart by their first bytes', async () => {
    await checkFault('a.txt', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10]), /PNG picture is cut short/);
    await checkFault('b.txt', new Uint8Array([0xff, 0xd8, 0xff, 0xe0]), /JPEG picture cannot be decoded/);
    await checkFault('a.csv', new TextEncoder().encode('1,2,3'), /no \.npy, \.npz or \.pb file/);
    await checkFault('a.pb', new Uint8Array(0), /empty/);
  });

  it('that are not there say so', async () => {
    const file = await openArray(join(folder, 'none.npy'), wish);
    expect(file).toMatchObject({ ok: false, fault: { code: 'input-missing' } });
  });
});
