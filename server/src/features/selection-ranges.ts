/** Selection ranges: from the word under the cursor to the statement and to the whole plan. */
import type { Position, SelectionRange } from 'vscode-languageserver';
import type { TextRange } from '../language/index.js';
import type { OpenPlan } from './open-plan.js';
import { partAt, statementAt } from './parts.js';
import { protocolRange } from './positions.js';

export function selectionRangesOf(open: OpenPlan, positions: readonly Position[]): SelectionRange[] {
  return positions.map((position) => {
    const offset = open.document.offsetAt(position);
    const statement = statementAt(open.tree, offset);
    const part = partAt(open.tree, offset)?.range;
    const isString = part !== undefined && open.tree.text.charAt(part.start) === '"';
    const content = isString ? { start: part.start + 1, end: part.end - 1 } : undefined;
    const option = statement?.options?.options.find(({ range }) => holds(range, offset));
    const outwards = [
      { start: 0, end: open.tree.text.length },
      statement?.range,
      statement?.options?.range,
      option?.range,
      part,
      content,
    ];
    let selection: SelectionRange = { range: { start: position, end: position } };
    let isFirst = true;
    for (const range of outwards) {
      if (range === undefined || !holds(range, offset)) continue;
      const found = protocolRange(open.document, range);
      selection = isFirst ? { range: found } : { range: found, parent: selection };
      isFirst = false;
    }
    return selection;
  });
}

function holds(range: TextRange, offset: number): boolean {
  return range.start <= offset && offset <= range.end;
}
