/** Results as a report: its data, its conclusions, its self-contained page. */
export { conclude, concludeNoGain, concludeSpeed } from './conclusions.js';
export { outputFigures } from './output-figures.js';
export { reportPage } from './page.js';
export type { Comparison, ComparisonRow, Report, ReportLayer } from './report.js';
export { formatMilliseconds, formatNumber, formatPercent, formatPower, formatSize } from './text.js';
export { whySlow, type PlanTimes } from './why-slow.js';
