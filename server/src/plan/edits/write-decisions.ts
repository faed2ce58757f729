/**
 * Edits that make a plan decide its layers in given formats, in few statements. What is pinned stays, so does every
 * comment, every statement that is no decision, and every decision with options or a comment of its own that is
 * still right.
 */
import {
  applyEdits,
  isDecision,
  printLayerStatement,
  type DecisionStatement,
  type Statement,
  type SyntaxTree,
  type TextEdit,
} from '../../language/index.js';
import { OptionsOfFormats } from './asked-options.js';
import { foldLayers, type DecidedFormat, type DecidedText, type Fold, type LayerToDecide } from './fold.js';
import { knowModel } from '../knowledge.js';
import { writeOperatorType } from '../model/operators.js';
import { commentsIn, lineBreakOf, lineEndAfter, lineStartBefore, removeStatement } from '../text/removal.js';
import { changedLines, tidyBlankLines } from '../text/text-change.js';
import type { BoundStatement, TracedPlan } from '../types.js';

/** What a statement asks for. */
interface Asked {
  readonly wanted: DecidedFormat;
  readonly options: Readonly<Record<string, string>>;
}

/** The same for two statements that bring about the same. */
function textOf({ wanted, options }: Asked): DecidedText {
  const entries = Object.entries(options).map(([name, value]) => `${name}: ${value}`);
  return entries.length === 0 ? wanted : `${wanted} { ${entries.join(', ')} }`;
}

/**
 * Rewrites the decisions of a plan; a plan that decides as asked is left as it is. Options of a format stay with the layers that
 * keep it, and a layer that gets it has those that the plan has for all layers in it (`OptionsOfFormats`).
 *
 * @param plan bound from `tree`.
 * @param decisions by `Layer.name`; a layer that is not in it, or is pinned, keeps the format that it is decided in.
 */
export function writeDecisions(
  tree: SyntaxTree,
  plan: TracedPlan,
  decisions: ReadonlyMap<string, DecidedFormat>,
): readonly TextEdit[] {
  const wanted = plan.decisions.map(({ layer, wanted: present, pinned }) =>
    pinned ? present : (decisions.get(layer.name) ?? present),
  );
  const isDone = plan.decisions.every((decision, index) => decision.wanted === wanted[index]);
  return isDone ? [] : rewritten(tree, plan, wanted);
}

/** Makes a plan decide the same in fewer statements. */
export function foldPlan(tree: SyntaxTree, plan: TracedPlan): readonly TextEdit[] {
  return rewritten(
    tree,
    plan,
    plan.decisions.map((decision) => decision.wanted),
  );
}

function rewritten(
  tree: SyntaxTree,
  plan: TracedPlan,
  formats: readonly DecidedFormat[],
): readonly TextEdit[] {
  const options = new OptionsOfFormats(plan);
  const wanted = formats.map((format, at): Asked => ({
    wanted: format,
    options: options.of(at, format).options,
  }));
  return changedLines(tree.text, tidyBlankLines(tree.text, rewrite(tree, plan, wanted)));
}

