/**
 * Ways out of what analysis found: the layers that a finding is about run in another format, the tuner looks for a plan that
 * holds, or what is out of date is measured again. Made only when somebody asks for fixes, since a flip looks at every statement.
 */
import type { Command } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type Fix, quote, type TextEdit } from '../language/index.js';
import { flipLayer } from '../plan/index.js';
import { type ActionCommands, actionCommand } from './action-commands.js';
import type { PlacedDiagnostic } from './check.js';
import { COMMANDS } from './code-lens.js';
import type { OpenPlan } from './open-plan.js';

/** The layers of a finding in the format that it speaks for; nothing for other diagnostics. */
export function findingFixes({ plan, tree }: OpenPlan, { layers, runIn }: PlacedDiagnostic): readonly Fix[] {
  if (plan === undefined) return [];
  const flips = layers.map((name) => ({ name, edits: flipLayer(plan, tree, name, runIn) }));
  const flipped = flips.filter(({ edits }) => edits.length > 0);
  const [first] = flipped;
  if (first === undefined) return [];
  const what = flipped.length === 1 ? quote(first.name) : `these ${flipped.length} layers`;
  return [
    {
      title: `Run ${what} in ${runIn.toUpperCase()}`,
      edits: flipped.flatMap(({ edits }): readonly TextEdit[] => edits),
    },
  ];
}

/**
 * What somebody has to carry out: the tuner for a tolerance that does not hold, the analysis for numbers that are out of date.
 * Nothing where nobody does.
 */
export function findingCommands(
  { uri }: TextDocument,
  { diagnostic: { code } }: PlacedDiagnostic,
  actions: ActionCommands,
): readonly { readonly title: string; readonly command: Command }[] {
  if (code === 'tolerance-exceeded' || code === 'tolerance-predicted') {
    const command = actionCommand('tune', uri, actions);
    return command === undefined ? [] : [{ title: 'Tune: find a plan that holds', command }];
  }
  if (code !== 'stale' || !actions.ofServer.has(COMMANDS.analyze)) return [];
  const title = 'Measure again';
  return [{ title, command: { title, command: COMMANDS.analyze, arguments: [uri] } }];
}
