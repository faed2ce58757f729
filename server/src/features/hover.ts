/** Hover: what the thing under the cursor is. Finds the thing; what there is to say of it, the files beside this know. */
import { type Hover, MarkupKind, type Position } from 'vscode-languageserver';
import { NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import type { ClientAbilities } from './capabilities.js';
import { describeGraphValue, describeLayer } from './hover-model.js';
import { describeNumber } from './hover-number.js';
import { describeOperator, describeSource, describeStatement } from './hover-statement.js';
import { describeTarget } from './hover-target.js';
import { describeFormat, describeTerm } from './hover-terms.js';
import type { OpenPlan } from './open-plan.js';
import { type Part, partAt } from './parts.js';
import { protocolRange } from './positions.js';
import { type Block, renderMarkdown, renderPlain } from './rich-text.js';

export function hoverOf(
  open: OpenPlan,
  position: Position,
  { showsMarkdown }: Pick<ClientAbilities, 'showsMarkdown'>,
  numbers: PlanNumbers = NOTHING_KNOWN,
): Hover | null {
  const part = partAt(open.tree, open.document.offsetAt(position));
  const blocks = part === undefined ? [] : describe(part, open, numbers);
  if (part === undefined || blocks.length === 0) return null;
  return {
    range: protocolRange(open.document, part.range),
    contents: showsMarkdown
      ? { kind: MarkupKind.Markdown, value: renderMarkdown(blocks) }
      : { kind: MarkupKind.PlainText, value: renderPlain(blocks) },
  };
}

function describe(part: Part, open: OpenPlan, numbers: PlanNumbers): readonly Block[] {
  switch (part.role) {
    case 'keyword':
    case 'glob':
    case 'expression':
      return describeStatement(part, open, numbers);
    case 'operator':
      return describeOperator(part.text, open, numbers);
    case 'layer':
      return describeLayer(part.text, open, numbers);
    case 'input':
    case 'output':
      return describeGraphValue(part.text, part.role, open);
    case 'number':
      return describeNumber(part.text);
    case 'format':
      return describeFormat(part.text);
    case 'file path':
      return describeSource(part, open);
    case 'target':
      return describeTarget(part.text, open);
    default:
      return describeTerm(part);
  }
}
