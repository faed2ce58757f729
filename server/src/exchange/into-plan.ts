/** Decisions from elsewhere, written into a plan: in few statements, everything that is no decision as it was. Knows no tool. */
import { applyEdits, printLayerStatement, quote, type SyntaxTree } from '../language/index.js';
import { writeDecisions, type LayerDecision, type TracedPlan } from '../plan/index.js';
import { decisionReasons } from './decision-reasons.js';
import type { Imported, ImportedDecision, Loss } from './kind.js';
import { lossOf } from './layer-formats.js';

export interface PlanWithImport {
  /** The plan's text with the decisions. */
  readonly text: string;
  readonly losses: readonly Loss[];
}

/** @param plan bound from `tree`. What it pins stays, and is a loss where the import decides otherwise. */
export function intoPlan(
  tree: SyntaxTree,
  plan: TracedPlan,
  { decisions, losses }: Imported,
): PlanWithImport {
  const formats = new Map([...decisions].map(([name, { format }]) => [name, format]));
  const text = applyEdits(tree.text, writeDecisions(tree, plan, formats));
  const pinned = plan.decisions.filter(
    (one) => one.pinned && (formats.get(one.layer.name) ?? one.wanted) !== one.wanted,
  );
  return {
    text: withOptions(text, plan, decisions),
    losses: [
      ...losses,
      ...lossOf(
        'pinned',
        pinned.map(({ layer }) => layer),
        (count) => `${count} pinned by the plan in another format: the plan's decision stays`,
      ),
    ],
  };
}

/** Options come with statements of their own, the last of all, so that nothing decides them over. */
function withOptions(
  text: string,
  plan: TracedPlan,
  decisions: ReadonlyMap<string, ImportedDecision>,
): string {
  const reasons = decisionReasons(plan);
  const lines = plan.decisions.flatMap((present) => {
    const { name } = present.layer;
    const wanted = decisions.get(name);
    if (wanted === undefined || present.pinned || !hasMore(wanted, present, reasons.get(name))) return [];
    return [
      printLayerStatement([name], wanted.format, {
        ...(wanted.pinned === true ? { pinned: 'true' } : {}),
        ...(wanted.overflow === undefined || wanted.overflow === 'error'
          ? {}
          : { overflow: wanted.overflow }),
        ...(wanted.reason === undefined ? {} : { reason: quote(wanted.reason) }),
      }),
    ];
  });
  if (lines.length === 0) return text;
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}\n${lines.join('\n')}\n`;
}

/** Whether a decision has options that the plan's own does not have for the same format. */
function hasMore(wanted: ImportedDecision, present: LayerDecision, reason: string | undefined): boolean {
  const isLeft = present.wanted === wanted.format;
  return (
    wanted.pinned === true ||
    ((wanted.overflow ?? 'error') !== 'error' && !(isLeft && wanted.overflow === present.overflow)) ||
    (wanted.reason !== undefined && !(isLeft && wanted.reason === reason))
  );
}
