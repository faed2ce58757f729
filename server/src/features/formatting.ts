/** Formatting of a whole plan. */
import type { TextEdit } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { formatEdits, parse } from '../language/index.js';
import { protocolRange } from './diagnostics.js';

/** The edits that format the plan, each of the few characters that change; none for a formatted plan. */
export function formattingOf(document: TextDocument): TextEdit[] {
  return formatEdits(parse(document.getText())).map(({ range, newText }) => {
    return { range: protocolRange(document, range), newText };
  });
}