function rewrite(tree: SyntaxTree, plan: TracedPlan, wanted: readonly Asked[]): string {
  const present = effectiveDefault(plan);
  const kept = new Set(plan.statements.filter((bound) => bound !== present && isKept(tree, bound, wanted)));
  const replaced = plan.statements.filter((bound) => bound !== present && !kept.has(bound));
  const block = placeBlock(tree, plan, present);
  const { below, above } = splitKept(plan, kept, block.before);
  const unders = lastMatching(below);
  const overs = lastMatching(above);
  const layers = plan.decisions.map(({ layer, pinned }, index): LayerToDecide => {
    const under = unders.get(index);
    const over = overs.get(index);
    const decider = over ?? under ?? (present?.pinned === true ? present : undefined);
    return {
      format: askedAt(wanted, index),
      operator: writeOperatorType(layer.node),
      below: under && textOf(under),
      above: over && textOf(over),
      alone: (decider?.pinned ?? false) !== pinned || (pinned && over === undefined && under !== undefined),
    };
  });
  const fixedDefault =
    present && (present.include !== undefined || present.pinned) ? textOf(present) : undefined;
  const fold = foldLayers(layers, fixedDefault, present?.pinned !== true);

  const removals: TextEdit[] = replaced.map((bound) => removeStatement(tree, bound.statement));
  const first: string[] = [];
  if (present && fixedDefault === undefined) {
    removals.push(...changeDefault(tree, present, fold.defaultFormat, hasOtherDefault(plan, present)));
  } else if (!present && fold.defaultFormat !== 'original') {
    first.push(`default: ${fold.defaultFormat}`);
  }
  first.push(...operatorLines(fold));
  const named = fold.exceptions.filter((index) => isAddressed(plan, index));
  // Lines with options come last: they are kept when the plan is rewritten again, and keep their place.
  const exceptions = [
    ...named.filter((index) => !keepsOptions(plan, index, wanted)),
    ...named.filter((index) => keepsOptions(plan, index, wanted)),
  ].map((index) => exceptionLine(plan, index, wanted));
  const isOverruled = named.some((index) => layers[index]?.above !== undefined);
  const last = isOverruled ? above.at(-1) : undefined;
  const start = last ? [] : exceptions;
  // Where a new statement takes the place of an old one, it is put in before the old one is taken out.
  const edits: TextEdit[] = [...block.insert([...first, ...start])];
  if (last) {
    const offset = lineEndAfter(tree.text, (last.include ?? last.statement).range.end);
    const lineBreak = lineBreakOf(tree.text);
    edits.push({
      range: { start: offset, end: offset },
      newText: exceptions.map((line) => lineBreak + line).join(''),
    });
  }
  return applyEdits(tree.text, [...edits, ...removals]);
}

/** The default that counts: the last one. */
function effectiveDefault(plan: TracedPlan): BoundStatement | undefined {
  return plan.statements.findLast((bound) => bound.statement.kind === 'default');
}

function hasOtherDefault(plan: TracedPlan, present: BoundStatement): boolean {
  return plan.statements.some(
    (bound) => bound !== present && bound.statement.kind === 'default' && bound.include,
  );
}

/**
 * What another file holds cannot be edited; what is pinned must not be; what matches no layer decides nothing here; and
 * what carries words of the user's stays as long as it is right about at least half of what it decides.
 */
function isKept(tree: SyntaxTree, bound: BoundStatement, wanted: readonly Asked[]): boolean {
  const { statement, include, pinned, matches, decides } = bound;
  if (include) {
    return true;
  }
  if (statement.kind === 'default') {
    // Only the last one counts, and that is not asked here.
    return false;
  }
  if (pinned || matches.length === 0) {
    return true;
  }
  const hasWords = (statement.options?.options.length ?? 0) > 0 || hasComment(tree, statement);
  const right = decides.filter((layer) => askedAt(wanted, layer) === textOf(bound)).length;
  return hasWords && right > 0 && right * 2 >= decides.length;
}

function askedAt(wanted: readonly Asked[], layer: number): DecidedText {
  const asked = wanted[layer];
  return asked === undefined ? 'original' : textOf(asked);
}

/** Whether a comment stands in the statement or behind it on its last line. */
function hasComment(tree: SyntaxTree, statement: DecisionStatement): boolean {
  const end = lineEndAfter(tree.text, statement.range.end);
  return commentsIn(tree, { start: statement.range.start, end }).length > 0;
}

/** The statements that stay, parted at the offset of the plan where new ones are put. */
function splitKept(
  plan: TracedPlan,
  kept: ReadonlySet<BoundStatement>,
  offset: number,
): { readonly below: readonly BoundStatement[]; readonly above: readonly BoundStatement[] } {
  const rules = plan.statements.filter((bound) => kept.has(bound) && bound.statement.kind !== 'default');
  const isBelow = (bound: BoundStatement): boolean => (bound.include ?? bound.statement).range.start < offset;
  return { below: rules.filter(isBelow), above: rules.filter((bound) => !isBelow(bound)) };
}

/** By layer: the last of the statements that match it. */
function lastMatching(statements: readonly BoundStatement[]): ReadonlyMap<number, BoundStatement> {
  return new Map(statements.flatMap((bound) => bound.matches.map((layer) => [layer, bound] as const)));
}

interface Block {
  /** Statements of the plan that begin before this offset count before the new ones. */
  readonly before: number;
  readonly insert: (lines: readonly string[]) => readonly TextEdit[];
}

