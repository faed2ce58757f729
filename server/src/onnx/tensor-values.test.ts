import { linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { folderForTests } from '../testing/index.js';
import { DataType, type Model, type Tensor } from './model.js';
import { makeComputedTensor, makeExternalTensor, makeGraph, makeTensor } from './make.js';
import {
  bytesField,
  bytesPiece,
  encodeBytes,
  floatField,
  integerField,
  textField,
  type Piece,
} from './pieces.js';
import { openModel } from './read-model.js';
import { modelFolder, tensorBytes, tensorLocation, weightsFolder } from './tensor-bytes.js';
import { elementBits, tensorByteLength } from './tensor-size.js';
import { tensorValues } from './tensor-values.js';
import { graphBytes, modelFromBytes, modelOf, modelWithInitializer, realModels } from './testing/models.js';

const root = folderForTests();

const raw = (...values: number[]): Piece => bytesPiece(Uint8Array.from(values));

function initializer(dataType: DataType, dims: readonly number[], data: readonly Piece[]): Tensor {
  const header = [
    ...dims.flatMap((dim) => integerField(1, dim)),
    ...integerField(2, dataType),
    ...textField(8, 't'),
  ];
  const tensor = modelFromBytes(modelWithInitializer([...header, ...data])).graph.initializers[0];
  if (tensor === undefined) throw new Error('the model has no initializer');
  return tensor;
}

function checkValues(tensor: Tensor, values: readonly unknown[]): void {
  const result = tensorValues(tensor, undefined);
  if ('problem' in result) throw new Error(result.problem.message);
  expect([...result.values]).toEqual(values);
}

function checkProblem(tensor: Tensor, code: string, message: RegExp, folder?: string): void {
  const result = tensorBytes(tensor, folder);
  if (!('problem' in result)) throw new Error('the tensor was read');
  expect(result.problem.code).toBe(code);
  expect(result.problem.message).toMatch(message);
}

/** Each type with the bytes of two elements and what they are. */
const PAIRS: readonly (readonly [DataType, readonly number[], readonly unknown[]])[] = [
  [DataType.FLOAT, [0, 0, 128, 63, 0, 0, 0, 192], [1, -2]],
  [DataType.DOUBLE, [0, 0, 0, 0, 0, 0, 240, 63, 0, 0, 0, 0, 0, 0, 0, 192], [1, -2]],
  [DataType.UINT8, [1, 255], [1, 255]],
  [DataType.INT8, [1, 255], [1, -1]],
  [DataType.BOOL, [1, 0], [1, 0]],
  [DataType.UINT16, [1, 0, 255, 255], [1, 65535]],
  [DataType.INT16, [1, 0, 255, 255], [1, -1]],
  [DataType.FLOAT16, [0, 60, 0, 192], [0x3c00, 0xc000]],
  [DataType.BFLOAT16, [128, 63, 0, 192], [0x3f80, 0xc000]],
  [DataType.INT32, [1, 0, 0, 0, 255, 255, 255, 255], [1, -1]],
  [DataType.UINT32, [1, 0, 0, 0, 255, 255, 255, 255], [1, 4294967295]],
  [DataType.INT64, [1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255], [1n, -1n]],
  [
    DataType.UINT64,
    [1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
    [1n, 18446744073709551615n],
  ],
  [DataType.FLOAT8E4M3FN, [0x38, 0x7e], [0x38, 0x7e]],
  [DataType.UINT4, [0xf1], [1, 15]],
  [DataType.INT4, [0xf1], [1, -1]],
  [DataType.FLOAT4E2M1, [0x92], [2, 9]],
];

describe('the elements of a tensor', () => {
  it.each(PAIRS)('of type %s in raw_data', (dataType, bytes, values) => {
    const tensor = initializer(dataType, [2], bytesField(9, [raw(...bytes)]));
    checkValues(tensor, values);
    expect(tensorByteLength(tensor)).toBe(bytes.length);
    expect(tensorBytes(tensor, undefined)).toEqual({ bytes: Uint8Array.from(bytes) });
  });

  /** The field and the stored numbers of the same two elements. */
  const typed: readonly (readonly [DataType, number, readonly number[]])[] = [
    [DataType.UINT8, 5, [1, 255]],
    [DataType.INT8, 5, [1, -1]],
    [DataType.BOOL, 5, [1, 0]],
    [DataType.UINT16, 5, [1, 65535]],
    [DataType.INT16, 5, [1, -1]],
    [DataType.FLOAT16, 5, [0x3c00, 0xc000]],
    [DataType.BFLOAT16, 5, [0x3f80, 0xc000]],
    [DataType.INT32, 5, [1, -1]],
    [DataType.UINT32, 11, [1, 4294967295]],
    [DataType.INT64, 7, [1, -1]],
    [DataType.UINT4, 5, [0xf1]],
    [DataType.INT4, 5, [0xf1]],
    [DataType.FLOAT4E2M1, 5, [0x92]],
  ];

  it.each(typed)('of type %s in typed fields, packed and unpacked', (dataType, field, stored) => {
    const values = PAIRS.find(([type]) => type === dataType)?.[2] ?? [];
    const unpacked = stored.flatMap((value) => integerField(field, value));
    checkValues(initializer(dataType, [2], unpacked), values);
    // The same numbers, each without its tag, in one packed field.
    const packed = stored.flatMap((value) => encodeBytes(integerField(1, value)).slice(1)).map(bytesPiece);
    checkValues(initializer(dataType, [2], bytesField(field, packed)), values);
  });

  it('in float_data, packed, unpacked and in parts', () => {
    const packed = bytesField(4, [raw(0, 0, 128, 63, 0, 0, 0, 192)]);
    const unpacked = [...floatField(4, 1), ...floatField(4, -2)];
    checkValues(initializer(DataType.FLOAT, [2], packed), [1, -2]);
    checkValues(initializer(DataType.FLOAT, [2], unpacked), [1, -2]);
    checkValues(initializer(DataType.FLOAT, [2, 2], [...packed, ...unpacked]), [1, -2, 1, -2]);
    checkValues(initializer(DataType.COMPLEX64, [1], packed), [1, -2]);
  });

  it('that are texts', () => {
    const tensor = initializer(DataType.STRING, [2], [...textField(6, 'größer'), ...textField(6, '')]);
    checkValues(tensor, ['größer', '']);
    expect(tensorByteLength(tensor)).toBeUndefined();
    checkProblem(tensor, 'tensor-unreadable', /holds texts/);
  });

  it('that are none', () => {
    checkValues(initializer(DataType.FLOAT, [0], []), []);
    checkValues(initializer(DataType.FLOAT, [3, 0, 2 ** 40], bytesField(9, [])), []);
    checkValues(initializer(DataType.INT64, [0], bytesField(7, [])), []);
  });

  it('of a scalar', () => {
    checkValues(initializer(DataType.FLOAT, [], floatField(4, 3)), [3]);
  });

  it('are a copy that the caller may change', () => {
    const tensor = initializer(DataType.UINT8, [2], bytesField(9, [raw(1, 2)]));
    const first = tensorBytes(tensor, undefined);
    if ('bytes' in first) first.bytes.fill(0);
    checkValues(tensor, [1, 2]);
    const made = makeTensor('m', DataType.UINT8, [2], Buffer.from([1, 2]));
    const second = tensorBytes(made, undefined);
    if ('bytes' in second) second.bytes.fill(0);
    checkValues(made, [1, 2]);
  });

  it('are those that went in, for any numbers', () => {
    fc.assert(
      fc.property(fc.float32Array(), (values) => {
        const bytes = new Uint8Array(values.buffer);
        checkValues(makeTensor('', DataType.FLOAT, [values.length], bytes), [...values]);
        checkValues(initializer(DataType.FLOAT, [values.length], bytesField(9, [bytesPiece(bytes)])), [
          ...values,
        ]);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.integer()), (values) => {
        const fields = values.flatMap((value) => integerField(5, value));
        checkValues(initializer(DataType.INT32, [values.length], fields), values);
      }),
    );
  });

  it('have a width for every type but texts', () => {
    const types = Object.values(DataType).filter((type) => typeof type === 'number');
    const without = types.filter((type) => elementBits(type) === undefined);
    expect(without).toEqual([DataType.UNDEFINED, DataType.STRING]);
  });
});

describe('a tensor is refused', () => {
  it.each([
    [
      'too few bytes',
      [3],
      bytesField(9, [raw(1, 2, 3, 4)]),
      /has 4 bytes, but its shape \[3\] of FLOAT asks for 12/,
    ],
    ['too many bytes', [], bytesField(9, [raw(1, 2, 3, 4, 5)]), /has 5 bytes.*asks for 4/],
    ['no data', [5], [], /has 0 stored values.*asks for 5/],
    ['too few values', [3], [...floatField(4, 1), ...floatField(4, 2)], /has 2 stored values.*asks for 3/],
    ['an absurd shape', [2 ** 50, 2 ** 50], bytesField(9, [raw(1)]), /elements by its shape/],
    ['more than memory', [2 ** 40], [], /more than can be held in memory/],
    ['segments', [1], [...bytesField(3, integerField(1, 0)), ...floatField(4, 1)], /segments/],
  ])('with %s', (_, dims, data, message) => {
    checkProblem(initializer(DataType.FLOAT, dims, data), 'tensor-unreadable', message);
  });

  it('of an unknown type', () => {
    checkProblem(
      initializer(DataType.UNDEFINED, [1], integerField(2, 99)),
      'tensor-unreadable',
      /a type that is not known/,
    );
  });

  it('with a damaged number, or too many of them', () => {
    checkProblem(
      initializer(DataType.INT32, [1], bytesField(5, [raw(0xff)])),
      'tensor-unreadable',
      /damaged at byte/,
    );
    checkProblem(
      initializer(DataType.INT32, [1], bytesField(5, [raw(1, 2)])),
      'tensor-unreadable',
      /has 2 stored values/,
    );
  });
});

/** A model in `folder` whose one initializer is external, [4] of FLOAT. */
function externalModel(
  folder: string,
  location: string,
  offset = 4,
  length = 16,
): { model: Model; tensor: Tensor } {
  mkdirSync(folder, { recursive: true });
  const tensor = makeExternalTensor('w', DataType.FLOAT, [4], location, offset, length);
  const graph = makeGraph({ name: 'g', nodes: [], inputs: [], outputs: [], initializers: [tensor] });
  const path = join(folder, 'model.onnx');
  writeFileSync(path, graphBytes(graph));
  const model = modelOf(openModel(path));
  const [read] = model.graph.initializers;
  if (read === undefined) throw new Error('the model has no initializer');
  return { model, tensor: read };
}

const weights = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4).buffer);

