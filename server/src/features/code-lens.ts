/**
 * Code lenses: totals and actions at the top of a plan, and above each statement that decides layers what it does.
 * Where lenses stand and how many there are depends on the plan alone, never on numbers: their text is resolved later,
 * so that nothing moves while numbers arrive.
 */
import type { FormatName } from '../formats/index.js';
import type { CodeLens, Command } from 'vscode-languageserver';
import type { PlanNumbers } from '../analysis/index.js';
import { isDecision, type SyntaxTree } from '../language/index.js';
import { isStep, type Steps } from '../onnx/index.js';
import {
  allowsFormat,
  type BoundStatement,
  type Layer,
  summarizeDecisions,
  type TracedPlan,
} from '../plan/index.js';
import { formatNumber, formatPercent } from '../report/index.js';
import { type ActionCommands, actionCommands } from './action-commands.js';
import {
  elsewhereWords,
  errorWords,
  latencyWords,
  shareFigure,
  shortName,
  verdictWords,
} from './measured-words.js';
import type { OpenPlan } from './open-plan.js';
import { Positions } from './positions.js';
import {
  decidedNames,
  latencyOf,
  overflowing,
  rankedLayers,
  runsLow,
  statementNumbers,
  statementStartingAt,
} from './statement-effect.js';

export type LensMode = 'all' | 'header' | 'off';

/** The commands behind lenses, which the server carries out itself: see live-features.ts. */
export const COMMANDS = {
  analyze: 'onnxPrecision.server.analyze',
  stop: 'onnxPrecision.server.stop',
  flip: 'onnxPrecision.server.flip',
  flipLayer: 'onnxPrecision.server.flipLayer',
} as const;

/** Layers that have a lens of their own where a statement decides several. */
const MOST_LAYERS = 3;

const KINDS = ['totals', 'verdict', 'statement', 'layer'] as const;

/** What a lens remembers until it is resolved. */
export interface LensData {
  readonly uri: string;
  readonly kind: (typeof KINDS)[number];
  /** Start of the statement. */
  readonly offset: number;
  /** Which of the statement's layers, in the order in which they matter; from 0. */
  readonly place: number;
}

/** The lenses of a plan, without their text but for the actions, a few statements at a time. */
export function* codeLensSteps(
  open: OpenPlan,
  mode: LensMode,
  actions: ActionCommands,
): Steps<readonly CodeLens[]> {
  if (mode === 'off') return [];
  const { document, tree, plan } = open;
  const { uri } = document;
  const positions = new Positions(document);
  const at = (offset: number): CodeLens['range'] => {
    const position = positions.at(offset);
    return { start: position, end: position };
  };
  const lens = (offset: number, kind: LensData['kind'], place = 0): CodeLens => ({
    range: at(offset),
    data: { uri, kind, offset, place } satisfies LensData,
  });
  const first = tree.statements[0]?.range.start ?? 0;
  const commands = [
    ...(actions.withoutInference === true
      ? []
      : [{ title: 'Analyze', command: COMMANDS.analyze, arguments: [uri] }]),
    ...actionCommands(uri, actions),
  ];
  const header = [
    lens(first, 'totals'),
    lens(first, 'verdict'),
    ...commands.map((command) => ({ range: at(first), command })),
  ];
  if (mode === 'header') return header;
  yield;
  const lenses: CodeLens[] = [...header];
  for (const [index, statement] of tree.statements.entries()) {
    if (isStep(index)) yield;
    if (!isDecision(statement) || statement.format === undefined) continue;
    const { start } = statement.range;
    lenses.push(lens(start, 'statement'));
    const decided = plan === undefined ? 0 : (statementStartingAt(plan, start)?.decides.length ?? 0);
    const layers = decided < 2 ? 0 : Math.min(MOST_LAYERS, decided);
    for (let place = 0; place < layers; place += 1) lenses.push(lens(start, 'layer', place));
  }
  return lenses;
}

/** What an editor gives back with a lens; undefined where it is not ours. */
export function readLensData(data: unknown): LensData | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { uri, kind, offset, place }: Partial<Record<string, unknown>> = { ...data };
  const known = KINDS.find((one) => one === kind);
  const isOurs = typeof uri === 'string' && typeof offset === 'number' && typeof place === 'number';
  return isOurs && known !== undefined ? { uri, kind: known, offset, place } : undefined;
}

/** The text of a lens as of now. */
export function resolvedLens(lens: CodeLens, data: LensData, open: OpenPlan, numbers: PlanNumbers): CodeLens {
  return { ...lens, command: commandOf(data, open, numbers) };
}

