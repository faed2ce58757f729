/** FP32, the tuned plan and everything in FP16 side by side: errors and latency measured, sizes from real exports. */
import { measure, type Measurement } from '../analysis/index.js';
import { precisionGraph, summarizeDecisions, type BoundPlan, type LayerDecision } from '../plan/index.js';
import {
  formatMilliseconds,
  formatNumber,
  formatPercent,
  formatSize,
  type Comparison,
  type ComparisonRow,
} from '../report/index.js';
import type { Tuning } from '../search/index.js';
import { benchPlan, type BenchedModels } from './bench.js';
import { allLow } from './export-model.js';
import type { Output } from './output.js';
import { formatTable } from './table.js';
import { VERSION } from './version.js';
import type { Work } from './work.js';

export interface ComparedPlan {
  readonly comparison: Comparison;
  readonly device: string;
  readonly versions: string;
}

/** Compares `plan` as it was tuned with the original and with all layers in FP16; `runs` timed runs of each. */
export async function comparePlan(
  work: Work,
  plan: BoundPlan,
  tuning: Tuning,
  runs: number,
  output: Output,
): Promise<ComparedPlan> {
  const evaluation = await work.evaluation();
  const measured = (decisions: readonly LayerDecision[], phase: string): Promise<Measurement> => {
    const graph = precisionGraph(plan.model, plan.roles, plan.layers, decisions);
    const options = { signal: work.signal, progress: output.progress, phase };
    return measure(evaluation, graph, plan.tolerances, options);
  };
  const low = allLow(plan, 'fp16');
  const original = plan.decisions.map((one): LayerDecision => ({ ...one, format: 'original' }));
  const { timed, models } = await benchPlan(work, { ...plan, decisions: tuning.decisions }, runs, output);
  const row = (
    name: string,
    entry: keyof BenchedModels,
    measurement: Measurement,
    decisions: readonly LayerDecision[],
  ): ComparisonRow => ({
    name,
    errors: measurement.tolerances.map((one) => one.measured),
    latency: timed.rows.find((one) => one.name === entry),
    bytes: models[entry].bytes,
    low: summarizeDecisions(decisions).low,
    casts: entry === 'fp32' ? 0 : models[entry].casts,
  });
  const { layers, weighted, multiplyAdds } = summarizeDecisions(tuning.decisions);
  return {
    comparison: {
      errorTitles: plan.tolerances.map((one) => `${one.output} ${one.text.split(/\s/)[0] ?? ''}`),
      rows: [
        row('FP32', 'fp32', await measured(original, 'FP32, emulated'), original),
        row('mixed', 'plan', tuning.measurement, tuning.decisions),
        row('all FP16', 'fp16', await measured(low, 'all FP16, emulated'), low),
      ],
      total: { layers, weighted, multiplyAdds },
      busy: timed.busy,
    },
    device: timed.device,
    versions: `onnx-precision ${VERSION}, ONNX Runtime ${timed.onnxRuntime}`,
  };
}

/** The comparison as a table for people. */
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
