import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue } from './decode.js';
import { encodeValue } from './encode.js';
import { anyValue } from './testing/arbitrary-values.js';

function checkComesBack(value: unknown): void {
  const back = decodeValue(encodeValue(value, 'kept'));
  if (!isDeepStrictEqual(back, { value })) expect(back).toStrictEqual({ value });
}

describe('encoding a value', () => {
  it('loses nothing', () => {
    fc.assert(fc.property(anyValue, checkComesBack), { numRuns: 2000 });
  });

  it.each([
    -0,
    NaN,
    -Infinity,
    Number.MIN_VALUE,
    '\ud800',
    { ['__proto__']: 1 },
    [undefined],
    -(2n ** 70n),
    new Float32Array([NaN, -0]),
    new Map([[{ a: 1 }, new Set([1])]]),
  ])('loses nothing of %o', (value) => {
    checkComesBack(value);
  });

  it('keeps the order of properties', () => {
    const value = { second: 1, first: { b: 1, a: 2 } };
    const back = decodeValue(encodeValue(value, 'kept'));
    expect(JSON.stringify(back?.value)).toBe(JSON.stringify(value));
  });

  it('takes only its own part of a shared buffer, and gives back arrays that share nothing', () => {
    const whole = Float64Array.of(1, 2, 3, 4);
    const bytes = encodeValue(whole.subarray(1, 3), 'kept');
    whole.fill(9);
    const back = decodeValue(bytes);
    bytes.fill(0);
    expect(back).toEqual({ value: Float64Array.of(2, 3) });
  });

  it('takes an undefined property for an absent one', () => {
    expect(decodeValue(encodeValue({ a: undefined, b: 1 }, 'kept'))).toStrictEqual({ value: { b: 1 } });
  });

  const circle: { self?: unknown } = {};
  circle.self = circle;
  it.each([
    [{ when: [new Date(0)] }, 'the value.when.0 is an instance of Date, which cannot be stored'],
    [() => 1, 'the value is a function, which cannot be stored'],
    [new Map([['key', Symbol('s')]]), 'the value.key is a symbol, which cannot be stored'],
    [new DataView(new ArrayBuffer(1)), 'the value is a DataView, which cannot be stored'],
    [circle, 'the value is circular or nested too deeply, which cannot be stored'],
  ])('refuses what it could not give back: %o', (value, message) => {
    expect(() => encodeValue(value, 'kept')).toThrow(message);
  });
});

describe('decoding bytes', () => {
  it('never throws, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        decodeValue(bytes);
      }),
    );
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, change) => {
        const bytes = Uint8Array.from(encodeValue(value, 'kept'));
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ change;
        decodeValue(bytes);
      }),
      { numRuns: 2000 },
    );
    expect(decodeValue(Buffer.from('a\x01\0\0\0'.repeat(200_000), 'latin1'))).toBeUndefined();
  });

  it('takes neither less nor more than one value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encodeValue(value, 'kept');
        expect(decodeValue(bytes.subarray(0, bytes.length - 1))).toBeUndefined();
        expect(decodeValue(Buffer.concat([bytes, Buffer.from('n')]))).toBeUndefined();
      }),
    );
  });
});
