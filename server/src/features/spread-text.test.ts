import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangeOfValues } from '../formats/index.js';
import { spreadText } from './spread-text.js';

const textOf = (values: readonly number[]): string =>
  spreadText(rangeOfValues(Float64Array.from(values)).histogram);

describe('a histogram in a line', () => {
  it('has a bar for each power of two, and a dot where there is nothing', () => {
    expect(textOf([1, 1, 1, -1, 1, 1, 1, 0.25])).toBe('2^-2 ▃·█ 2^1');
    expect(textOf([3])).toBe('2^1 █ 2^2');
  });

  it('says where it holds zeros only, or nothing', () => {
    expect([textOf([0, 0]), textOf([])]).toEqual(['zeros', 'none']);
  });

  it('is short, whatever the values', () => {
    expect(textOf([1e-30, 1e-40, 1])).toBe('≤2^-23 █······················▆ 2^1');
    fc.assert(
      fc.property(fc.array(fc.double()), (values) => {
        const bars = textOf(values).split(' ')[1] ?? '';
        expect(bars.length).toBeLessThanOrEqual(24);
        expect(bars).not.toMatch(/[^▁▂▃▄▅▆▇█·]/u);
      }),
    );
  });
});
