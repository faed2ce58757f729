/** Tolerances and their verdicts as every subcommand prints them. Pure. */
import { metricLabel } from '../metrics/index.js';
import type { ToleranceVerdict } from '../analysis/index.js';
import { formatNumber } from '../report/index.js';
import { formatTable } from './table.js';

/** `tolerances` of the JSON documents. */
export function toleranceDocuments(verdicts: readonly ToleranceVerdict[]): object[] {
  return verdicts.map(({ tolerance, measured, noise, holds, verdict }) => ({
    output: tolerance.output,
    metric: metricLabel(tolerance.metric),
    op: tolerance.operator,
    limit: tolerance.limit,
    over: tolerance.over,
    measured,
    noise,
    holds,
    verdict,
  }));
}

/** The same as a table for people. */
export function toleranceTable(verdicts: readonly ToleranceVerdict[]): string[] {
  return formatTable(
    [
      { title: 'output' },
      { title: 'tolerance' },
      { title: 'over' },
      { title: 'measured', align: 'right' },
      { title: 'noise', align: 'right' },
      { title: 'verdict' },
    ],
    verdicts.map(({ tolerance, measured, noise, verdict }) => [
      tolerance.output,
      tolerance.text,
      tolerance.over,
      formatNumber(measured),
      `±${formatNumber(noise)}`,
      verdict,
    ]),
  );
}
