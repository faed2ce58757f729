/** Results as a report: its data, its conclusions, its self-contained page. */
export {
  comparableBench,
  compareBenches,
  comparisonSentences,
  dayAndTime,
  type BenchComparison,
  type BenchFigures,
} from './benchmark-comparison.js';
export { conclude, concludeNoGain, concludeSpeed } from './conclusions.js';
export { latencyLines } from './latency-chart.js';
export { outputFigures } from './output-figures.js';
export { reportPage } from './page.js';
export type { Comparison, ComparisonRow, Report, ReportFormat, ReportLayer } from './report.js';
export { formatMilliseconds, formatNumber, formatPercent, formatPower, formatSize, inFp32 } from './text.js';
export { whySlow, type MissingKernel, type PlanTimes, type SlowerOperator } from './why-slow.js';
