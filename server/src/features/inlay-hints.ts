/**
 * Inlay hints at the end of a line: of one that names a layer how sensitive that layer is, and its rank; of a tolerance
 * what it was measured to be.
 */
import { type InlayHint, type Range } from 'vscode-languageserver';
import { type LayerSensitivity, numbersIn, type PlanNumbers } from '../analysis/index.js';
import type { TextRange } from '../language/index.js';
import type { BoundStatement, Tolerance, TracedPlan } from '../plan/index.js';
import { formatNumber } from '../report/index.js';
import { predictedHintWords, shareWords, toleranceHintWords } from './measured-words.js';
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
  const name = plan.layers[only]?.name;
  const own = numbersIn(numbers, plan.decisions[only]?.format ?? 'original');
  const known = name === undefined ? undefined : own.sensitivity.get(name);
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

function label(known: LayerSensitivity, { format, sensitivity }: PlanNumbers, isLow: boolean): string {
  const { share, method, value, rank } = known;
  const use =
    share === undefined
      ? `${method} ${formatNumber(value)} in ${format}`
      : isLow
        ? `uses ${shareWords(share)}`
        : `would use ${shareWords(share)} in ${format}`;
  return `${use} · ${rank} of ${sensitivity.size}`;
}

function tooltip({ method, value, low, high }: LayerSensitivity, { format }: PlanNumbers): string {
  const what =
    method === 'local'
      ? `Relative error of this layer's own output, with the layer alone in ${format}`
      : `Relative error of the model's outputs, with this layer alone in ${format}`;
  return (
    `${what}: ${formatNumber(value)}, ${formatNumber(low)} to ${formatNumber(high)} over the samples. ` +
    `Rank 1 is the most sensitive. ${OFF}`
  );
}

/** Behind the last character of the line, a comment included: a hint before it would push it away. */
function lineEnd(text: string, offset: number): number {
  const lineBreak = /[\r\n]/gu;
  lineBreak.lastIndex = offset;
  const end = lineBreak.exec(text)?.index ?? text.length;
  return text.slice(0, end).trimEnd().length;
}
