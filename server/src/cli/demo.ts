/**
 * `npm run demo`: the main job on the bundled pose model. Tunes the sample plan, exports it, compares FP32, mixed
 * and all-FP16, and writes a report. Its own files go to `out/demo`; the sample is not touched.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { layerRanges, measure, type Measurement, type ToleranceVerdict } from '../analysis/index.js';
import { formatInformation } from '../formats/index.js';
import { applyEdits, parse, quote } from '../language/index.js';
import {
  allowedFormats,
  precisionGraph,
  summarizeDecisions,
  writeDecisions,
  type BoundPlan,
  type LayerDecision,
  type TracedPlan,
} from '../plan/index.js';
import {
  conclude,
  formatMilliseconds,
  formatNumber,
  formatPercent,
  formatSize,
  reportPage,
  type Comparison,
  type ComparisonRow,
  type ReportLayer,
} from '../report/index.js';
import { tune, type Tuning } from '../search/index.js';
import { layerReports, elementCounter } from './analyze.js';
import { parseArguments } from './arguments.js';
import { benchPlan, type BenchedModels } from './bench.js';
import { CommandFailure, EXIT } from './exit-status.js';
import { allLow, exportModel } from './export-model.js';
import { loadPlan, needModel, type LoadedPlan } from './load.js';
import { Output } from './output.js';
import { formatTable } from './table.js';
import { VERSION } from './version.js';
import { toleranceTable } from './verdicts.js';
import { withWork, type Work } from './work.js';

const SAMPLE = 'samples/pose/pose_landmark_lite.precision';
const RUNS = 30;

/** Runs the demo in the folder of the checkout. */
export async function runDemo(root: string, output: Output, signal: AbortSignal): Promise<void> {
  const folder = join(root, 'out', 'demo');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const loaded = loadPlan(copyPlan(root, folder));
  const plan = needModel(loaded, output);
  const parsed = parseArguments({ name: 'demo', arguments: '', count: [0, 0], summary: '', options: {} }, []);
  output.line('The pose landmark model: which of its layers can run in FP16 without moving the landmarks?');
  output.line();
  await withWork(loaded, plan, parsed, output, signal, async (work) => {
    const result = await tuneAndCompare(work, plan, output);
    const tuned = applyTuning(loaded, plan, result.tuning);
    const model = join(folder, 'pose_landmark_lite.mixed.onnx');
    await exportModel(plan, result.tuning.decisions, model, signal);
    printComparison(result.comparison, output);
    output.line();
    for (const line of toleranceTable(result.tuning.verdicts)) output.line(line);
    output.line();
    const conclusions = conclude(result.comparison, 'fp16');
    for (const sentence of conclusions) output.line(sentence);
    const report = join(folder, 'report.html');
    writeFileSync(report, reportPage(await demoReport(work, plan, result, conclusions, output)));
    output.line();
    for (const [what, path] of [
      ['tuned plan', tuned],
      ['mixed model', model],
      ['report', report],
    ] as const) {
      output.line(`${what.padEnd(12)} ${relative(root, path)}`);
    }
  });
}

/** A copy of the sample plan whose paths hold from `folder`. */
function copyPlan(root: string, folder: string): string {
  const sample = resolve(root, SAMPLE);
  const text = readFileSync(sample, 'utf8');
  const there = relative(folder, resolve(sample, '..')).replaceAll('\\', '/');
  const paths = parse(text).statements.flatMap((statement) => {
    if (statement.kind === 'model') return statement.path ?? [];
    return statement.kind === 'input' ? (statement.files ?? []) : [];
  });
  const edits = paths.map(({ range, value }) => ({ range, newText: quote(`${there}/${value}`) }));
  const path = join(folder, basename(sample));
  writeFileSync(path, applyEdits(text, edits));
  return path;
}

interface DemoResult {
  readonly tuning: Tuning;
  readonly comparison: Comparison;
  readonly device: string;
  readonly versions: string;
}

