/**
 * Code lenses: totals and actions at the top of a plan, and above each statement that decides layers what it does.
 * Where lenses stand depends on the text alone and their text is resolved later, so that nothing moves while numbers
 * arrive.
 */
import type { CodeLens, Command } from 'vscode-languageserver';
import type { LayerSensitivity, PlanNumbers } from '../analysis/index.js';
import { isDecision } from '../language/index.js';
import { summarizeDecisions, type BoundStatement, type TracedPlan } from '../plan/index.js';
import { formatNumber, formatPercent } from '../report/index.js';
import type { OpenPlan } from './open-plan.js';

export type LensMode = 'all' | 'header' | 'off';

/** The commands behind lenses, which the server carries out itself: see live-features.ts. */
export const COMMANDS = {
  analyze: 'onnxPrecision.server.analyze',
  stop: 'onnxPrecision.server.stop',
  flip: 'onnxPrecision.server.flip',
} as const;

/** What a lens remembers until it is resolved. */
export interface LensData {
  readonly uri: string;
  readonly kind: 'totals' | 'verdict' | 'statement';
  /** Start of the statement. */
  readonly offset: number;
}

/** The lenses of a plan, without their text but for the actions. */
export function codeLensesOf({ document, tree }: OpenPlan, mode: LensMode): CodeLens[] {
  if (mode === 'off') return [];
  const { uri } = document;
  const first = tree.statements[0]?.range.start ?? 0;
  const lens = (offset: number, kind: LensData['kind']): CodeLens => {
    const position = document.positionAt(offset);
    return { range: { start: position, end: position }, data: { uri, kind, offset } satisfies LensData };
  };
  const top = lens(first, 'totals');
  const analyze = { title: 'Analyze', command: COMMANDS.analyze, arguments: [uri] };
  const header = [top, lens(first, 'verdict'), { range: top.range, command: analyze }];
  if (mode === 'header') return header;
  const statements = tree.statements.filter(
    (statement) => isDecision(statement) && statement.format !== undefined,
  );
  return [...header, ...statements.map((statement) => lens(statement.range.start, 'statement'))];
}

/** What an editor gives back with a lens; undefined where it is not ours. */
export function readLensData(data: unknown): LensData | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { uri, kind, offset }: Partial<Record<string, unknown>> = { ...data };
  if (typeof uri !== 'string' || typeof offset !== 'number') return undefined;
  return kind === 'totals' || kind === 'verdict' || kind === 'statement' ? { uri, kind, offset } : undefined;
}

/** The text of a lens as of now. */
export function resolvedLens(lens: CodeLens, data: LensData, open: OpenPlan, numbers: PlanNumbers): CodeLens {
  return { ...lens, command: commandOf(data, open, numbers) };
}

function commandOf({ uri, kind, offset }: LensData, { plan }: OpenPlan, numbers: PlanNumbers): Command {
  if (plan === undefined) return text('no model');
  switch (kind) {
    case 'totals':
      return text(totals(plan));
    case 'verdict':
      // What runs for minutes can be stopped where it is seen to run.
      return numbers.state === 'working'
        ? { title: `${verdict(numbers)} · stop`, command: COMMANDS.stop, arguments: [uri] }
        : text(verdict(numbers));
    case 'statement': {
      const bound = plan.statements.find(
        (one) => one.path === plan.path && one.statement.range.start === offset,
      );
      if (bound === undefined) return text('decides nothing');
      return statementCommand(uri, plan, bound, numbers);
    }
  }
}

function text(title: string): Command {
  return { title, command: '' };
}

function totals(plan: TracedPlan): string {
  const { low, layers, weighted, multiplyAdds } = summarizeDecisions(plan.decisions);
  const share =
    multiplyAdds > 0 ? ` · ${formatPercent(low.multiplyAdds / multiplyAdds)} of the multiply-adds` : '';
  return `${low.layers} of ${layers} layers in low precision · ${low.weighted} of ${weighted} with weights${share}`;
}

/** The tolerances as measured, and what is going on; short, since it stands in one line. */
function verdict({ state, message, progress, verdict: known, verdictIsStale }: PlanNumbers): string {
  const doing =
    progress === undefined ? message : `${message} ${formatPercent(progress.done / progress.total)}`;
  if (state === 'failed') return `analysis failed: ${message}`;
  const figures = known?.verdicts.map(
    ({ tolerance, measured, verdict: said }) =>
      `${tolerance.output} ${tolerance.metric.name} ${formatNumber(measured)} of ${formatNumber(tolerance.limit)}: ${said}`,
  );
  const shown =
    figures === undefined ? 'not measured' : figures.length === 0 ? 'no tolerance' : figures.join(' · ');
  const stale = verdictIsStale ? ' (before the last change)' : '';
  return state === 'idle'
    ? `${shown}${stale}`
    : `${shown}${stale} · ${state === 'waiting' ? 'waiting' : doing}`;
}

function statementCommand(
  uri: string,
  plan: TracedPlan,
  bound: BoundStatement,
  numbers: PlanNumbers,
): Command {
  const { statement, decides } = bound;
  const names = decides.flatMap((index) => plan.layers[index]?.name ?? []);
  if (names.length === 0) return text('decides nothing: later statements decide its layers');
  const format = statement.format?.text ?? '';
  const to = format === 'fp16' || format === 'bf16' ? 'fp32' : 'fp16';
  const count = names.length === 1 ? '' : `${names.length} layers · `;
  return {
    title: `${count}${harm(names, numbers)} · flip to ${to}`,
    command: COMMANDS.flip,
    arguments: [uri, statement.range.start, to],
  };
}

function harm(names: readonly string[], { sensitivity, ranges, format }: PlanNumbers): string {
  const known = names.flatMap((name) => {
    const one = sensitivity.get(name);
    return one === undefined ? [] : [{ name, ...one }];
  });
  const worst = known.reduce<(LayerSensitivity & { readonly name: string }) | undefined>(
    (most, one) => (most === undefined || one.value > most.value ? one : most),
    undefined,
  );
  if (worst === undefined) return 'error not measured';
  const overflowing = names.filter((name) => (ranges.get(name)?.overflow ?? 0) > 0).length;
  const over = overflowing === 0 ? '' : ` · ${overflowing} beyond ${format}`;
  const which = names.length === 1 ? '' : ` (${worst.name})`;
  return `${worst.method} error in ${format} ${formatNumber(worst.value)}${which}${over}`;
}
