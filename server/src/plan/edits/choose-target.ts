/** Writing a target into a plan. Knows text and statements; no machine. */
import type { Statement, SyntaxTree, TargetStatement, TextEdit } from '../../language/index.js';
import { removeStatement } from '../text/removal.js';

/**
 * The edits after which the plan's own text names this target alone: the first `target` statement is changed, options of another
 * provider going with it, others are removed; without one it stands behind what feeds the model. None where it does already.
 */
export function chooseTarget(tree: SyntaxTree, name: string): readonly TextEdit[] {
  const targets = tree.statements.filter((one): one is TargetStatement => one.kind === 'target');
  const kept = targets.find((one) => one.name?.text === name) ?? targets[0];
  if (kept === undefined) return [insertion(tree, name)];
  const others = targets.filter((one) => one !== kept).map((one) => removeStatement(tree, one));
  if (kept.name?.text === name) return others;
  return [{ range: kept.range, newText: `target ${name}` }, ...others];
}

const BEFORE_TARGETS: ReadonlySet<Statement['kind']> = new Set(['model', 'include', 'input', 'dim', 'state']);

function insertion({ statements, text }: SyntaxTree, name: string): TextEdit {
  const last = statements.findLast(({ kind }) => BEFORE_TARGETS.has(kind));
  if (last === undefined) return { range: { start: 0, end: 0 }, newText: `target ${name}\n` };
  const end = text.indexOf('\n', last.range.end);
  const at = end < 0 ? text.length : end;
  return { range: { start: at, end: at }, newText: `\ntarget ${name}` };
}
