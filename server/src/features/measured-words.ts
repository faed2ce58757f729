/**
 * Measured numbers in the few words that a line of an editor has room for. Says with each how it was found, and what is
 * of an earlier version of the plan. Knows no place where it is shown.
 */
import { metricLabel } from '../metrics/index.js';
import type {
  Interval,
  LatencyNumbers,
  PlannedSensitivity,
  PlanNumbers,
  PlanVerdict,
  ToleranceVerdict,
} from '../analysis/index.js';
import type { Tolerance } from '../plan/index.js';
import { formatNumber, formatPercent } from '../report/index.js';
import type { Before } from './statement-effect.js';

/** Of a longer name the end is shown: names are paths, and their ends tell them apart. */
const LONGEST_NAME = 40;
const LONGEST_NOTE = 80;

/** What is said with numbers that were measured before the plan was changed to what it says now. */
export const STALE = 'before the last change';

/** `12 % of the tolerance`, and `14 times the tolerance` for what exceeds it by far. */
export function shareWords(share: number): string {
  if (!Number.isFinite(share)) return 'beyond any tolerance';
  return `${shareFigure(share)}${share >= 10 ? '' : ' of'} the tolerance`;
}

/** The share alone, where what it is a share of is said beside it. */
export function shareFigure(share: number): string {
  if (!Number.isFinite(share)) return 'beyond any';
  if (share >= 10) return `${formatNumber(share)} times`;
  return share > 0 && share < 0.0005 ? 'less than 0.1 %' : formatPercent(share);
}

/** What one layer alone in the low format does. */
export function errorWords(
  { method, value, share, options }: PlannedSensitivity,
  { format }: PlanNumbers,
): string {
  const error = `${method} error in ${format}${optionWords(options)} ${formatNumber(value)}`;
  return share === undefined ? error : `${error}, ${shareWords(share)}`;
}

/** Behind what a layer does: which of its options are in that, or are not. */
export function optionWords(options: PlannedSensitivity['options']): string {
  return options === undefined ? '' : ` ${options.areIn ? 'with' : 'without'} ${options.text}`;
}

/** `4.30 → 5.58 ms`: in the original model and in the plan. */
export function latencyWords({ before, after }: Before, isStale: boolean): string {
  const times = `${milliseconds(before)} → ${milliseconds(after)} ms`;
  return isStale ? `${times} ${STALE}` : times;
}

/** Where latencies come from, if not from the CPU of this machine. */
export function elsewhereWords({ files, target }: Pick<LatencyNumbers, 'files' | 'target'>): string {
  return files === undefined
    ? target === undefined
      ? ''
      : ` on ${target}`
    : ` on another device (${files.join(', ')})`;
}

/** Three digits of what takes less than ten. */
export function milliseconds(value: number): string {
  return value === 0 ? '0' : value < 10 ? value.toPrecision(3) : value.toFixed(1);
}

/**
 * Whether the tolerances hold, and what is going on; short, since it stands in one line.
 *
 * @param inError how many tolerances there is something wrong with, so that nothing is measured for them.
 */
export function verdictWords(numbers: PlanNumbers, inError: number): string {
  const { state, message } = numbers;
  if (state === 'failed') return `analysis failed: ${message}`;
  const shown = toleranceWords(numbers, inError);
  if (state === 'idle') {
    const [note] = numbers.notes;
    return [
      shown,
      ...(message === '' ? [] : [message]),
      ...(note === undefined ? [] : [shortNote(note)]),
    ].join(' · ');
  }
  if (state === 'waiting') return [shown, message === '' ? 'waiting' : message].join(' · ');
  return `${shown} · ${`measuring ${message}`.trimEnd()}`;
}

function toleranceWords(numbers: PlanNumbers, inError: number): string {
  const { verdict } = numbers;
  // What is measured of an earlier version says less than what is predicted of this one.
  if (verdict === undefined || numbers.verdictIsStale) {
    const predicted = predictedWords(numbers);
    if (predicted !== undefined) return predicted;
  }
  if (verdict === undefined) return 'tolerances not measured';
  const left =
    inError === 0 ? [] : [`${inError === 1 ? 'a tolerance is' : `${inError} tolerances are`} in error`];
  if (verdict.verdicts.length > 0)
    return [measuredWords(verdict, numbers.verdictIsStale), ...left].join(' · ');
  return left[0] ?? 'no tolerance';
}