async function tuneAndCompare(work: Work, plan: BoundPlan, output: Output): Promise<DemoResult> {
  const evaluation = await work.evaluation();
  const options = { signal: work.signal, progress: output.progress };
  const tuning = await tune(evaluation, plan, { strategy: 'greedy', objective: 'macs', ...options });
  if ('code' in tuning) throw new CommandFailure(EXIT.short, tuning.code, tuning.message, plan.path);
  const measured = async (decisions: readonly LayerDecision[]): Promise<Measurement> =>
    measure(
      evaluation,
      precisionGraph(plan.model, plan.roles, plan.layers, decisions),
      plan.tolerances,
      options,
    );
  const low = allLow(plan, 'fp16', ({ layer }) => allowedFormats(plan.model, layer).includes('fp16'));
  const original = plan.decisions.map((one): LayerDecision => ({ ...one, format: 'original' }));
  const { timed, models } = await benchPlan(work, { ...plan, decisions: tuning.decisions }, RUNS, output);
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
    tuning,
    comparison: {
      errorTitles: plan.tolerances.map((one) => `${one.output} ${one.text.split(/\s/)[0] ?? ''}`),
      rows: [
        row('FP32', 'fp32', await measured(original), original),
        row('mixed', 'plan', tuning.measurement, tuning.decisions),
        row('all FP16', 'fp16', await measured(low), low),
      ],
      total: { layers, weighted, multiplyAdds },
      busy: timed.busy,
    },
    device: timed.device,
    versions: `onnx-precision ${VERSION}, ONNX Runtime ${timed.onnxRuntime}`,
  };
}

function applyTuning(loaded: LoadedPlan, plan: TracedPlan, tuning: Tuning): string {
  const decided = new Map(tuning.decisions.map((one) => [one.layer.name, one.format] as const));
  writeFileSync(loaded.path, applyEdits(loaded.text, writeDecisions(loaded.tree, plan, decided)));
  return loaded.path;
}

function printComparison({ errorTitles, rows, total }: Comparison, output: Output): void {
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
  for (const line of formatTable(columns, cells)) output.line(line);
  output.line('layers, weighted layers and multiply-adds: those in FP16');
}

async function demoReport(
  work: Work,
  plan: BoundPlan,
  { tuning, comparison, device, versions }: DemoResult,
  conclusions: readonly string[],
  output: Output,
): Promise<Parameters<typeof reportPage>[0]> {
  const decided: BoundPlan = { ...plan, decisions: tuning.decisions };
  const layers = tuning.local.errors.map((one) => one.layer);
  const { ranges } = await layerRanges(await work.evaluation(), layers, 'fp16', elementCounter(plan), {
    signal: work.signal,
    progress: output.progress,
  });
  const nodeOf = new Map(plan.layers.map((layer) => [layer.name, layer]));
  const verdicts: readonly ToleranceVerdict[] = tuning.verdicts;
  return {
    title: 'ONNX Precision: pose landmarks',
    model: basename(plan.model.source.path ?? ''),
    plan: basename(plan.path),
    samples: work.samples.length,
    device,
    versions,
    conclusions,
    comparison,
    verdicts,
    layers: layerReports(decided, tuning.local, ranges, 'fp16')
      .map((one): ReportLayer & { readonly at: number } => ({
        name: one.name,
        operator: one.op,
        format: one.format,
        localError: one.error.value,
        maxAbs: one.range.maxAbs,
        overflow: one.range.overflow,
        underflow: one.range.underflow,
        multiplyAdds: nodeOf.get(one.name)?.multiplyAdds,
        weighted: (nodeOf.get(one.name)?.weights.length ?? 0) > 0,
        reason: one.reason,
        at: nodeOf.get(one.name)?.nodeIndex ?? 0,
      }))
      .toSorted((a, b) => a.at - b.at),
    largest: formatInformation('fp16').largest,
  };
}
