/**
 * Text with names in it and small tables, written as Markdown or as plain text, whichever an editor shows. Names come from
 * models and plans and may hold anything: they are cut and escaped here. Knows no subject.
 */

/** Text of ours, or a name or number that is shown as it is. */
export type Inline = string | { readonly code: string } | { readonly bold: string };

export type Block =
  | { readonly kind: 'paragraph'; readonly content: readonly Inline[] }
  | {
      readonly kind: 'table';
      readonly head: readonly string[];
      readonly rows: readonly (readonly Inline[])[];
    };

/** An editor can freeze on a hover that is very long. */
const MOST_ROWS = 20;
const MOST_CHARACTERS = 120;

export function code(text: string): Inline {
  return { code: text };
}

export function bold(text: string): Inline {
  return { bold: text };
}

export function paragraph(...content: readonly Inline[]): Block {
  return { kind: 'paragraph', content };
}

/** A table of which at most twenty rows are shown, and the number of the rest. */
export function table(head: readonly string[], rows: readonly (readonly Inline[])[]): Block {
  return { kind: 'table', head, rows };
}

export function renderMarkdown(blocks: readonly Block[]): string {
  return blocks.map((block) => render(block, markdownInline, markdownTable)).join('\n\n');
}

export function renderPlain(blocks: readonly Block[]): string {
  return blocks.map((block) => render(block, plainInline, plainTable)).join('\n\n');
}

function render(
  block: Block,
  inline: (content: Inline) => string,
  tableOf: (head: readonly string[], rows: readonly (readonly string[])[]) => string,
): string {
  if (block.kind === 'paragraph') return block.content.map(inline).join('');
  const shown = block.rows.slice(0, MOST_ROWS).map((row) => row.map(inline));
  const left = block.rows.length - shown.length;
  return tableOf(block.head, shown) + (left > 0 ? `\n\nand ${left} more` : '');
}

/** At most so many characters, on one line. */
function cut(text: string): string {
  const line = text.replace(/\s+/gu, ' ');
  return line.length <= MOST_CHARACTERS ? line : `${line.slice(0, MOST_CHARACTERS)}…`;
}

function markdownInline(content: Inline): string {
  if (typeof content === 'string') return escapeMarkdown(content);
  if ('bold' in content) return `**${escapeMarkdown(cut(content.bold))}**`;
  const text = cut(content.code);
  // The fence is longer than any run of backticks inside.
  const longest = Math.max(0, ...(text.match(/`+/gu) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const padding = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${fence}${padding}${text}${padding}${fence}`;
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|~]/gu, '\\$&').replace(/&/gu, '&amp;');
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  // A bar ends a cell even inside code, unless it is escaped.
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replace(/\\\|/gu, '|').replace(/\|/gu, '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function plainInline(content: Inline): string {
  if (typeof content === 'string') return content;
  return cut('bold' in content ? content.bold : content.code);
}

function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
