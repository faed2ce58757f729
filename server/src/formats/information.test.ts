import { describe, expect, it } from 'vitest';
import { FORMAT_NAMES } from './format.js';
import { FLOAT_FORMAT_NAMES, formatInformation, isFloatFormat } from './information.js';

describe('what a format can hold', () => {
  it('is as the standards say', () => {
    const table = FLOAT_FORMAT_NAMES.map((name) => {
      const { bits, largest, smallestNormal, smallestSubnormal, epsilon } = formatInformation(name);
      return [name, bits, largest, smallestNormal, smallestSubnormal, epsilon];
    });
    expect(table).toEqual([
      ['fp32', 32, 3.4028234663852886e38, 2 ** -126, 2 ** -149, 2 ** -23],
      ['fp16', 16, 65504, 2 ** -14, 2 ** -24, 2 ** -10],
      ['bf16', 16, 3.3895313892515355e38, 2 ** -126, 2 ** -133, 2 ** -7],
      ['fp8_e4m3', 8, 448, 2 ** -6, 2 ** -9, 2 ** -3],
      ['fp8_e5m2', 8, 57344, 2 ** -14, 2 ** -16, 2 ** -2],
      ['fp4_e2m1', 4, 6, 1, 0.5, 0.5],
      ['dlfloat16', 16, 8573157376, 2 ** -31 * (1 + 2 ** -9), 2 ** -31 * (1 + 2 ** -9), 2 ** -9],
      ['fp8_143', 8, 30, 2 ** -11 * 1.125, 2 ** -11 * 1.125, 2 ** -3],
      ['fp8_152', 8, 98304, 2 ** -15 * 1.25, 2 ** -15 * 1.25, 2 ** -2],
      ['fp4_radix4', 4, 64, 1 / 64, 1 / 64, 3],
    ]);
  });

  it('says which formats have infinities and NaN', () => {
    const special = FLOAT_FORMAT_NAMES.map((name) => {
      const { hasInfinity, hasNaN } = formatInformation(name);
      return `${name}: ${hasInfinity ? 'inf' : '-'} ${hasNaN ? 'nan' : '-'}`;
    });
    expect(special).toEqual([
      'fp32: inf nan',
      'fp16: inf nan',
      'bf16: inf nan',
      'fp8_e4m3: - nan',
      'fp8_e5m2: inf nan',
      'fp4_e2m1: - -',
      'dlfloat16: - nan',
      'fp8_143: - nan',
      'fp8_152: - nan',
      'fp4_radix4: - -',
    ]);
  });

  it('is there for every format but those that need a scale', () => {
    expect(FORMAT_NAMES.filter((name) => !isFloatFormat(name))).toEqual(['int8', 'int4']);
    expect(FORMAT_NAMES.filter(isFloatFormat)).toEqual([...FLOAT_FORMAT_NAMES]);
  });
});
