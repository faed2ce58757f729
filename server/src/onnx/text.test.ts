import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, encodeText } from './text.js';

function checkText(bytes: readonly number[], text: string): void {
  expect(decodeText(Uint8Array.from(bytes))).toBe(text);
  expect([...encodeText(text)]).toEqual(bytes);
}

describe('names', () => {
  it('are UTF-8', () => {
    checkText([0x67, 0xc3, 0xb6], 'gö');
    checkText([0xf0, 0x9f, 0x99, 0x82], '🙂');
  });

  it('keep a byte order mark, which is part of the name', () => {
    checkText([0xef, 0xbb, 0xbf, 0x61], '\uFEFFa');
  });

  it('keep a replacement character that is in the file', () => {
    checkText([0x61, 0xef, 0xbf, 0xbd], 'a\uFFFD');
  });

  it('keep bytes that are no UTF-8 apart', () => {
    checkText([0x61, 0xff, 0x62], 'a\uDCFFb');
    checkText([0x61, 0xfe, 0x62], 'a\uDCFEb');
    // A surrogate, an overlong form, a sequence that is cut off, a code point beyond the last.
    checkText([0xed, 0xa0, 0x80], '\uDCED\uDCA0\uDC80');
    checkText([0xc0, 0xaf], '\uDCC0\uDCAF');
    checkText([0xe2, 0x82], '\uDCE2\uDC82');
    checkText([0xf4, 0x90, 0x80, 0x80], '\uDCF4\uDC90\uDC80\uDC80');
  });

  it('are written back as they were read, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect([...encodeText(decodeText(bytes))]).toEqual([...bytes]);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeText(encodeText(text))).toBe(text);
      }),
    );
  });
});
