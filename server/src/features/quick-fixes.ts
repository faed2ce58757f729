/** The ways out of a plan's diagnostics, as quick fixes. */
import { type CodeAction, CodeActionKind, type Range } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import type { Fix } from '../language/index.js';
import { type ActionCommands, NO_ACTIONS } from './action-commands.js';
import { checkPlan } from './check.js';
import { PLAIN, type DiagnosticAbilities, protocolDiagnostic } from './diagnostics.js';
import { findingCommands, findingFixes } from './finding-fixes.js';
import type { OpenPlan } from './open-plan.js';
import { protocolRange } from './positions.js';

/** The fixes of every diagnostic that the range touches, in the order of the diagnostics. */
export function quickFixesOf(
  open: OpenPlan,
  range: Range,
  numbers: PlanNumbers = NOTHING_KNOWN,
  actions: ActionCommands = NO_ACTIONS,
  abilities: DiagnosticAbilities = PLAIN,
): CodeAction[] {
  const { document } = open;
  const start = document.offsetAt(range.start);
  const end = document.offsetAt(range.end);
  // A fix that mends all errors of a kind at once is the same object at each of them.
  const offered = new Set<Fix>();
  const isNew = (fix: Fix): boolean => !offered.has(fix) && offered.add(fix).has(fix);
  return checkPlan(open, numbers)
    .filter(({ shownAt }) => shownAt.start <= end && start <= shownAt.end)
    .flatMap((placed) => {
      // Editors apply the preferred fix unasked (`Fix All`, auto fix): only where there is no choice to make.
      const isPreferred = placed.diagnostic.fixes?.length === 1;
      const action = (title: string): CodeAction => ({
        title,
        kind: CodeActionKind.QuickFix,
        diagnostics: [protocolDiagnostic(open, placed, abilities)],
      });
      const edit = (fix: Fix, changed: TextDocument): CodeAction => {
        return { ...action(fix.title), isPreferred, edit: editOf(fix, changed) };
      };
      return [
        ...(placed.diagnostic.fixes ?? []).filter(isNew).map((fix) => edit(fix, placed.document)),
        // A flip is written into the plan, wherever the statement is that decides now.
        ...findingFixes(open, placed).map((fix) => edit(fix, document)),
        ...findingCommands(document, placed, actions).map(({ title, command }) => ({
          ...action(title),
          command,
        })),
      ];
    });
}

/** @param changed the document that the fix changes */
function editOf({ edits }: Fix, changed: TextDocument): NonNullable<CodeAction['edit']> {
  const changes = edits.map(({ range, newText }) => ({ range: protocolRange(changed, range), newText }));
  return { changes: { [changed.uri]: changes } };
}
