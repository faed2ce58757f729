/** How far one output of a model errs, in the words that every table of outputs has. Pure. */
import type { OutputMeasurement } from '../analysis/index.js';
import { formatNumber } from './text.js';

/** Name, largest and mean absolute error, relative L2, cosine and SQNR, each of the worst sample. */
export function outputFigures({ name, worst }: OutputMeasurement): readonly string[] {
  return [
    name,
    formatNumber(worst.max_abs),
    formatNumber(worst.mean_abs),
    formatNumber(worst.relative_l2),
    worst.cosine.toFixed(7),
    `${formatNumber(worst.sqnr)} dB`,
  ];
}
