import { closeSync, fstatSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderForTests } from '../testing/index.js';
import type { Attribute } from './model.js';
import {
  bytesField,
  bytesPiece,
  encodeBytes,
  floatField,
  integerField,
  textField,
  type Piece,
} from './pieces.js';
import { openModel, openModelSteps, readModel } from './read-model.js';
import { bufferSource } from './source.js';
import {
  everythingModel,
  modelFromBytes,
  modelOf,
  modelWithAttribute,
  modelWithInitializer,
  rawModel,
  realModels,
} from './testing/models.js';

const folder = folderForTests();

const bytes = (...values: number[]): Piece => bytesPiece(Uint8Array.from(values));
const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

function checkProblem(content: Uint8Array, message: RegExp | string): void {
  const result = readModel(bufferSource(content));
  if (!('problem' in result)) throw new Error('the bytes were read as a model');
  expect(result.problem.code).toBe('model-unreadable');
  if (typeof message === 'string') expect(result.problem.message).toBe(message);
  else expect(result.problem.message).toMatch(message);
}

function attributeOf(content: readonly Piece[]): Attribute | undefined {
  return modelFromBytes(modelWithAttribute(content)).graph.nodes[0]?.attributes[0];
}

describe('the index of a model', () => {
  it('has the names, types and attributes of everything', () => {
    const model = modelFromBytes(everythingModel());
    expect(model.irVersion).toBe(10);
    expect(model.producer).toBe('pytorch 2.1');
    expect([...model.opsets]).toEqual([
      ['', 17],
      ['some.vendor', 1],
    ]);
    expect(model.graph.nodes.map(({ opType, domain, overload }) => [opType, domain, overload])).toEqual([
      ['If', '', ''],
      ['Everything', 'some.vendor', 'second'],
      ['Relu', '', ''],
    ]);
    expect(model.graph.nodes[1]?.inputs).toEqual(['chosen', '', 'weight']);
    expect(model.graph.sparseInitializers).toEqual(['sparse']);
    expect(model.graph.initializers.map(({ name, dims, data }) => [name, dims, data.kind])).toEqual([
      ['weight', [2, 2], 'bytes'],
      ['outside', [4], 'external'],
      ['typed', [3], 'fields'],
    ]);
    const [local] = model.functions;
    expect([local?.name, local?.domain, local?.inputs, local?.outputs, local?.attributes]).toEqual([
      'Local',
      'local.domain',
      ['a'],
      ['b'],
      ['alpha'],
    ]);
    expect(local?.nodes.map((node) => node.opType)).toEqual(['Relu']);
    expect(local?.attributeDefaults?.map((attribute) => attribute.name)).toEqual(['beta']);
  });

  it('has every kind of attribute', () => {
    const attributes = modelFromBytes(everythingModel()).graph.nodes[1]?.attributes ?? [];
    const values = attributes.map((attribute) => [
      attribute.name,
      attribute.kind,
      attribute.kind === 'graphs'
        ? attribute.value.map((graph) => graph.name)
        : 'value' in attribute
          ? attribute.value
          : undefined,
    ]);
    expect(values).toEqual([
      ['float', 'float', 0.5],
      ['int', 'int', -1],
      ['string', 'string', 'größer'],
      ['floats', 'floats', [1, -2.5]],
      ['ints', 'ints', [0, 1, 2 ** 40, -3]],
      ['strings', 'strings', ['', 'b']],
      ['graphs', 'graphs', ['g0', 'g1']],
      ['reference', 'reference', 'alpha'],
    ]);
  });

  it('has sequences, optionals, maps and symbolic dimensions', () => {
    const { inputs, outputs } = modelFromBytes(everythingModel()).graph;
    expect(inputs.map(({ name, type }) => [name, type])).toEqual([
      ['x', { kind: 'tensor', elementType: 1, shape: ['batch', 3, undefined] }],
      ['condition', { kind: 'tensor', elementType: 9, shape: [] }],
      ['list', { kind: 'sequence', element: { kind: 'tensor', elementType: 7, shape: undefined } }],
      [
        'maybe',
        {
          kind: 'optional',
          element: { kind: 'sequence', element: { kind: 'tensor', elementType: 10, shape: [1] } },
        },
      ],
      ['map', { kind: 'map' }],
    ]);
    expect(outputs.map(({ type }) => type)).toEqual([undefined]);
  });

  it('reads lists the same, packed and unpacked', () => {
    const type = integerField(20, 7);
    const expected = { kind: 'ints', value: [1, 300, -1] };
    expect(attributeOf([...type, ...[1, 300, -1].flatMap((value) => integerField(8, value))])).toMatchObject(
      expected,
    );
    const packed = bytes(1, 0xac, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1);
    expect(attributeOf([...type, ...bytesField(8, [packed])])).toMatchObject(expected);
    expect(attributeOf([...type, ...integerField(8, 1), ...bytesField(8, [packed])])).toMatchObject({
      value: [1, 1, 300, -1],
    });
    const floats = [...floatField(7, 1), ...floatField(7, -0.5), ...integerField(20, 6)];
    expect(attributeOf(floats)).toMatchObject({ kind: 'floats', value: [1, -0.5] });
    expect(
      attributeOf([...bytesField(7, [bytes(0, 0, 128, 63, 0, 0, 0, 191)]), ...integerField(20, 6)]),
    ).toMatchObject({
      value: [1, -0.5],
    });
  });

  it('takes the type of an attribute that has none from its value', () => {
    expect(attributeOf(integerField(3, 5))).toMatchObject({ kind: 'int', value: 5 });
    expect(attributeOf([])).toMatchObject({ kind: 'other' });
  });

  it('does not read texts and lists that are as long as weights', () => {
    const long = bytesPiece(new Uint8Array(5_000_000));
    expect(attributeOf([...bytesField(4, [long]), ...integerField(20, 3)])?.kind).toBe('other');
    expect(attributeOf([...bytesField(8, [long]), ...integerField(20, 7)])?.kind).toBe('other');
    expect(attributeOf([...bytesField(9, [long]), ...integerField(20, 8)])?.kind).toBe('other');
  });

  it('lets a model older than IR version 3 have no operator sets', () => {
    const content = encodeBytes([...integerField(1, 2), ...bytesField(7, textField(2, 'old'))]);
    expect([...modelFromBytes(content).opsets]).toEqual([['', 1]]);
  });

  it.each(realModels())('can be had of %s', (path) => {
    const model = modelOf(openModel(path));
    expect(model.graph.nodes.length).toBeGreaterThan(20);
    expect(model.graph.inputs.length).toBeGreaterThan(0);
    const named = new Set(model.graph.nodes.flatMap((node) => node.outputs));
    for (const output of model.graph.outputs) expect(named).toContain(output.name);
    model.source.close();
  });
});

