/** Numbers as people read them, and text that stands in a page. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeHtml, formatMilliseconds, formatNumber, formatPercent, formatSize } from './text.js';

describe('numbers', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [0.0123456, '0.0123'],
    [0.00123456, '1.23e-3'],
    [-12.3456, '-12.3'],
    [99999, '100000'],
    [123456, '1.23e+5'],
    [Infinity, 'infinite'],
    [-Infinity, '-infinite'],
    [NaN, 'not a number'],
  ])('%d as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('with units', () => {
    expect([1.234, 12.34].map(formatMilliseconds)).toEqual(['1.23 ms', '12.3 ms']);
    expect([0, 0.1, 0.05, 0.00567, -0.0004].map(formatMilliseconds)).toEqual([
      '0.00 ms',
      '0.10 ms',
      '0.05 ms',
      '0.0057 ms',
      '-0.0004 ms',
    ]);
    expect([1234, 12345678].map(formatSize)).toEqual(['1.2 KB', '12.35 MB']);
    expect([0, 0.0123, 0.5, 1, NaN].map(formatPercent)).toEqual(['0 %', '1.2 %', '50 %', '100 %', '–']);
  });

  it('escaped text has no character that begins or ends anything', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const escaped = escapeHtml(text);
        expect(escaped).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
        const back = escaped
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>')
          .replaceAll('&quot;', '"')
          .replaceAll('&#39;', "'")
          .replaceAll('&amp;', '&');
        expect(back).toBe(text);
      }),
    );
  });
});
