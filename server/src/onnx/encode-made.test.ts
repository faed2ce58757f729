import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeMadeNode, writeMadeTensor } from './encode-made.js';
import { FieldWriter } from './field-writer.js';
import { makeAttribute, makeExternalTensor, makeNode, makeTensor } from './make.js';
import { DataType, type Attribute, type Node, type Tensor } from './model.js';
import { bytesField, encodeBytes, floatField, integerField, textField, type Piece } from './pieces.js';

/** One writer for all, as there is one for the nodes of a graph. */
const writer = new FieldWriter();
const encodeMadeNode = (node: Node): Uint8Array | undefined =>
  writeMadeNode(writer, node) ? writer.take() : undefined;
const encodeMadeTensor = (tensor: Tensor): Uint8Array | undefined =>
  writeMadeTensor(writer, tensor) ? writer.take() : undefined;

/** Field by field, as onnx.proto numbers them. */
function fieldByField({ inputs, outputs, name, opType, attributes, domain }: Node): Uint8Array {
  const optional = (number: number, text: string): Piece[] => (text === '' ? [] : textField(number, text));
  return encodeBytes([
    ...inputs.flatMap((input) => textField(1, input)),
    ...outputs.flatMap((output) => textField(2, output)),
    ...optional(3, name),
    ...optional(4, opType),
    ...attributes.flatMap((attribute) =>
      bytesField(5, [...optional(1, attribute.name), ...valueFields(attribute)]),
    ),
    ...optional(7, domain),
  ]);
}

function valueFields(attribute: Attribute): Piece[] {
  switch (attribute.kind) {
    case 'float':
      return [...floatField(2, attribute.value), ...integerField(20, 1)];
    case 'int':
      return [...integerField(3, attribute.value), ...integerField(20, 2)];
    case 'string':
      return [...textField(4, attribute.value), ...integerField(20, 3)];
    case 'floats':
      return [...attribute.value.flatMap((value) => floatField(7, value)), ...integerField(20, 6)];
    case 'ints':
      return [...attribute.value.flatMap((value) => integerField(8, value)), ...integerField(20, 7)];
    case 'strings':
      return [...attribute.value.flatMap((value) => textField(9, value)), ...integerField(20, 8)];
    default:
      throw new TypeError(attribute.kind);
  }
}

const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  // Longer than one byte of length says, and than the buffer is at first.
  fc.constantFrom('x'.repeat(200), 'é'.repeat(70), 'y'.repeat(9000), '\udc80name'),
);
const integer = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, 127, 128, -1, 2 ** 63, -(2 ** 63), 1e300),
);
const value = fc.oneof(
  fc.record({ kind: fc.constant('float' as const), value: fc.float() }),
  fc.record({ kind: fc.constant('int' as const), value: integer }),
  fc.record({ kind: fc.constant('string' as const), value: text }),
  fc.record({ kind: fc.constant('floats' as const), value: fc.array(fc.float(), { maxLength: 5 }) }),
  fc.record({ kind: fc.constant('ints' as const), value: fc.array(integer, { maxLength: 50 }) }),
  fc.record({ kind: fc.constant('strings' as const), value: fc.array(text, { maxLength: 5 }) }),
);
const node = fc
  .record({
    ...{ name: text, opType: text, domain: text },
    ...{ inputs: fc.array(text, { maxLength: 4 }), outputs: fc.array(text, { maxLength: 4 }) },
    attributes: fc.array(
      fc.tuple(text, value).map(([name, content]) => makeAttribute(name, content)),
      { maxLength: 4 },
    ),
  })
  .map((parts) => makeNode(parts));

describe('a node that was made here', () => {
  it('is written as it is field by field', () => {
    fc.assert(
      fc.property(node, (one) => {
        expect(encodeMadeNode(one)).toEqual(fieldByField(one));
      }),
    );
  });

  it('is left to others where it holds more than numbers and texts', () => {
    const tensor = makeTensor('t', DataType.FLOAT, [1], new Uint8Array(4));
    const attributes = [makeAttribute('value', { kind: 'tensor', value: tensor })];
    expect(
      encodeMadeNode(makeNode({ opType: 'Constant', inputs: [], outputs: ['c'], attributes })),
    ).toBeUndefined();
  });
});

describe('a tensor that was made here', () => {
  const dims = fc.array(fc.nat({ max: 1000 }), { maxLength: 4 });
  const type = fc.constantFrom(DataType.FLOAT, DataType.INT64, DataType.BOOL);
  const named = (dims: readonly number[], type: DataType, name: string): Piece[] => [
    ...dims.flatMap((dim) => integerField(1, dim)),
    ...integerField(2, type),
    ...(name === '' ? [] : textField(8, name)),
  ];

  it('is written as it is field by field', () => {
    fc.assert(
      fc.property(text, dims, type, fc.uint8Array({ maxLength: 300 }), (name, shape, dataType, bytes) => {
        expect(encodeMadeTensor(makeTensor(name, dataType, shape, bytes))).toEqual(
          encodeBytes([...named(shape, dataType, name), ...bytesField(9, [{ kind: 'bytes', bytes }])]),
        );
      }),
    );
  });

  it('says where its elements are if they are in another file', () => {
    const entry = (key: string, value: string): Piece[] =>
      bytesField(13, [...textField(1, key), ...textField(2, value)]);
    fc.assert(
      fc.property(
        text,
        dims,
        type,
        fc.maxSafeNat(),
        fc.maxSafeNat(),
        (name, shape, dataType, offset, length) => {
          expect(
            encodeMadeTensor(makeExternalTensor(name, dataType, shape, 'wéights.bin', offset, length)),
          ).toEqual(
            encodeBytes([
              ...named(shape, dataType, name),
              ...entry('location', 'wéights.bin'),
              ...entry('offset', String(offset)),
              ...entry('length', String(length)),
              ...integerField(14, 1),
            ]),
          );
        },
      ),
    );
  });

  it('is left to others where it is large', () => {
    expect(
      encodeMadeTensor(makeTensor('t', DataType.BOOL, [70_000], new Uint8Array(70_000))),
    ).toBeUndefined();
  });
});
