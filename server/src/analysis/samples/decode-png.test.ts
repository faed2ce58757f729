/** PNG pictures against the pixels that they were made of; damaged ones are faults, never exceptions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePng } from './decode-png.js';
import { pngBytes, type PngFixture } from './testing/png.js';

function checkPixels(fixture: PngFixture, channels: number, values: readonly number[]): void {
  const picture = decodePng(pngBytes(fixture));
  const { width, height } = fixture;
  expect(picture).toMatchObject({ ok: true, value: { width, height, channels } });
  expect(picture.ok ? [...picture.value.values] : []).toEqual(values);
}

function checkFault(bytes: Uint8Array, message: RegExp): void {
  const picture = decodePng(bytes);
  expect(picture.ok ? 'decoded' : picture.fault.message).toMatch(message);
}

const kinds = [
  [0, 1, 1],
  [0, 2, 1],
  [0, 4, 1],
  [0, 8, 1],
  [0, 16, 1],
  [2, 8, 3],
  [2, 16, 3],
  [4, 8, 2],
  [4, 16, 2],
  [6, 8, 4],
  [6, 16, 4],
] as const;

const small = { width: 2, height: 1, depth: 8, colourType: 2, numbers: [1, 2, 3, 250, 251, 252] };

describe('the pixels of a PNG picture', () => {
  it.each(kinds)('are those that were stored: colour type %i with %i bits', (colourType, depth, channels) => {
    const highest = 2 ** depth - 1;
    fc.assert(
      fc.property(
        fc.record({ width: fc.integer({ min: 1, max: 19 }), height: fc.integer({ min: 1, max: 11 }) }),
        fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        fc.infiniteStream(fc.nat(highest)),
        ({ width, height }, filters, interlaced, stream) => {
          const numbers = [...stream.take(width * height * channels)];
          const values = numbers.map((number) => (number * 255) / highest);
          checkPixels({ width, height, depth, colourType, numbers, filters, interlaced }, channels, values);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([1, 2, 4, 8])('may be places of a palette, of %i bits', (depth) => {
    const palette = [10, 20, 30, 40, 50, 60];
    const indexed = { width: 3, height: 1, depth, colourType: 3, numbers: [1, 0, 1], palette };
    checkPixels(indexed, 3, [40, 50, 60, 10, 20, 30, 40, 50, 60]);
    checkPixels({ ...indexed, transparency: [7] }, 4, [40, 50, 60, 255, 10, 20, 30, 7, 40, 50, 60, 255]);
  });

  it('are not those of the palette that a picture in colour may suggest', () => {
    checkPixels({ ...small, palette: [9, 9, 9] }, 3, small.numbers);
  });
});

describe('PNG pictures that are no samples', () => {
  it('say what is wrong', () => {
    checkFault(pngBytes({ ...small, depth: 3 }), /colour type 2 with 3 bits/);
    checkFault(pngBytes({ ...small, filters: [5] }), /unknown filter/);
    checkFault(pngBytes({ ...small, width: 0, numbers: [] }), /no pixels/);
    checkFault(pngBytes({ ...small, colourType: 3, numbers: [0, 1], palette: [1, 2, 3] }), /no colour 1/);
    checkFault(pngBytes({ ...small, transparency: [0, 1, 0, 2, 0, 3] }), /transparent colour/);
    checkFault(pngBytes(small).subarray(0, 60), /ends inside a chunk|no bytes|bytes of pixels|unpacked/);
  });

  it('cannot ask for more memory than their pixels take', () => {
    const bytes = pngBytes({ ...small, width: 1, height: 1, numbers: [1, 2, 3] });
    const bomb = pngBytes({ ...small, width: 3000, height: 3000, numbers: [] });
    // The pixels of the one under the header of the other, in both directions.
    checkFault(Buffer.concat([bytes.subarray(0, 33), bomb.subarray(33)]), /cannot be unpacked/);
    checkFault(Buffer.concat([bomb.subarray(0, 33), bytes.subarray(33)]), /4 of 27003000 bytes/);
    const huge = bytes.slice();
    new DataView(huge.buffer).setUint32(16, 2 ** 31);
    checkFault(huge, /2147483648 x 1 pixels is larger/);
  });

  it('are a fault or a picture, never an exception, whatever is damaged', () => {
    const whole = pngBytes({ ...small, width: 7, height: 5, numbers: [1, 2, 3], interlaced: true });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
        decodePng(whole.with(at, byte));
        decodePng(whole.subarray(0, length));
      }),
      { numRuns: 1000 },
    );
  });
});