function commandOf(
  { uri, kind, offset, place }: LensData,
  { plan, tree }: OpenPlan,
  numbers: PlanNumbers,
): Command {
  if (plan === undefined) return text('no model');
  switch (kind) {
    case 'totals':
      return text(totals(plan, numbers));
    case 'verdict': {
      const words = verdictWords(numbers, tolerancesInError(plan, tree));
      // What runs for minutes can be stopped where it is seen to run.
      return numbers.state === 'working'
        ? { title: `${words} · stop`, command: COMMANDS.stop, arguments: [uri] }
        : text(words);
    }
    case 'statement':
    case 'layer': {
      const bound = statementStartingAt(plan, offset);
      if (bound === undefined) return text('decides nothing');
      return kind === 'statement'
        ? statementCommand(uri, plan, bound, numbers)
        : layerCommand(uri, plan, bound, place, numbers);
    }
  }
}

/** How many tolerances of the plan's own text are none, since there is something wrong with them. */
function tolerancesInError(plan: TracedPlan, tree: SyntaxTree): number {
  const bound = new Set(
    plan.tolerances.map(({ source }) => (source.path === plan.path ? source.range.start : -1)),
  );
  return tree.statements.filter(({ kind, range }) => kind === 'tolerance' && !bound.has(range.start)).length;
}

function text(title: string): Command {
  return { title, command: '' };
}

function totals(plan: TracedPlan, { latency, latencyIsStale }: PlanNumbers): string {
  const { low, layers, weighted, multiplyAdds } = summarizeDecisions(plan.decisions);
  const share =
    multiplyAdds > 0 ? [`${formatPercent(low.multiplyAdds / multiplyAdds)} of the multiply-adds`] : [];
  const time =
    latency === undefined
      ? []
      : [
          latencyWords({ before: latency.whole.fp32, after: latency.whole.plan }, latencyIsStale) +
            elsewhereWords(latency),
        ];
  return [
    `${low.layers} of ${layers} layers in low precision`,
    `${low.weighted} of ${weighted} with weights`,
    ...share,
    ...time,
  ].join(' · ');
}

/** What the statement does as a whole, and its flip. */
function statementCommand(
  uri: string,
  plan: TracedPlan,
  bound: BoundStatement,
  numbers: PlanNumbers,
): Command {
  const names = decidedNames(plan, bound);
  if (names.length === 0) {
    return text(
      bound.matches.length === 0
        ? 'decides nothing: it matches no layer of the model'
        : 'decides nothing: later statements decide its layers',
    );
  }
  const own = statementNumbers(plan, bound, numbers);
  const [worst] = rankedLayers(names, own, 1);
  const over = overflowing(names, own);
  const time = latencyOf(names, numbers);
  const words = [
    ...(names.length === 1 ? [] : [`${names.length} layers`]),
    worst === undefined
      ? 'error not measured'
      : `${names.length === 1 ? '' : 'worst '}${errorWords(worst.sensitivity, own)}`,
    ...(over === 0 ? [] : [`${over} beyond ${own.format}`]),
    ...(time === undefined ? [] : [latencyWords(time, numbers.latencyIsStale)]),
  ];
  const to = runsLow(plan, bound) ? 'fp32' : numbers.format;
  if (!canRun(plan, bound.decides, to)) return text(words.join(' · '));
  return {
    title: [...words, `flip to ${to}`].join(' · '),
    command: COMMANDS.flip,
    arguments: [uri, bound.statement.range.start, to],
  };
}

/**
 * The flip of one of many layers: of those in low precision the ones that cost most, of those in FP32 the ones that would
 * cost least.
 */
function layerCommand(
  uri: string,
  plan: TracedPlan,
  bound: BoundStatement,
  place: number,
  numbers: PlanNumbers,
): Command {
  const isLow = runsLow(plan, bound);
  const to = isLow ? 'fp32' : numbers.format;
  const order = isLow ? 'worst first' : 'best first';
  const flip = (name: string, figure = ''): Command => ({
    title: `flip ${shortName(name)}${figure}`,
    command: COMMANDS.flipLayer,
    arguments: [uri, name, to],
  });
  const own = statementNumbers(plan, bound, numbers);
  const layer = rankedLayers(decidedNames(plan, bound), own, place + 1, order)[place];
  if (layer !== undefined) {
    const { share, value } = layer.sensitivity;
    return flip(layer.name, ` (${share === undefined ? formatNumber(value) : shareFigure(share)})`);
  }
  // What is still to come would change the layer under the mouse.
  const hasEnded = numbers.state === 'failed' || (numbers.state === 'idle' && numbers.message !== '');
  const other = hasEnded ? laborious(plan, bound)[place] : undefined;
  return other === undefined ? text('…') : flip(other.name);
}

/** The layers that a statement decides, those with most work first: what matters where no error is known. */
function laborious(plan: TracedPlan, { decides }: BoundStatement): readonly Layer[] {
  const layers = decides.flatMap((index) => plan.layers[index] ?? []);
  return layers.toSorted((a, b) => (b.multiplyAdds ?? 0) - (a.multiplyAdds ?? 0));
}

/** A format that none of the layers can run in is not offered. */
function canRun(plan: TracedPlan, layers: readonly number[], format: FormatName): boolean {
  return (
    format === 'fp32' ||
    layers.some((index) => {
      const layer = plan.layers[index];
      return layer !== undefined && allowsFormat(plan.model, layer, format);
    })
  );
}
