import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bold, code, paragraph, renderMarkdown, renderPlain, table } from './rich-text.js';

describe('rich text', () => {
  it('is Markdown or plain text', () => {
    const blocks = [
      paragraph(bold('a_b'), ': ', code('x')),
      table(
        ['k', 'value'],
        [
          [code('one'), '1'],
          ['2', '3'],
        ],
      ),
    ];
    expect(renderMarkdown(blocks)).toBe(
      '**a\\_b**: `x`\n\n| k | value |\n| --- | --- |\n| `one` | 1 |\n| 2 | 3 |',
    );
    expect(renderPlain(blocks)).toBe('a_b: x\n\nk    value\none  1\n2    3');
  });

  it('shows names with backticks, bars and line breaks as they are, on one line', () => {
    expect(renderMarkdown([paragraph(code('a`b'))])).toBe('``a`b``');
    expect(renderMarkdown([paragraph(code('`'))])).toBe('`` ` ``');
    expect(renderMarkdown([table(['n'], [[code('a|b\nc')]])])).toContain('| `a\\|b c` |');
    expect(renderMarkdown([table(['n'], [['a|b']])])).toContain('| a\\|b |');
    expect(renderMarkdown([paragraph('<b>&')])).toBe('\\<b\\>&amp;');
  });

  it('is bounded, whatever it is made of', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.string({ maxLength: 400 }), { minLength: 2, maxLength: 2 }), { maxLength: 60 }),
        (rows) => {
          const block = table(
            ['a', 'b'],
            rows.map((row) => row.map(code)),
          );
          const lines = renderMarkdown([block]).split('\n');
          expect(lines.filter((line) => line.startsWith('|')).length).toBe(2 + Math.min(20, rows.length));
          expect(lines.join('').length).toBeLessThan(20_000);
        },
      ),
    );
  });
});