describe('external data', () => {
  it('are read from the offset on', () => {
    const folder = join(root, 'plain');
    const { model, tensor } = externalModel(folder, 'parts/weights.bin');
    mkdirSync(join(folder, 'parts'));
    writeFileSync(join(folder, 'parts', 'weights.bin'), weights);
    const result = tensorValues(tensor, modelFolder(model));
    expect('values' in result && [...result.values]).toEqual([1, 2, 3, 4]);
    expect(tensorLocation(tensor, model)).toMatchObject({
      location: { relativePath: 'parts/weights.bin', offset: 4, length: 16 },
    });
    model.source.close();
  });

  it.each([
    ['/etc/hostname', /absolute path/],
    ['C:\\windows\\win.ini', /absolute path/],
    ['\\\\server\\share', /absolute path/],
    ['../outside.bin', /leads out of the model's folder/],
    ['parts/../../outside.bin', /leads out of the model's folder/],
    ['..\\outside.bin', /leads out of the model's folder/],
    ['a\0b', /leads out of the model's folder/],
    ['link.bin', /symbolic link that leads out/],
    ['linked/outside.bin', /symbolic link that leads out/],
  ])('at %j are refused', (location, message) => {
    const folder = join(root, 'refused');
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(join(root, 'outside.bin'), weights);
    const { model, tensor } = externalModel(folder, location);
    symlinkSync(join(root, 'outside.bin'), join(folder, 'link.bin'));
    symlinkSync(root, join(folder, 'linked'));
    checkProblem(tensor, 'external-data-refused', message, folder);
    expect(tensorLocation(tensor, model)).toMatchObject({ problem: { code: 'external-data-refused' } });
    model.source.close();
  });

  it('may be a link that stays, or a hard link', () => {
    const folder = join(root, 'links');
    const { model, tensor } = externalModel(folder, 'link.bin');
    writeFileSync(join(root, 'hard.bin'), weights);
    linkSync(join(root, 'hard.bin'), join(folder, 'weights.bin'));
    symlinkSync('weights.bin', join(folder, 'link.bin'));
    expect(tensorBytes(tensor, folder)).toHaveProperty('bytes');
    expect(tensorLocation(tensor, model)).toMatchObject({ location: { relativePath: 'weights.bin' } });
    model.source.close();
  });

  it('may lie beside the file that the model links to, as caches of downloads have it', () => {
    const blobs = join(root, 'cache', 'blobs');
    const snapshot = join(root, 'cache', 'snapshot');
    externalModel(blobs, 'model.onnx_data').model.source.close();
    mkdirSync(snapshot);
    writeFileSync(join(blobs, 'data'), weights);
    symlinkSync(join(blobs, 'model.onnx'), join(snapshot, 'model.onnx'));
    symlinkSync(join(blobs, 'data'), join(snapshot, 'model.onnx_data'));
    const model = modelOf(openModel(join(snapshot, 'model.onnx')));
    const tensor = model.graph.initializers[0];
    if (tensor === undefined) throw new Error('the model has no initializer');
    expect(tensorBytes(tensor, modelFolder(model))).toHaveProperty('bytes');
    const place = tensorLocation(tensor, model);
    if (!('location' in place)) throw new Error(place.problem.message);
    expect(place.location?.relativePath).toBe('data');
    expect(join(weightsFolder(model) ?? '', 'data')).toBe(place.location?.path);
    model.source.close();
  });

  it.each([
    ['missing.bin', 0, 16, 'external-data-missing', /is missing from .*put the file beside the model/],
    ['.', 0, 16, 'external-data-refused', /leads out/],
    ['folder', 0, 16, 'external-data-missing', /is not a file/],
    ['short.bin', 8, 16, 'tensor-unreadable', /wants bytes 8 to 24 of "short.bin", which has 20/],
    ['short.bin', 0, 12, 'tensor-unreadable', /has 12 bytes.*asks for 16/],
  ])('at %s from %d to %d are a problem', (location, offset, length, code, message) => {
    const folder = join(root, 'missing');
    rmSync(folder, { recursive: true, force: true });
    const { model, tensor } = externalModel(folder, location, offset, length);
    writeFileSync(join(folder, 'short.bin'), weights);
    mkdirSync(join(folder, 'folder'));
    checkProblem(tensor, code, message, folder);
    expect(tensorLocation(tensor, model)).toMatchObject({ problem: { code } });
    model.source.close();
  });

  it('of a model in no folder are a problem', () => {
    const tensor = makeExternalTensor('w', DataType.FLOAT, [4], 'weights.bin', 0, 16);
    checkProblem(tensor, 'external-data-refused', /in no folder/);
  });
});

describe('the place of a tensor', () => {
  it.each(realModels())('holds its bytes in %s', (path) => {
    const model = modelOf(openModel(path));
    const file = readFileSync(path);
    const constants = model.graph.nodes.flatMap((node) =>
      node.attributes.flatMap((attribute) => (attribute.kind === 'tensor' ? [attribute.value] : [])),
    );
    let placed = 0;
    for (const tensor of [...model.graph.initializers, ...constants]) {
      const bytes = tensorBytes(tensor, modelFolder(model));
      const place = tensorLocation(tensor, model);
      if (!('bytes' in bytes) || !('location' in place)) throw new Error(`${tensor.name} is not readable`);
      if (place.location === undefined) continue;
      const { offset, length } = place.location;
      expect(Buffer.compare(bytes.bytes, file.subarray(offset, offset + length))).toBe(0);
      placed += 1;
    }
    expect(placed).toBeGreaterThan(10);
    model.source.close();
  });

  it('is nowhere for what is made, computed or stored as varints', () => {
    const model = modelFromBytes(modelWithInitializer([]));
    const four = new Uint8Array(4);
    const tensors = [
      makeTensor('m', DataType.FLOAT, [1], four),
      makeComputedTensor('c', DataType.FLOAT, [1], 4, () => [four]),
      initializer(DataType.INT32, [1], integerField(5, 1)),
      initializer(DataType.FLOAT, [1], bytesField(9, [raw(1, 2, 3, 4)])),
    ];
    for (const tensor of tensors) expect(tensorLocation(tensor, model)).toEqual({ location: undefined });
  });
});
