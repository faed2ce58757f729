/**
 * Flips as code actions: a statement, or a layer that it names, into another format; and the same decisions written as one
 * line for each layer, or in as few statements as can be. What an edit is, the plan room knows.
 */
import {
  type CodeAction,
  CodeActionKind,
  type Range,
  type TextEdit as ProtocolEdit,
} from 'vscode-languageserver';
import {
  type DecisionStatement,
  isDecision,
  printLayerStatement,
  quote,
  type TextEdit,
} from '../language/index.js';
import {
  allowedFormats,
  type BoundStatement,
  flipLayer,
  flipStatement,
  foldPlan,
  type TracedPlan,
} from '../plan/index.js';
import type { ClientAbilities } from './capabilities.js';
import { namesOf } from './model-names.js';
import type { OpenPlan } from './open-plan.js';
import { partAt, statementAt } from './parts.js';
import { protocolRange } from './positions.js';

const FORMATS = ['fp16', 'fp32', 'bf16'] as const;

type FlipFormat = (typeof FORMATS)[number];

/** What a code action that is still without its edit says about itself. */
export interface PostponedEdit {
  readonly uri: string;
  readonly version: number;
  readonly rewrite: 'expand' | 'fold';
  /** Where the statement begins. */
  readonly start: number;
}

/** What an editor gives back with a code action; undefined where it is not ours. */
export function readPostponedEdit(data: unknown): PostponedEdit | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { uri, version, rewrite, start }: Partial<Record<string, unknown>> = { ...data };
  const isOurs =
    typeof uri === 'string' &&
    typeof version === 'number' &&
    typeof start === 'number' &&
    (rewrite === 'expand' || rewrite === 'fold');
  return isOurs ? { uri, version, rewrite, start } : undefined;
}

/** The flips and rewrites of the decision statement at the start of a range. */
export function flipsOf(
  open: OpenPlan,
  range: Range,
  { resolvesEdits }: Pick<ClientAbilities, 'resolvesEdits'>,
): CodeAction[] {
  const offset = open.document.offsetAt(range.start);
  const statement = statementAt(open.tree, offset);
  const { plan } = open;
  if (statement === undefined || !isDecision(statement) || plan === undefined) return [];
  const bound = plan.statements.find((one) => one.statement === statement);
  const flips = [
    ...layerFlips(open, plan, layerAt(open, plan, offset, statement)),
    ...(bound === undefined ? [] : statementFlips(open, plan, bound)),
  ];
  const rewrites = bound === undefined ? [] : rewritesOf(open, plan, bound, resolvesEdits);
  return [...withoutTwins(flips), ...rewrites];
}

/** The code action with its edit; without one where the document has changed since. */
export function resolveRewrite(
  open: OpenPlan,
  action: CodeAction,
  { version, rewrite, start }: PostponedEdit,
): CodeAction {
  const { plan } = open;
  const bound = plan?.statements.find(
    (one) => one.include === undefined && one.statement.range.start === start && one.path === open.path,
  );
  if (plan === undefined || bound === undefined || open.document.version !== version) return action;
  return { ...action, edit: editOf(open, rewriteEdits(open, plan, bound, rewrite)) };
}

/** The layer that the cursor is on, or the only one that the statement names. */
function layerAt(
  open: OpenPlan,
  plan: TracedPlan,
  offset: number,
  statement: DecisionStatement,
): TracedPlan['layers'][number] | undefined {
  const part = partAt(open.tree, offset);
  const only = statement.kind === 'layer' && statement.names.length === 1 ? statement.names[0] : undefined;
  const written = part?.role === 'layer' ? part.text : only?.value;
  return plan.layers[namesOf(plan.model).layerIndex.get(written ?? '') ?? -1];
}

function layerFlips(
  open: OpenPlan,
  plan: TracedPlan,
  layer: TracedPlan['layers'][number] | undefined,
): CodeAction[] {
  if (layer === undefined) return [];
  const possible = possibleFormats(plan, [layer]);
  return FORMATS.filter((format) => possible(format)).flatMap((format) => {
    const edits = flipLayer(plan, open.tree, layer.name, format);
    const title = `Run ${quote(layer.name)} in ${format.toUpperCase()}`;
    return edits.length === 0 ? [] : [flip(open, title, edits)];
  });
}

