/** The ways out of a plan's diagnostics, as quick fixes. */
import { type CodeAction, CodeActionKind, type Range } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import type { Fix } from '../language/index.js';
import { type ActionCommands, NO_ACTIONS } from './action-commands.js';
import { checkPlan, type PlacedDiagnostic } from './check.js';
import { protocolDiagnostic, protocolRange } from './diagnostics.js';
import { findingFixes, tuneAction } from './finding-fixes.js';
import type { OpenPlan } from './open-plan.js';

/** The fixes of every diagnostic that the range touches, in the order of the diagnostics. */
export function quickFixesOf(
  open: OpenPlan,
  range: Range,
  numbers: PlanNumbers = NOTHING_KNOWN,
  actions: ActionCommands = NO_ACTIONS,
): CodeAction[] {
  const { document } = open;
  const start = document.offsetAt(range.start);
  const end = document.offsetAt(range.end);
  // A fix that mends all errors of a kind at once is the same object at each of them.
  const offered = new Set<Fix>();
  const isNew = (fix: Fix): boolean => !offered.has(fix) && offered.add(fix).has(fix);
  return checkPlan(open, numbers)
    .filter(({ shownAt }) => shownAt.start <= end && start <= shownAt.end)
    .flatMap((placed) => [
      ...(placed.diagnostic.fixes ?? [])
        .filter(isNew)
        .map((fix) => quickFix(document, placed, placed.document, fix)),
      // A flip is written into the plan, wherever the statement is that decides now.
      ...findingFixes(open, placed).map((fix) => quickFix(document, placed, document, fix)),
      ...tuneAction(document, placed, actions),
    ]);
}

/** @param changed the document that the fix changes */
function quickFix(
  document: TextDocument,
  placed: PlacedDiagnostic,
  changed: TextDocument,
  fix: Fix,
): CodeAction {
  const edits = fix.edits.map(({ range, newText }) => ({
    range: protocolRange(changed, range),
    newText,
  }));
  return {
    title: fix.title,
    kind: CodeActionKind.QuickFix,
    diagnostics: [protocolDiagnostic(document, placed)],
    // Editors apply the preferred fix unasked (`Fix All`, auto fix): only where there is no choice to make.
    isPreferred: placed.diagnostic.fixes?.length === 1,
    edit: { changes: { [changed.uri]: edits } },
  };
}
