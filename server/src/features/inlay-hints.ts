/**
 * Inlay hints at the end of a line: of one that names a layer how sensitive that layer is, and its rank; of a tolerance
 * what it was measured to be.
 */
import { type InlayHint, type Range } from 'vscode-languageserver';
import {
  numbersIn,
  plannedSensitivity,
  type PlannedSensitivity,
  type PlanNumbers,
} from '../analysis/index.js';
import type { TextRange } from '../language/index.js';
import { integerRanges, type BoundStatement, type Tolerance, type TracedPlan } from '../plan/index.js';
import { formatNumber } from '../report/index.js';
import { optionWords, predictedHintWords, shareWords, toleranceHintWords } from './measured-words.js';
import type { OpenPlan } from './open-plan.js';
import { runsLow } from './statement-effect.js';

/** The hints of the lines in `range`. */
export function inlayHintsOf({ document, plan }: OpenPlan, range: Range, numbers: PlanNumbers): InlayHint[] {
  if (plan === undefined) return [];
  const start = document.offsetAt(range.start);
  const end = document.offsetAt(range.end);
  const hint = (offset: number, words: Words): InlayHint => ({
    position: document.positionAt(lineEnd(document.getText(), offset)),
    paddingLeft: true,
    ...words,
  });
  const isShown = (place: TextRange): boolean => place.end >= start && place.start <= end;
  const layers = plan.statements.flatMap((bound) => {
    const words = isShown(bound.statement.range) ? layerWords(plan, bound, numbers) : undefined;
    return words === undefined ? [] : [hint(bound.statement.range.end, words)];
  });
  const tolerances = toleranceStatements(plan).flatMap(([place, texts]) => {
    const words = isShown(place) ? toleranceWords(texts, numbers) : undefined;
    return words === undefined ? [] : [hint(place.end, words)];
  });
  return [...tolerances, ...layers];
}

const PREDICTED = 'Predicted from gradients, to first order, until inference has measured it.';
const OFF = 'Turn off with the setting onnxPrecision.inlayHints.';

type Words = Pick<InlayHint, 'label' | 'tooltip'>;

function layerWords(plan: TracedPlan, bound: BoundStatement, numbers: PlanNumbers): Words | undefined {
  const { path, decides } = bound;
  const [only] = decides;
  if (path !== plan.path || decides.length !== 1 || only === undefined) return undefined;
  const decision = plan.decisions[only];
  if (decision === undefined) return undefined;
  const own = numbersIn(numbers, decision.format);
  const known = plannedSensitivity(decision, own, integerRanges(plan.decisions, own.format));
  if (known === undefined) return undefined;
  return { label: label(known, own, runsLow(plan, bound)), tooltip: tooltip(known, own) };
}

/** The statements of the plan itself that set tolerances: where they stand, and the tolerances of each. */
function toleranceStatements(plan: TracedPlan): readonly [TextRange, readonly Tolerance[]][] {
  const statements = new Map<number, [TextRange, Tolerance[]]>();
  for (const tolerance of plan.tolerances) {
    const { path, range } = tolerance.source;
    if (path !== plan.path) continue;
    const known = statements.get(range.start);
    if (known === undefined) statements.set(range.start, [range, [tolerance]]);
    else known[1].push(tolerance);
  }
  return [...statements.values()];
}

function toleranceWords(tolerances: readonly Tolerance[], numbers: PlanNumbers): Words | undefined {
  const { verdict, verdictIsStale } = numbers;
  if (verdict === undefined || verdictIsStale) {
    const label = predictedHintWords(tolerances, numbers);
    if (label !== undefined) return { label, tooltip: `${PREDICTED} ${OFF}` };
  }
  const own = (verdict?.verdicts ?? []).filter(({ tolerance }) =>
    tolerances.some((one) => one.output === tolerance.output && one.text === tolerance.text),
  );
  const words = toleranceHintWords(own, verdictIsStale);
  if (words === undefined) return undefined;
  const figures = own.map(
    ({ tolerance, measured, noise }) =>
      `${tolerance.output}: ${formatNumber(measured)}, noise ${formatNumber(noise)}, ${tolerance.over} of the samples.`,
  );
  return { label: words, tooltip: [...figures, OFF].join(' ') };
}

function label(
  { share, method, value, rank, options }: PlannedSensitivity,
  { format, sensitivity }: PlanNumbers,
  isLow: boolean,
): string {
  const asked = optionWords(options);
  // What layers do without their options is what they are ranked by.
  if (options?.areIn === true) {
    const figure = share === undefined ? `${formatNumber(value)} in ${format}` : shareWords(share);
    return `predicted ${figure}${asked}`;
  }
  const use =
    share === undefined
      ? `${method} ${formatNumber(value)} in ${format}${asked}`
      : isLow
        ? `uses ${shareWords(share)}${asked}`
        : `would use ${shareWords(share)} in ${format}${asked}`;
  return `${use} · ${rank} of ${sensitivity.size}`;
}

function tooltip({ method, value, low, high, options }: PlannedSensitivity, { format }: PlanNumbers): string {
  const asked = optionWords(options);
  const figures = `${formatNumber(value)}, ${formatNumber(low)} to ${formatNumber(high)}`;
  if (method === 'predicted') {
    return (
      `Relative error of the model's outputs, with this layer alone in ${format}${asked}: ${figures}, predicted from what the format and the ` +
      `options do each by itself. ${OFF}`
    );
  }
  const what =
    method === 'local'
      ? `Relative error of this layer's own output, with the layer alone in ${format}${asked}`
      : `Relative error of the model's outputs, with this layer alone in ${format}${asked}`;
  const left = options === undefined ? '' : 'What the options do is measured in the background. ';
  return `${what}: ${figures} over the samples. Rank 1 is the most sensitive. ${left}${OFF}`;
}

/** Behind the last character of the line, a comment included: a hint before it would push it away. */
function lineEnd(text: string, offset: number): number {
  const lineBreak = /[\r\n]/gu;
  lineBreak.lastIndex = offset;
  const end = lineBreak.exec(text)?.index ?? text.length;
  return text.slice(0, end).trimEnd().length;
}