function statementFlips(
  open: OpenPlan,
  plan: TracedPlan,
  { statement, matches }: BoundStatement,
): CodeAction[] {
  const layers = matches.flatMap((index) => plan.layers[index] ?? []);
  const possible = possibleFormats(plan, layers);
  const count = matches.length === 1 ? '1 layer' : `${matches.length} layers`;
  return FORMATS.filter((format) => possible(format)).flatMap((format) => {
    const edits = flipStatement(statement, format);
    const title = `Run this statement in ${format.toUpperCase()} (${count})`;
    return edits.length === 0 ? [] : [flip(open, title, edits)];
  });
}

/** A format that none of the layers can run in is not offered. */
function possibleFormats(plan: TracedPlan, layers: TracedPlan['layers']): (format: FlipFormat) => boolean {
  return (format) =>
    format === 'fp32' || layers.some((layer) => allowedFormats(plan.model, layer).includes(format));
}

function flip(open: OpenPlan, title: string, edits: readonly TextEdit[]): CodeAction {
  return { title, kind: CodeActionKind.RefactorRewrite, edit: editOf(open, edits) };
}

/** A statement that names one layer and decides it is flipped by the same edit as the layer: the first title will do. */
function withoutTwins(actions: readonly CodeAction[]): readonly CodeAction[] {
  const seen = new Set<string>();
  return actions.filter(({ edit }) => {
    const key = JSON.stringify(edit);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function rewritesOf(
  open: OpenPlan,
  plan: TracedPlan,
  bound: BoundStatement,
  resolvesEdits: boolean,
): CodeAction[] {
  const { statement } = bound;
  const offered: { readonly title: string; readonly rewrite: PostponedEdit['rewrite'] }[] = [];
  if (canExpand(plan, bound)) {
    offered.push({
      title: `Expand into one line per layer (${bound.decides.length === 1 ? '1 line' : `${bound.decides.length} lines`})`,
      rewrite: 'expand',
    });
  }
  if (canFold(plan, bound))
    offered.push({ title: 'Fold the decisions into the fewest statements', rewrite: 'fold' });
  return offered.flatMap(({ title, rewrite }): CodeAction[] => {
    const action: CodeAction = { title, kind: CodeActionKind.RefactorRewrite };
    if (resolvesEdits) {
      const { uri, version } = open.document;
      const data: PostponedEdit = { uri, version, rewrite, start: statement.range.start };
      return [{ ...action, data }];
    }
    const edits = rewriteEdits(open, plan, bound, rewrite);
    return edits.length === 0 ? [] : [{ ...action, edit: editOf(open, edits) }];
  });
}

function canExpand(plan: TracedPlan, { statement, decides }: BoundStatement): boolean {
  if (statement.format === undefined || decides.length === 0) return false;
  if (statement.kind === 'layer' && statement.names.length === 1) return false;
  const { layerIndex } = namesOf(plan.model);
  return decides.every((index) => layerIndex.get(plan.layers[index]?.name ?? '') === index);
}

/** Whether there are lines for single layers that may become fewer. */
function canFold(plan: TracedPlan, { statement }: BoundStatement): boolean {
  if (statement.kind !== 'layer') return false;
  let lines = 0;
  for (const { statement: other, include } of plan.statements) {
    if (include === undefined && other.kind === 'layer' && ++lines === 3) return true;
  }
  return false;
}

function rewriteEdits(
  open: OpenPlan,
  plan: TracedPlan,
  bound: BoundStatement,
  rewrite: PostponedEdit['rewrite'],
): readonly TextEdit[] {
  return rewrite === 'fold' ? foldPlan(open.tree, plan) : expandEdits(open, plan, bound);
}

/** One `layer` line in place of the statement for each layer that it decides, with its format and options. */
function expandEdits(
  { tree }: OpenPlan,
  plan: TracedPlan,
  { statement, decides }: BoundStatement,
): readonly TextEdit[] {
  const { options, format } = statement;
  const tail = options === undefined ? '' : ` ${tree.text.slice(options.range.start, options.range.end)}`;
  const lines = decides.map((index) => {
    return printLayerStatement([plan.layers[index]?.name ?? ''], format?.text ?? 'original') + tail;
  });
  return [{ range: statement.range, newText: lines.join(tree.text.includes('\r\n') ? '\r\n' : '\n') }];
}

function editOf({ document }: OpenPlan, edits: readonly TextEdit[]): NonNullable<CodeAction['edit']> {
  const changes = edits.map(({ range, newText }): ProtocolEdit => ({
    range: protocolRange(document, range),
    newText,
  }));
  return { changes: { [document.uri]: changes } };
}
