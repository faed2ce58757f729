/** Offsets and lines, both ways. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineIndex } from './line-index.js';

const texts = fc
  .array(fc.constantFrom('a', '😀', '\n', '\r', '\r\n', ' ', '\u2028'))
  .map((parts) => parts.join(''));

describe('LineIndex', () => {
  it('counts lines as editors do', () => {
    expect(new LineIndex('').lineCount).toBe(1);
    expect(new LineIndex('a\nb\r\nc\rd').lineCount).toBe(4);
    expect(new LineIndex('a\u2028b').lineCount).toBe(1);
    expect(new LineIndex('a\n').lineCount).toBe(2);
  });

  it('counts characters in UTF-16 units', () => {
    expect(new LineIndex('x\n😀b').positionAt(4)).toEqual({ line: 1, character: 2 });
  });

  it('moves what lies outside to the nearest end', () => {
    const index = new LineIndex('ab\r\nc');
    expect(index.offsetAt({ line: 0, character: 99 })).toBe(2);
    expect(index.offsetAt({ line: 9, character: 0 })).toBe(5);
    expect(index.offsetAt({ line: -1, character: 0 })).toBe(0);
    expect(index.positionAt(99)).toEqual({ line: 1, character: 1 });
    expect(index.positionAt(-1)).toEqual({ line: 0, character: 0 });
  });

  it('gives every offset back that is not inside a line break', () => {
    fc.assert(
      fc.property(texts, fc.nat(), (text, place) => {
        const offset = place % (text.length + 1);
        const index = new LineIndex(text);
        const back = index.offsetAt(index.positionAt(offset));
        const inBreak = text[offset - 1] === '\r' && text[offset] === '\n';
        expect(back).toBe(inBreak ? offset - 1 : offset);
      }),
    );
  });

  it('agrees with splitting the text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const index = new LineIndex(text);
        const lines = text.split(/\r\n|\n|\r/u);
        expect(index.lineCount).toBe(lines.length);
        lines.forEach((line, number) => {
          expect(text.slice(index.lineStart(number), index.lineEnd(number))).toBe(line);
        });
      }),
    );
  });
});
