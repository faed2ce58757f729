/**
 * `bench PLAN [--runs N] [--compare FILE]`: latency of FP32, the plan and all-FP16, in turns, executed for real; of each layer, and
 * what keeps the plan from being faster.
 */
import { formatMilliseconds, formatSize, whySlow } from '../report/index.js';
import { benchmarkPlan, timeLayers, USUAL_RUNS, type BenchedPlan, type TimedLayers } from '../work/index.js';
import {
  compareBenches,
  readBenchDocument,
  type BenchComparison,
  type BenchFigures,
} from './bench-comparison.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { errorsOf, loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import type { Subcommand } from './subcommand.js';
import { formatTable } from './table.js';
import { resultOf } from './work-failure.js';
import { withWork } from './work.js';

export const bench: Subcommand = {
  specification: {
    name: 'bench',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Latency of FP32, the plan and all-FP16 on this machine, in turns, with spread.',
    shared: ['output', 'target', 'threads'],
    options: {
      runs: { type: 'string', value: 'N', help: 'timed runs of each model (default 50)' },
      compare: {
        type: 'string',
        value: 'FILE',
        help: 'an earlier run, written with --json, to compare with',
      },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output } = context;
    const runs = parsed.integer('runs', USUAL_RUNS);
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    const path = parsed.text('compare');
    const before = path === undefined ? undefined : readBenchDocument(path);
    return withWork(loaded, plan, context, async (work) => {
      const benched = resultOf(await benchmarkPlan(work, plan, { runs }), loaded);
      const layers = work.target === 'cpu' ? resultOf(await timeLayers(work, plan), loaded) : undefined;
      printBenchmark(benched, work.target, output);
      const why = layers === undefined ? [] : reasonsOf(layers);
      if (layers !== undefined) printLayers(layers, output);
      for (const sentence of why) output.line(sentence);
      const figures = figuresOf(benched, work.target);
      const comparison = before === undefined ? null : compareBenches(figures, before);
      if (comparison !== null) printComparison(comparison, output);
      output.document({
        ...figures,
        runs: benched.timed.runs,
        load: benched.timed.load,
        layers: (layers?.latency.layers ?? []).map(({ layer, fp32, plan: low, casts }) => ({
          name: layer.name,
          op: layer.node.opType,
          fp32,
          plan: low,
          casts,
        })),
        rest: layers === undefined ? null : restOf(layers),
        why,
        comparison,
      });
      return errorsOf(plan) > 0 ? EXIT.short : EXIT.holds;
    });
  },
};

function figuresOf({ timed, models }: BenchedPlan, target: string): BenchFigures {
  const { device, onnxRuntime, threads, busy, rows } = timed;
  const sizes = sizesOf(models);
  return {
    target,
    device,
    onnxRuntime,
    threads,
    busy,
    rows: rows.map((row) => ({ ...row, bytes: sizes[row.name] ?? 0 })),
  };
}

function sizesOf({ fp32, plan, fp16 }: BenchedPlan['models']): Readonly<Record<string, number>> {
  return { fp32: fp32.bytes, plan: plan.bytes, fp16: fp16.bytes };
}

function restOf({ latency: { whole, others, unmapped, outside } }: TimedLayers): object {
  return { whole, others, unmapped, outside };
}

function reasonsOf({ latency, withoutKernel }: TimedLayers): readonly string[] {
  const casts = latency.layers.reduce((sum, one) => sum + one.casts, 0);
  const formats = [...new Set(withoutKernel.map(({ format }) => format))];
  if (formats.length === 0) formats.push('fp16');
  return formats.flatMap((format, index) =>
    whySlow({
      whole: latency.whole.plan,
      // Casts are those of all formats together: they are told of once.
      casts: index === 0 ? casts : 0,
      operatorsWithoutKernel: withoutKernel
        .filter((one) => one.format === format)
        .map(({ operator }) => operator),
      format,
    }),
  );
}

/** Layers that are listed; all of them are in the document. */
const SHOWN = 10;

function printLayers({ latency }: TimedLayers, output: Output): void {
  const slowest = latency.layers.toSorted((a, b) => b.plan + b.casts - (a.plan + a.casts)).slice(0, SHOWN);
  const rows = slowest.map(({ layer, fp32, plan, casts }) => [
    layer.name,
    layer.node.opType,
    formatMilliseconds(fp32),
    formatMilliseconds(plan),
    formatMilliseconds(casts),
  ]);
  output.line();
  const columns = [
    { title: 'slowest layers' },
    { title: 'operator' },
    { title: 'fp32', align: 'right' },
    { title: 'plan', align: 'right' },
    { title: 'casts', align: 'right' },
  ] as const;
  for (const line of formatTable(columns, rows)) output.line(line);
  output.line();
}

function printComparison({ differences, ratios }: BenchComparison, output: Output): void {
  output.line();
  for (const [name, ratio] of Object.entries(ratios)) {
    output.line(`${name}: ${ratio.toFixed(2)} times the earlier median`);
  }
  for (const difference of differences) output.line(`not comparable without care: ${difference}`);
}

function printBenchmark({ timed, models }: BenchedPlan, target: string, output: Output): void {
  const sizes = sizesOf(models);
  const columns = ['model', 'median', 'p10', 'p90', 'size', 'optimisation'];
  const rows = timed.rows.map((row) => [
    row.name,
    formatMilliseconds(row.median),
    formatMilliseconds(row.p10),
    formatMilliseconds(row.p90),
    formatSize(sizes[row.name] ?? 0),
    row.optimization,
  ]);
  for (const line of formatTable(
    columns.map((title, index) => ({ title, align: index > 0 && index < 5 ? 'right' : 'left' })),
    rows,
  )) {
    output.line(line);
  }
  output.line();
  output.line(
    `${timed.runs} runs each, in turns, on ${target} (${timed.device}, ${timed.threads} threads), ` +
      `ONNX Runtime ${timed.onnxRuntime}, load ${timed.load.toFixed(1)}`,
  );
  if (timed.busy) output.line('the machine was busy: trust no difference of a few percent');
  for (const note of timed.rows.flatMap((row) => row.notes)) output.note(note);
}
