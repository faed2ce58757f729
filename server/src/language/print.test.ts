/** What is printed parses back to what was given. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEdits, removeStatement } from './edits.js';
import { formatText } from './format-text.js';
import { parse } from './parse.js';
import { isWord, printDimensionName, printLayerStatement, quote } from './print.js';

const anyName = fc.string({ unit: 'binary' });

describe('quote', () => {
  it('gives every text back', () => {
    fc.assert(
      fc.property(anyName, (value) => {
        const { statements, diagnostics } = parse(`model ${quote(value)}`);
        expect(diagnostics).toEqual([]);
        expect(statements).toMatchObject([{ kind: 'model', path: { value } }]);
      }),
    );
  });
});

describe('printDimensionName', () => {
  it('gives every name back', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyName, fc.constantFrom('inf', 'batch', 'a-b', 'a.b', 'a.', '-a', 'from')),
        (name) => {
          const { statements, diagnostics } = parse(`dim ${printDimensionName(name)} = 3`);
          expect(diagnostics).toEqual([]);
          expect(statements).toMatchObject([{ name: isWord(name) ? { text: name } : { value: name } }]);
        },
      ),
    );
  });
});

describe('printLayerStatement', () => {
  it('prints a line that is formatted and parses back', () => {
    fc.assert(
      fc.property(fc.array(anyName, { minLength: 1, maxLength: 3 }), anyName, (names, reason) => {
        const text = `${printLayerStatement(names, 'fp16', { pinned: 'true', reason: quote(reason) })}\n`;
        const { statements, diagnostics } = parse(text);
        expect(diagnostics).toEqual([]);
        expect(statements).toMatchObject([
          {
            kind: 'layer',
            names: names.map((value) => ({ value })),
            format: { text: 'fp16' },
            options: { options: [{ name: { text: 'pinned' } }, { value: { value: reason } }] },
          },
        ]);
        expect(formatText(text)).toBe(text);
      }),
    );
  });

  it('has no braces without options', () => {
    expect(printLayerStatement(['a', 'b'], 'fp32')).toBe('layer "a", "b": fp32');
  });
});

describe('removeStatement', () => {
  function checkRemoval(before: string, after: string): void {
    const statement = parse(before).statements[1];
    expect(statement).toBeDefined();
    if (statement !== undefined)
      expect(applyEdits(before, [removeStatement(before, statement.range)])).toBe(after);
  }

  it('takes the line with it', () => {
    checkRemoval('default: fp16\n  layer "a": fp16  \nop A: fp16\n', 'default: fp16\nop A: fp16\n');
    checkRemoval('default: fp16\r\nlayer "a",\r\n  "b": fp16\r\nop A: fp16', 'default: fp16\r\nop A: fp16');
    checkRemoval('default: fp16\nlayer "a": fp16', 'default: fp16\n');
  });

  it('leaves a comment that stands behind it', () => {
    checkRemoval('default: fp16\nlayer "a": fp16 # why\n', 'default: fp16\n# why\n');
  });
});
