/**
 * Ways out of what analysis found: the layers that a finding is about run in FP32, or the tuner looks for a plan that
 * holds. Made only when somebody asks for fixes, since a flip looks at every statement.
 */
import { type CodeAction, CodeActionKind } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type Fix, quote, type TextEdit } from '../language/index.js';
import { flipLayer } from '../plan/index.js';
import { type ActionCommands, actionCommand } from './action-commands.js';
import type { PlacedDiagnostic } from './check.js';
import { protocolDiagnostic } from './diagnostics.js';
import type { OpenPlan } from './open-plan.js';

/** The layers of a finding in FP32; nothing for other diagnostics. */
export function findingFixes({ plan, tree }: OpenPlan, { layers }: PlacedDiagnostic): readonly Fix[] {
  if (plan === undefined) return [];
  const flips = layers.map((name) => ({ name, edits: flipLayer(plan, tree, name, 'fp32') }));
  const flipped = flips.filter(({ edits }) => edits.length > 0);
  const [first] = flipped;
  if (first === undefined) return [];
  const what = flipped.length === 1 ? quote(first.name) : `these ${flipped.length} layers`;
  return [
    { title: `Run ${what} in FP32`, edits: flipped.flatMap(({ edits }): readonly TextEdit[] => edits) },
  ];
}

/** The tuner, for a tolerance that does not hold; nothing where nobody carries it out. */
export function tuneAction(
  document: TextDocument,
  placed: PlacedDiagnostic,
  actions: ActionCommands,
): readonly CodeAction[] {
  if (placed.diagnostic.code !== 'tolerance-exceeded') return [];
  const command = actionCommand('tune', document.uri, actions);
  if (command === undefined) return [];
  const diagnostics = [protocolDiagnostic(document, placed)];
  return [{ title: 'Tune: find a plan that holds', kind: CodeActionKind.QuickFix, diagnostics, command }];
}
