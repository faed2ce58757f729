import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataType } from '../../onnx/index.js';
import { convertElements, convertible, decodeFloats } from './convert.js';

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function checkConversion(
  values: ArrayBufferView,
  from: DataType,
  to: DataType,
  expected: ArrayBufferView,
): void {
  const converted = convertElements(bytesOf(values), from, to);
  expect(converted).toEqual({ ok: true, value: bytesOf(expected) });
}

function checkRefusal(values: ArrayBufferView, from: DataType, to: DataType, message: RegExp): void {
  const converted = convertElements(bytesOf(values), from, to);
  expect(converted.ok ? '' : converted.fault.message).toMatch(message);
}

describe('elements of another type', () => {
  it('are rounded once from float64 to float16, not by way of float32', () => {
    const value = 1 + 2 ** -11 + 2 ** -40;
    checkConversion(new Float64Array([value]), DataType.DOUBLE, DataType.FLOAT16, new Uint16Array([0x3c01]));
    checkConversion(new Float32Array([value]), DataType.FLOAT, DataType.FLOAT16, new Uint16Array([0x3c00]));
  });

  it('are rounded to what the input takes', () => {
    checkConversion(new Float64Array([0.1]), DataType.DOUBLE, DataType.FLOAT, new Float32Array([0.1]));
    checkConversion(new Float32Array([0.1]), DataType.FLOAT, DataType.BFLOAT16, new Uint16Array([0x3dcd]));
    checkConversion(new Float64Array([0.1]), DataType.DOUBLE, DataType.BFLOAT16, new Uint16Array([0x3dcd]));
  });

  it('are exact when the input is wider', () => {
    checkConversion(
      new Uint16Array([0x3c00, 0x8001]),
      DataType.FLOAT16,
      DataType.FLOAT,
      new Float32Array([1, -(2 ** -24)]),
    );
    checkConversion(
      new Float32Array([0.1]),
      DataType.FLOAT,
      DataType.DOUBLE,
      new Float64Array([Math.fround(0.1)]),
    );
    checkConversion(new Int8Array([-1, 7]), DataType.INT8, DataType.INT64, new BigInt64Array([-1n, 7n]));
    checkConversion(new Uint8Array([0, 1]), DataType.BOOL, DataType.INT32, new Int32Array([0, 1]));
  });

  it('are integers that the narrower type holds', () => {
    checkConversion(
      new BigInt64Array([-5n, 30522n]),
      DataType.INT64,
      DataType.INT32,
      new Int32Array([-5, 30522]),
    );
    checkConversion(new BigInt64Array([0n, 1n]), DataType.INT64, DataType.BOOL, new Uint8Array([0, 1]));
    const highest = 2n ** 64n - 1n;
    checkConversion(
      new BigUint64Array([highest]),
      DataType.UINT64,
      DataType.UINT64,
      new BigUint64Array([highest]),
    );
  });

  it('are refused where the type cannot hold them', () => {
    const large = new BigInt64Array([1n, 2n ** 31n]);
    checkRefusal(large, DataType.INT64, DataType.INT32, /element 1 is 2147483648, which int32 cannot hold/);
    checkRefusal(new Int8Array([-1]), DataType.INT8, DataType.UINT64, /element 0 is -1, which uint64/);
    checkRefusal(new Uint8Array([2]), DataType.UINT8, DataType.BOOL, /element 0 is 2, which bool/);
    checkRefusal(
      new Float32Array([1, 70000]),
      DataType.FLOAT,
      DataType.FLOAT16,
      /element 1 is 70000.*float16/,
    );
    checkRefusal(new Float64Array([1e300]), DataType.DOUBLE, DataType.FLOAT, /element 0 is 1e\+300.*float32/);
  });

  it('are never integers for floating point, nor the reverse', () => {
    expect(convertible(DataType.UINT8, DataType.FLOAT)).toBe(false);
    expect(convertible(DataType.FLOAT, DataType.INT64)).toBe(false);
    expect(convertible(DataType.STRING, DataType.STRING)).toBe(false);
    expect(convertible(DataType.BOOL, DataType.INT64)).toBe(true);
  });

  it('lose nothing there and back', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true }), (values) => {
        const wide = convertElements(bytesOf(values), DataType.FLOAT, DataType.DOUBLE);
        const back = wide.ok ? convertElements(wide.value, DataType.DOUBLE, DataType.FLOAT) : wide;
        expect(back.ok ? decodeFloats(back.value, DataType.FLOAT) : back).toEqual(values);
      }),
    );
  });
});