/** What stands in the header; what each tolerance measured stands at its own line. */
function measuredWords({ verdicts }: PlanVerdict, verdictIsStale: boolean): string {
  const stale = verdictIsStale ? ` ${STALE}` : '';
  const [only, ...others] = verdicts;
  if (only !== undefined && others.length === 0)
    return `measured${stale}: ${figureWords(only)}: ${only.verdict}`;
  const exceeded = verdicts.filter(({ holds }) => !holds).length;
  if (exceeded > 0) return `${exceeded} of ${verdicts.length} tolerances exceeded${stale}`;
  const close = verdicts.filter((one) => one.verdict === 'holds within noise').length;
  const noise = close === 0 ? '' : `, ${close} within noise`;
  return `${verdicts.length} tolerances hold${noise}${stale}`;
}

/** What the plan is predicted to do, of the tolerances that can be predicted; undefined where none can be. */
function predictedWords({ prediction }: PlanNumbers): string | undefined {
  const all = prediction?.tolerances ?? [];
  const known = all.flatMap(({ value, ...one }) => (value === undefined ? [] : [{ ...one, value }]));
  const [only] = known;
  const total = all.length;
  if (only === undefined) return undefined;
  if (total === 1) {
    const { tolerance, value, holds } = only;
    const figure = `${tolerance.output} ${metricLabel(tolerance.metric)} ${intervalWords(value)} of ${formatNumber(tolerance.limit)}`;
    return `predicted: ${figure}: ${holds === true ? 'would hold' : 'would be exceeded'}`;
  }
  const exceeded = known.filter(({ holds }) => holds !== true).length;
  const unknown = total === known.length ? '' : `, ${total - known.length} not predicted`;
  return exceeded > 0
    ? `predicted: ${exceeded} of ${total} tolerances exceeded${unknown}`
    : `predicted: ${known.length} of ${total} tolerances would hold${unknown}`;
}

/** `1.2e-3 (9e-4 to 1.6e-3)`. */
export function intervalWords({ value, low, high }: Interval): string {
  return `${formatNumber(value)} (${formatNumber(low)} to ${formatNumber(high)})`;
}

/** What tolerances are predicted to be; the one worst off of those that a statement sets. */
export function predictedHintWords(
  tolerances: readonly Tolerance[],
  { prediction }: PlanNumbers,
): string | undefined {
  const known = (prediction?.tolerances ?? []).flatMap((one) => {
    const isOwn = tolerances.some(
      ({ output, text }) => output === one.tolerance.output && text === one.tolerance.text,
    );
    return one.value === undefined || !isOwn ? [] : [{ ...one, value: one.value }];
  });
  const [worst] = known.toSorted((one, other) => Number(one.holds) - Number(other.holds));
  if (worst === undefined) return undefined;
  const whose = known.length === 1 ? '' : `${worst.tolerance.output} `;
  return `predicted ${whose}${intervalWords(worst.value)}: ${worst.holds === true ? 'would hold' : 'would be exceeded'}`;
}

function figureWords({ tolerance, measured }: ToleranceVerdict): string {
  return `${tolerance.output} ${metricLabel(tolerance.metric)} ${formatNumber(measured)} of ${formatNumber(tolerance.limit)}`;
}

/** What a tolerance was measured to be; the one worst off of those that a statement sets. */
export function toleranceHintWords(
  verdicts: readonly ToleranceVerdict[],
  isStale: boolean,
): string | undefined {
  const [worst] = verdicts.toSorted((one, other) => Number(one.holds) - Number(other.holds));
  if (worst === undefined) return undefined;
  const whose = verdicts.length === 1 ? '' : `${worst.tolerance.output} `;
  return `${whose}${formatNumber(worst.measured)}: ${worst.verdict}${isStale ? ` ${STALE}` : ''}`;
}

function shortNote(note: string): string {
  return note.length <= LONGEST_NOTE ? note : `${note.slice(0, LONGEST_NOTE - 1)}…`;
}

/** A name as it fits into a line with other words. */
export function shortName(name: string): string {
  return name.length <= LONGEST_NAME ? name : `…${name.slice(1 - LONGEST_NAME)}`;
}
