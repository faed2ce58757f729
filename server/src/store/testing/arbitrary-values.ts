/** For tests: any value that can be stored. */
import fc, { type Arbitrary } from 'fast-check';

/** Every number that is one, the strange ones more often than chance would have it. */
export const anyNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, Number.MIN_VALUE, -Number.MAX_VALUE, 2 ** 53 + 2, 0.1),
);

/** Strings of any code units, lone surrogates included. */
export const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

export const anyLeaf: Arbitrary<unknown> = fc.oneof(fc.constant(null), fc.boolean(), anyNumber, anyText);

const anyName = fc.oneof(anyText, fc.constantFrom('__proto__', 'constructor', 'toString', '0', '10', ''));

/** Arrays of bits, so that every pattern of a NaN occurs. */
const anyTypedArray: Arbitrary<unknown> = fc.oneof(
  fc.uint8Array(),
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.uint32Array().map((bits) => new Float32Array(bits.buffer, bits.byteOffset, bits.length)),
  fc.bigUint64Array().map((bits) => new Float64Array(bits.buffer, bits.byteOffset, bits.length)),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
);

interface Tree {
  readonly json: unknown;
  readonly value: unknown;
}

const { json, value } = fc.letrec<Tree>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    anyLeaf,
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(anyName, tie('json'), { maxKeys: 5, noNullPrototype: true }),
  ),
  value: fc.oneof(
    { depthSize: 'small' },
    anyLeaf,
    fc.bigInt(),
    anyTypedArray,
    fc.array(fc.oneof(tie('value'), fc.constant(undefined)), { maxLength: 5 }),
    fc.dictionary(anyName, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    fc.array(fc.tuple(anyLeaf, tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(anyLeaf, { maxLength: 3 }).map((values) => new Set(values)),
  ),
}));

export const anyJson = json;
export const anyValue = value;
