/** Code actions: quick fixes and flips, of the kinds that the editor asks for. */
import { type CodeAction, type CodeActionContext, CodeActionKind, type Range } from 'vscode-languageserver';
import { NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import { type ActionCommands, NO_ACTIONS } from './action-commands.js';
import type { ClientAbilities } from './capabilities.js';
import { PLAIN, type DiagnosticAbilities } from './diagnostics.js';
import { flipsOf } from './flips.js';
import type { OpenPlan } from './open-plan.js';
import { quickFixesOf } from './quick-fixes.js';

export const CODE_ACTION_KINDS = [CodeActionKind.QuickFix, CodeActionKind.RefactorRewrite];

export function codeActionsOf(
  open: OpenPlan,
  range: Range,
  { only }: Pick<CodeActionContext, 'only'>,
  abilities: Pick<ClientAbilities, 'resolvesEdits'> & Partial<DiagnosticAbilities>,
  numbers: PlanNumbers = NOTHING_KNOWN,
  actions: ActionCommands = NO_ACTIONS,
): CodeAction[] {
  return [
    ...(isWanted(CodeActionKind.QuickFix, only)
      ? quickFixesOf(open, range, numbers, actions, { ...PLAIN, ...abilities })
      : []),
    ...(isWanted(CodeActionKind.RefactorRewrite, only) ? flipsOf(open, range, abilities) : []),
  ];
}

/** Kinds are a tree: an editor that asks for `refactor` means `refactor.rewrite` too. */
function isWanted(kind: CodeActionKind, only: readonly CodeActionKind[] | undefined): boolean {
  return only === undefined || only.some((one) => one === '' || kind === one || kind.startsWith(`${one}.`));
}