/**
 * The new statements stand before the first decision of the plan, so that what is pinned wins over them; where there
 * is none, after the default, or else at the end.
 */
function placeBlock(tree: SyntaxTree, plan: TracedPlan, present: BoundStatement | undefined): Block {
  const { text } = tree;
  const lineBreak = lineBreakOf(text);
  const bound = new Set<Statement>(plan.statements.map(({ statement }) => statement));
  const firstDecision = tree.statements.find(
    (statement) => isDecision(statement) && statement !== present?.statement && bound.has(statement),
  );
  if (firstDecision) {
    const offset = startOfLines(tree, firstDecision, plan);
    return {
      before: firstDecision.range.start,
      insert: (lines) => [
        { range: { start: offset, end: offset }, newText: lines.map((line) => line + lineBreak).join('') },
      ],
    };
  }
  const anchor = present?.include ? undefined : present?.statement;
  if (anchor) {
    const offset = lineEndAfter(text, anchor.range.end);
    return {
      before: anchor.range.end,
      insert: (lines) => [
        { range: { start: offset, end: offset }, newText: lines.map((line) => lineBreak + line).join('') },
      ],
    };
  }
  return {
    before: Infinity,
    insert: (lines) => {
      if (lines.length === 0) {
        return [];
      }
      const gap =
        text === '' ? '' : text.endsWith('\n') || text.endsWith('\r') ? lineBreak : lineBreak + lineBreak;
      const newText = gap + lines.join(lineBreak) + lineBreak;
      return [{ range: { start: text.length, end: text.length }, newText }];
    },
  };
}

/** The start of the statement's line; of the comment above it where the statement is one that stays. */
function startOfLines(tree: SyntaxTree, statement: Statement, plan: TracedPlan): number {
  const { text } = tree;
  const bound = plan.statements.find((candidate) => candidate.statement === statement);
  let start = lineStartBefore(text, statement.range.start);
  while (bound?.pinned === true && start > 0) {
    const above = lineStartBefore(text, start - 1);
    if (!text.slice(above, start).trim().startsWith('#')) {
      break;
    }
    start = above;
  }
  return start;
}

/** Changes the default in its place; takes it away where `original`, which needs no statement, is all that it says. */
function changeDefault(
  tree: SyntaxTree,
  present: BoundStatement,
  format: DecidedText,
  isNeeded: boolean,
): readonly TextEdit[] {
  const { statement } = present;
  if (format === 'original' && !isNeeded) {
    return [removeStatement(tree, statement)];
  }
  if (textOf(present) === format || !statement.format) {
    return [];
  }
  const comments = commentsIn(tree, statement.range).map((token) => tree.text.slice(token.start, token.end));
  return [
    { range: statement.range, newText: [...comments, `default: ${format}`].join(lineBreakOf(tree.text)) },
  ];
}

/** One `op` statement for each format. */
function operatorLines(fold: Fold): readonly string[] {
  const byFormat = new Map<DecidedText, string[]>();
  for (const { operator, format } of fold.operators) {
    const operators = byFormat.get(format) ?? [];
    operators.push(operator);
    byFormat.set(format, operators);
  }
  return [...byFormat].map(([format, operators]) => `op ${operators.join(', ')}: ${format}`);
}

/** Whether a name means the layer: a node without one may write a tensor that another node is named after. */
function isAddressed(plan: TracedPlan, index: number): boolean {
  const layer = plan.layers[index];
  const found = layer && knowModel(plan.model).names.find(layer.name);
  return found?.kind === 'node' && found.node === layer?.nodeIndex;
}

function exceptionLine(plan: TracedPlan, index: number, wanted: readonly Asked[]): string {
  const name = plan.layers[index]?.name ?? '';
  return printLayerStatement([name], wanted[index]?.wanted ?? 'original', keptOptions(plan, index, wanted));
}

function keepsOptions(plan: TracedPlan, index: number, wanted: readonly Asked[]): boolean {
  return Object.keys(keptOptions(plan, index, wanted)).length > 0;
}

function keptOptions(
  plan: TracedPlan,
  index: number,
  wanted: readonly Asked[],
): Readonly<Record<string, string>> {
  const isPinned = plan.decisions[index]?.pinned === true;
  return { ...wanted[index]?.options, ...(isPinned ? { pinned: 'true' } : {}) };
}
