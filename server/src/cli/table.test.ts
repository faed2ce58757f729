import { describe, expect, it } from 'vitest';
import { formatTable } from './table.js';

describe('a table', () => {
  it('has columns as wide as their widest cell, numbers to the right', () => {
    const lines = formatTable(
      [{ title: 'layer' }, { title: 'error', align: 'right' }, { title: 'why' }],
      [
        ['conv_with_a_long_name', '1', ''],
        ['a', '1.25e-3', 'because'],
        ['größer', '', 'ä'],
      ],
    );
    expect(lines).toEqual([
      'layer                    error  why',
      '─────────────────────  ───────  ───────',
      'conv_with_a_long_name        1',
      'a                      1.25e-3  because',
      'größer                          ä',
    ]);
  });

  it('of no rows is its head', () => {
    expect(formatTable([{ title: 'a' }, { title: 'b' }], [])).toEqual(['a  b', '─  ─']);
  });

  it('counts characters, not code units or marks, and bears rows that are too short', () => {
    expect(formatTable([{ title: 'x' }, { title: 'y' }], [['😀e\u0301', '1'], ['abc']])).toEqual([
      'x    y',
      '───  ─',
      '😀e\u0301   1',
      'abc',
    ]);
  });
});
