/** FP32, a plan and everything in FP16 side by side, as a table for people. Pure. */
import {
  formatMilliseconds,
  formatNumber,
  formatPercent,
  formatSize,
  type Comparison,
} from '../report/index.js';
import { formatTable } from './table.js';

export function comparisonTable({ errorTitles, rows, total }: Comparison): string[] {
  const titles = ['', ...errorTitles, 'latency', 'size', 'layers', 'weighted', 'multiply-adds', 'casts'];
  const cells = rows.map((row) => [
    row.name,
    ...row.errors.map(formatNumber),
    row.latency === undefined ? '–' : formatMilliseconds(row.latency.median),
    formatSize(row.bytes),
    `${row.low.layers}/${total.layers}`,
    `${row.low.weighted}/${total.weighted}`,
    formatPercent(row.low.multiplyAdds / total.multiplyAdds),
    String(row.casts),
  ]);
  const columns = titles.map((title, index) => ({
    title,
    align: index > 0 ? ('right' as const) : ('left' as const),
  }));
  return [...formatTable(columns, cells), 'layers, weighted layers and multiply-adds: those in FP16'];
}
