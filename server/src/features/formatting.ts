/** Formatting of a whole plan. */
import type { TextEdit } from 'vscode-languageserver';
import { formatEdits } from '../language/index.js';
import type { OpenPlan } from './open-plan.js';
import { protocolRange } from './positions.js';

/** The edits that format the plan, each of the few characters that change; none for a formatted plan. */
export function formattingOf({ document, tree }: OpenPlan): TextEdit[] {
  return formatEdits(tree).map(({ range, newText }) => {
    return { range: protocolRange(document, range), newText };
  });
}
