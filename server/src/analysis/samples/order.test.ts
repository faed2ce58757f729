import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromFortranOrder, sliceAxis, swapBytes } from './order.js';

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const width = fc.constantFrom(1, 2, 4, 8);

/** Numbers from 0 up in elements of `width` bytes, the number in the first byte. */
function counting(count: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: count * bytes }, (_, i) => (i % bytes === 0 ? i / bytes : 0));
}

function product(dims: readonly number[]): number {
  return dims.reduce((count, dim) => count * dim, 1);
}

/** All indices of a shape, in C order. */
function indices(dims: readonly number[]): number[][] {
  return dims.reduce<number[][]>(
    (before, dim) => before.flatMap((index) => Array.from({ length: dim }, (_, i) => [...index, i])),
    [[]],
  );
}

describe('the order of elements', () => {
  it('is that of C after Fortran', () => {
    fc.assert(
      fc.property(shape, width, (dims, bytes) => {
        const ordered = fromFortranOrder(counting(product(dims), bytes), bytes, dims);
        const expected = indices(dims).map((index) =>
          index.reduce((flat, position, axis) => flat + position * product(dims.slice(0, axis)), 0),
        );
        expect([...ordered].filter((_, i) => i % bytes === 0)).toEqual(expected);
      }),
    );
  });

  it('of a slice is that of what it is cut from', () => {
    const cut = fc.tuple(shape, fc.nat(), fc.nat()).filter(([dims]) => product(dims) > 0 && dims.length > 0);
    fc.assert(
      fc.property(cut, width, ([dims, axisSeed, positionSeed], bytes) => {
        const axis = axisSeed % dims.length;
        const position = positionSeed % (dims[axis] ?? 1);
        const slice = sliceAxis(counting(product(dims), bytes), bytes, dims, axis, position);
        const expected = indices(dims).flatMap((index, flat) => (index[axis] === position ? [flat] : []));
        expect([...slice].filter((_, i) => i % bytes === 0)).toEqual(expected);
      }),
    );
  });

  it('of bytes is turned round within each element', () => {
    expect([...swapBytes(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]), 4)]).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
  });

  it('of bytes is the same after turning twice', () => {
    fc.assert(
      fc.property(fc.uint8Array(), width, (bytes, elementWidth) => {
        const whole = bytes.subarray(0, bytes.length - (bytes.length % elementWidth));
        expect(swapBytes(swapBytes(whole, elementWidth), elementWidth)).toEqual(whole);
      }),
    );
  });
});