describe('what is no file', () => {
  it.each([
    ['nothing', join(folder, 'missing.onnx'), 'model-not-found', /^there is no file .*missing\.onnx$/],
    [
      'a file in place of a folder',
      join(import.meta.filename, 'x.onnx'),
      'model-not-found',
      /^there is no file/,
    ],
    ['a folder', folder, 'model-unreadable', /is not a file$/],
  ])('%s', (_, path, code, message) => {
    const result = openModel(path);
    expect(result).toMatchObject({ problem: { code } });
    if ('problem' in result) expect(result.problem.message).toMatch(message);
  });

  it('an empty file', () => {
    const path = join(folder, 'empty.onnx');
    writeFileSync(path, '');
    expect(openModel(path)).toEqual({
      problem: { code: 'model-unreadable', message: 'the file is empty', offset: undefined },
    });
  });

  it('a folder below a file that is one', () => {
    mkdirSync(join(folder, 'sub.onnx'));
    expect(openModel(join(folder, 'sub.onnx'))).toMatchObject({ problem: { code: 'model-unreadable' } });
  });
});

describe('what is no model', () => {
  it.each([
    ['hello world, this is a text\n', 'this is no ONNX model: it is a text file'],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:00\n', /Git LFS pointer.*git lfs pull/],
    ['<!DOCTYPE html><html>', /web page/],
    ['PK\x03\x04\x14\x00\x00\x00', /ZIP archive/],
    ['\x1c\x00\x00\x00TFL3\x00\x00', /TensorFlow Lite/],
    ['\x89HDF\r\n\x1a\n', /HDF5/],
  ])('%j', (text, message) => {
    checkProblem(ascii(text), message);
  });

  it.each([
    [
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      /^this is no ONNX model: .*longer than ten bytes/,
    ],
    [[0x00, 0x01], /^this is no ONNX model: .*no valid field number/],
    [[0x0b, 0x0c], /protobuf group/],
    [[0x0e], /no protobuf wire type 6/],
    [[0x08], /^the file ends inside the field ir_version/],
  ])('the bytes %j', (values, message) => {
    checkProblem(Uint8Array.from(values), message);
  });

  it('says which part is missing', () => {
    const graph = bytesField(7, textField(2, 'g'));
    const opset = bytesField(8, integerField(2, 17));
    const missing = (part: string) => `the file has the form of a model, but its field ${part} is missing`;
    checkProblem(encodeBytes([...integerField(1, 8), ...opset]), missing('graph'));
    checkProblem(encodeBytes([...graph, ...opset]), missing('ir_version'));
    checkProblem(encodeBytes([...integerField(1, 8), ...graph]), missing('opset_import'));
    checkProblem(rawModel([], graph), /second graph/);
  });
});

