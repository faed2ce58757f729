/** The ways out of a plan's diagnostics, as quick fixes. */
import { type CodeAction, CodeActionKind, type Range } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Fix } from '../language/index.js';
import { checkPlan, type PlacedDiagnostic } from './check.js';
import { protocolDiagnostic, protocolRange } from './diagnostics.js';
import type { OpenPlan } from './open-plan.js';

/** The fixes of every diagnostic that the range touches, in the order of the diagnostics. */
export function quickFixesOf(open: OpenPlan, range: Range): CodeAction[] {
  const { document } = open;
  const start = document.offsetAt(range.start);
  const end = document.offsetAt(range.end);
  return checkPlan(open)
    .filter(({ shownAt }) => shownAt.start <= end && start <= shownAt.end)
    .flatMap((placed) => (placed.diagnostic.fixes ?? []).map((fix) => quickFix(document, placed, fix)));
}

function quickFix(document: TextDocument, placed: PlacedDiagnostic, fix: Fix): CodeAction {
  const edits = fix.edits.map(({ range, newText }) => ({
    range: protocolRange(placed.document, range),
    newText,
  }));
  return {
    title: fix.title,
    kind: CodeActionKind.QuickFix,
    diagnostics: [protocolDiagnostic(document, placed)],
    // Editors apply the preferred fix unasked (`Fix All`, auto fix): only where there is no choice to make.
    isPreferred: placed.diagnostic.fixes?.length === 1,
    edit: { changes: { [placed.document.uri]: edits } },
  };
}
