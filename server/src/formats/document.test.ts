/** What `docs/formats.md` tells users of the formats is what the code does. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dot } from './accumulation/index.js';
import { FORMAT_NAMES } from './format.js';
import { FLOAT_FORMAT_NAMES, formatInformation } from './information.js';
import { neighbours } from './neighbours.js';
import { integerRange } from './quantization/index.js';
import { roundTo } from './rounding.js';

const document = readFileSync(new URL('../../../docs/formats.md', import.meta.url), 'utf8');

/** The cells of the rows of the table below a heading, by their first cell. */
function table(heading: string): Map<string, string[]> {
  const section = document.slice(document.indexOf(heading)).split('\n## ', 1)[0] ?? '';
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  return new Map(rows.map(([name = '', ...cells]) => [name.replaceAll('`', ''), cells]));
}

/** `448`, `2^-9`, `2^-31 x 513/512`. */
function number(written: string): number {
  return written
    .split(' x ')
    .map((factor) => {
      const power = /^2\^(-?\d+)$/u.exec(factor);
      const fraction = /^(\d+)\/(\d+)$/u.exec(factor);
      if (power !== null) return 2 ** Number(power[1]);
      return fraction === null ? Number(factor) : Number(fraction[1]) / Number(fraction[2]);
    })
    .reduce((product, factor) => product * factor, 1);
}

describe('the page on formats', () => {
  it('has every float format with its range', () => {
    const rows = table('# Number formats');
    expect([...rows.keys()].sort()).toEqual([...FLOAT_FORMAT_NAMES].sort());
    for (const name of FLOAT_FORMAT_NAMES) {
      const about = formatInformation(name);
      const [bits, exponent, fraction, smallest, normal, largest, step, beyond, ties] = rows.get(name) ?? [];
      expect([name, bits, exponent, fraction].join()).toBe(
        [name, about.bits, about.exponentBits, about.significandBits].join(),
      );
      expect([name, number(smallest ?? ''), number(normal ?? ''), number(step ?? '')]).toEqual([
        name,
        about.smallestSubnormal,
        about.smallestNormal,
        about.epsilon,
      ]);
      // Whole where it is short, else to the eight digits that tell FP32 numbers apart there.
      expect(number(largest ?? '')).toBe(Number(about.largest.toPrecision(about.largest < 1e10 ? 10 : 8)));
      expect([name, beyond]).toEqual([
        name,
        about.hasInfinity ? 'infinity' : about.hasNaN ? 'NaN' : 'the largest',
      ]);
      expect([name, ties]).toEqual([name, about.ties]);
    }
  });

  it('says what 0.3952 becomes', () => {
    const rows = table('## What 0.3952 becomes');
    expect([...rows.keys(), 'fp32'].sort()).toEqual([...FLOAT_FORMAT_NAMES].sort());
    for (const [name, cells] of rows) {
      const format = FLOAT_FORMAT_NAMES.find((one) => one === name);
      if (format === undefined) throw new Error(`no format ${name}`);
      const { rounded, below, above } = neighbours(format, 0.3952);
      expect([name, ...cells]).toEqual([name, ...[rounded, below, above].map(String)]);
    }
  });

  it('names every format, and the bounds of the integers', () => {
    for (const name of FORMAT_NAMES) expect(document).toContain(`\`${name}\``);
    for (const format of ['int8', 'int4'] as const) {
      const { lowest, highest } = integerRange(format);
      expect(document).toContain(`${lowest} to ${highest}`);
    }
  });

  it('is right about 1 + 0.0001 and about swamping', () => {
    expect(roundTo('fp16', 1 + 0.0001)).toBe(1);
    const ones = new Float32Array(4096).fill(1);
    expect(dot(ones, ones, { accumulation: { kind: 'fp16' } })).toBe(2048);
    expect(dot(ones, ones, { accumulation: { kind: 'chunked', length: 64 } })).toBe(4096);
    expect(dot(ones, ones, { accumulation: { kind: 'lanes', count: 64 } })).toBe(4096);
    expect([11.09, 11.1].map((power) => roundTo('fp16', Math.exp(power)))).toEqual([65504, Infinity]);
  });
});