describe('a damaged model', () => {
  it('names the field that the end of the file cuts off, and its bytes', () => {
    const tensor = (size: number) =>
      bytesField(5, [...textField(8, 'w'), ...bytesField(9, [bytesPiece(new Uint8Array(size))])]);
    const content = rawModel([...tensor(16), ...tensor(4096)]);
    const cut = content.subarray(0, content.length - 1000);
    checkProblem(
      cut,
      `the file ends inside the field graph.initializer[1].raw_data: it wants 4096 bytes at byte ${content.length - 4096}, the file has ${cut.length}`,
    );
  });

  it('names the field that is longer than what it is in', () => {
    const content = rawModel(
      bytesField(1, [...textField(4, 'Op'), bytes(0x0a, 50)]),
      textField(6, 'x'.repeat(60)),
    );
    checkProblem(
      content,
      /^in the field graph\.node\[0\]\.input\[0\], at byte \d+, the field wants 50 bytes at byte \d+, but/,
    );
  });

  it('names the field of the wrong wire type', () => {
    checkProblem(
      rawModel(integerField(1, 5)),
      /^in the field graph\.node\[0\], at byte \d+, .*wire type 0.*defines it as 2/,
    );
    checkProblem(modelWithInitializer(textField(2, 'x')), /^in the field graph\.initializer\[0\]\.data_type/);
    checkProblem(
      modelWithAttribute(integerField(2, 1)),
      /^in the field graph\.node\[0\]\.attribute\[0\]\.f, /,
    );
  });

  it.each([
    ['a negative dimension', integerField(1, -4), /dimension of -4/],
    ['external data in no file', integerField(14, 1), /no location/],
    [
      'an offset that is no number',
      [...integerField(14, 1), ...bytesField(13, [...textField(1, 'offset'), ...textField(2, '-1')])],
      /"-1" is no number of bytes/,
    ],
    [
      'dimensions without end',
      bytesField(1, [bytesPiece(new Uint8Array(100_000).fill(1))]),
      /more than 1024 elements/,
    ],
    [
      'a name without end',
      bytesField(8, [bytesPiece(new Uint8Array(2_000_000))]),
      /name is 2000000 bytes long/,
    ],
  ])('has %s', (_, tensor, message) => {
    checkProblem(modelWithInitializer(tensor), message);
  });

  it('has an attribute without the value that its type asks for', () => {
    checkProblem(modelWithAttribute(integerField(20, 4)), /no value of its type/);
    checkProblem(modelWithAttribute(integerField(20, 5)), /no value of its type/);
  });

  it('has a list of fixed width that is cut within an element', () => {
    checkProblem(
      modelWithAttribute([...bytesField(7, [bytes(1, 2, 3)]), ...integerField(20, 6)]),
      /whole number of elements/,
    );
  });
});

describe('a model made to do harm', () => {
  it('nests graphs without end', () => {
    let graph = textField(2, 'innermost');
    for (let depth = 0; depth < 2000; depth += 1) {
      graph = [
        bytesPiece(
          encodeBytes(bytesField(1, bytesField(5, [...bytesField(6, graph), ...integerField(20, 5)]))),
        ),
      ];
    }
    checkProblem(rawModel(graph), /nested more than 64 deep/);
  });

  it('nests types without end', () => {
    let type = bytesField(1, integerField(1, 1));
    for (let depth = 0; depth < 2000; depth += 1) {
      type = [bytesPiece(encodeBytes(bytesField(4, bytesField(1, type))))];
    }
    checkProblem(rawModel(bytesField(11, bytesField(2, type))), /nested more than 64 deep/);
  });

  it('has more fields than any model', () => {
    checkProblem(
      rawModel([bytesPiece(new Uint8Array(10_000_000).map((_, index) => (index % 2 === 0 ? 0x0a : 0)))]),
      /more than 4000000 fields/,
    );
  });

  it('has a long list of unpacked elements in place of a short one of fields', () => {
    const count = 3_000_000;
    const list = new Uint8Array(count * 5).map((_, index) => (index % 5 === 0 ? 0x25 : 0));
    const content = modelWithInitializer([...integerField(2, 1), bytesPiece(list)]);
    const message = modelFromBytes(content).graph.initializers[0]?.message;
    expect(message?.fields.map((field) => field.count)).toEqual([1, count]);
  });
});

describe('the reading of a model', () => {
  it('closes the file when it is given up in the middle', () => {
    const path = join(folder, 'given-up.onnx');
    writeFileSync(
      path,
      rawModel(Array.from({ length: 1000 }, () => bytesField(1, textField(4, 'Relu'))).flat()),
    );
    // The system gives out the lowest number that is free: the one that the model's file will have.
    const next = openSync(path, 'r');
    closeSync(next);
    const steps = openModelSteps(path);
    expect(steps.next().done).toBe(false);
    expect(fstatSync(next).ino).toBe(statSync(path).ino);
    steps.return(undefined as never);
    expect(() => fstatSync(next)).toThrow('EBADF');
  });
});
