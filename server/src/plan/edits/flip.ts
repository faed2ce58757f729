/**
 * Edits that change one decision: of a layer, or of a statement. Writes no more of the text than that decision needs.
 */
import {
  printLayerStatement,
  type DecisionStatement,
  type SyntaxTree,
  type TextEdit,
} from '../../language/index.js';
import type { FormatName } from '../../formats/index.js';
import { knowModel } from '../knowledge.js';
import { lineBreakOf, lineEndAfter } from '../text/removal.js';
import type { BoundStatement, TracedPlan } from '../types.js';

/**
 * Gives one layer another format and leaves every other layer as it is: in the `layer` statement that names it alone
 * and decides it, or by a new one after the last statement that matches it. No edits where the layer has the format
 * already, where there is no such layer, or where no name means it.
 *
 * @param plan bound from `tree`.
 * @param layerName as in `Layer.name`.
 */
export function flipLayer(
  plan: TracedPlan,
  tree: SyntaxTree,
  layerName: string,
  format: FormatName | 'original',
): readonly TextEdit[] {
  const { names, layerOfNode } = knowModel(plan.model);
  const meant = names.find(layerName);
  const layer = meant.kind === 'node' ? (layerOfNode[meant.node] ?? -1) : -1;
  const decision = plan.decisions[layer];
  if (!decision || decision.wanted === format) {
    return [];
  }
  const matching = plan.statements.filter((bound) => bound.matches.includes(layer));
  const own = matching.findLast((bound) => isOwn(bound) && bound.decides.includes(layer));
  if (own) {
    return flipStatement(own.statement, format);
  }
  const last = matching.findLast((bound) => bound.statement.kind !== 'default') ?? matching.at(-1);
  const line = printLayerStatement([layerName], format);
  return [insertAfter(tree, last?.include ?? last?.statement ?? tree.statements.at(-1), line)];
}

/** Gives everything that a statement decides another format, its options as they are. */
export function flipStatement(
  statement: DecisionStatement,
  format: FormatName | 'original',
): readonly TextEdit[] {
  return statement.format && statement.format.text !== format
    ? [{ range: statement.format.range, newText: format }]
    : [];
}

/** Whether the statement is in the plan itself and names one layer and nothing else. */
function isOwn({ statement, include }: BoundStatement): boolean {
  return !include && statement.kind === 'layer' && statement.names.length === 1;
}

/** A new line after the line on which a statement ends; at the end of the text where there is none. */
function insertAfter(
  tree: SyntaxTree,
  statement: { readonly range: { readonly end: number } } | undefined,
  line: string,
): TextEdit {
  const { text } = tree;
  const lineBreak = lineBreakOf(text);
  if (!statement) {
    const separator = text === '' || text.endsWith('\n') ? '' : lineBreak;
    return { range: { start: text.length, end: text.length }, newText: separator + line + lineBreak };
  }
  const offset = lineEndAfter(text, statement.range.end);
  return { range: { start: offset, end: offset }, newText: lineBreak + line };
}
