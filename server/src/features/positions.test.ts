/** Positions against those of the protocol's own documents. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { Positions } from './positions.js';

const texts = fc
  .array(fc.constantFrom('layer "a": fp16', '', 'é', '\n', '\r\n', '\r', ' # note'), { maxLength: 40 })
  .map((parts) => parts.join(''));

describe('positions', () => {
  it('are those of the document, in whatever order they are asked for', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(300), { maxLength: 40 }), (text, offsets) => {
        const document = TextDocument.create('file:///p', 'onnx-precision', 1, text);
        const positions = new Positions(document);
        const inside = offsets.map((offset) => Math.min(offset, text.length));
        for (const offset of [...inside, ...inside.toSorted((a, b) => a - b)]) {
          expect(positions.at(offset)).toEqual(document.positionAt(offset));
        }
      }),
    );
  });
});
