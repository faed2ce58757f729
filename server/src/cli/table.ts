/** Plain text tables: columns as wide as their widest cell, numbers to the right. Pure. */

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const segmenter = new Intl.Segmenter();

/** What takes a place of its own on a line: a character with all its marks. */
function charactersOf(text: string): number {
  // Names are hardly ever anything else, and finding characters takes most of the time of a long table.
  if (/^[ -~]*$/.test(text)) return text.length;
  return [...segmenter.segment(text)].length;
}

/** Lays out `rows` under `columns`, two spaces between columns. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((column, index) =>
    rows.reduce((width, row) => Math.max(width, charactersOf(row[index] ?? '')), charactersOf(column.title)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, index) => {
        const cell = cells[index] ?? '';
        const padding = ' '.repeat((widths[index] ?? 0) - charactersOf(cell));
        return column.align === 'right' ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return [
    line(columns.map((column) => column.title)),
    line(widths.map((width) => '─'.repeat(width))),
    ...rows.map((row) => line(row)),
  ];
}
