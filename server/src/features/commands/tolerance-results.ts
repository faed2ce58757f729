/** Tolerances as measured: as data for an editor, and as a sentence. Pure. */
import { metricLabel } from '../../metrics/index.js';
import type { ToleranceVerdict, Verdict } from '../../analysis/index.js';
import { formatNumber } from '../../report/index.js';
import { type WireNumber, wireNumber } from './wire-number.js';

export interface ToleranceResult {
  readonly output: string;
  readonly metric: string;
  /** As the plan writes it: `nme <= 0.002`. */
  readonly text: string;
  readonly over: string;
  readonly limit: WireNumber;
  readonly measured: WireNumber;
  /** How much of `measured` may be chance. */
  readonly noise: WireNumber;
  readonly verdict: Verdict;
}

export function toleranceResults(verdicts: readonly ToleranceVerdict[]): ToleranceResult[] {
  return verdicts.map(({ tolerance, measured, noise, verdict }) => ({
    output: tolerance.output,
    metric: metricLabel(tolerance.metric),
    text: tolerance.text,
    over: tolerance.over,
    limit: wireNumber(tolerance.limit),
    measured: wireNumber(measured),
    noise: wireNumber(noise),
    verdict,
  }));
}

const FROM_WORST: readonly Verdict[] = ['exceeded', 'exceeded within noise', 'holds within noise', 'holds'];

/** The verdict on all tolerances together, which is that on the worst; undefined where there is none. */
export function worstVerdict(verdicts: readonly ToleranceVerdict[]): Verdict | undefined {
  return FROM_WORST.find((verdict) => verdicts.some((one) => one.verdict === verdict));
}

/** `ld_3d nme 1.23e-3 of 2.00e-3: holds; …` */
export function verdictSentence(verdicts: readonly ToleranceVerdict[]): string {
  return verdicts
    .map(({ tolerance: { output, metric, limit }, measured, verdict }) => {
      return `${output} ${metricLabel(metric)} ${formatNumber(measured)} of ${formatNumber(limit)}: ${verdict}`;
    })
    .join('; ');
}
