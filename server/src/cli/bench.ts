/** `bench PLAN [--runs N]`: latency of FP32, the plan and all-FP16, in turns, executed for real. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { benchmark, type Benchmark } from '../analysis/index.js';
import { externalLocations, weightsFolder, type Model } from '../onnx/index.js';
import type { BoundPlan } from '../plan/index.js';
import { formatMilliseconds, formatSize } from '../report/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { allLow, exportModel, type ExportedModel } from './export-model.js';
import { errorsOf, loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import type { Subcommand } from './subcommand.js';
import { formatTable } from './table.js';
import { withWork, type Work } from './work.js';

export const bench: Subcommand = {
  specification: {
    name: 'bench',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Latency of FP32, the plan and all-FP16 on this machine, in turns, with spread.',
    options: { runs: { type: 'string', value: 'N', help: 'timed runs of each model (default 50)' } },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output } = context;
    const runs = parsed.integer('runs', 50);
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    return withWork(loaded, plan, context, async (work) => {
      const { timed, models } = await benchPlan(work, plan, runs, output);
      printBenchmark(timed, models, output);
      return errorsOf(plan) > 0 ? EXIT.short : EXIT.holds;
    });
  },
};

/** Bytes of each model, external data included, and the casts of those that were converted. */
export interface BenchedModels {
  readonly fp32: { readonly bytes: number };
  readonly plan: { readonly bytes: number; readonly casts: number };
  readonly fp16: { readonly bytes: number; readonly casts: number };
}

/** Exports the plan and its all-FP16 variant to a folder that is removed again, and times them with the original. */
export async function benchPlan(
  work: Work,
  plan: BoundPlan,
  runs: number,
  output: Output,
): Promise<{ readonly timed: Benchmark; readonly models: BenchedModels }> {
  const [sample] = work.samples;
  const original = plan.model.source.path;
  if (sample === undefined || original === undefined) {
    throw new CommandFailure(EXIT.usage, 'samples-unusable', 'there is no sample to time', plan.path);
  }
  const folder = mkdtempSync(join(tmpdir(), 'onnx-precision-bench-'));
  try {
    const { loaded, signal, threads } = work;
    const low = allLow(plan, 'fp16');
    const mixed = await exportModel(loaded, plan, plan.decisions, join(folder, 'plan.onnx'), signal);
    const fp16 = await exportModel(loaded, plan, low, join(folder, 'fp16.onnx'), signal);
    const entries = [
      { name: 'fp32', path: original },
      { name: 'plan', path: mixed.path },
      { name: 'fp16', path: fp16.path },
    ];
    const models = {
      fp32: { bytes: originalBytes(plan.model) },
      plan: withData(mixed),
      fp16: withData(fp16),
    };
    const timed = await benchmark(work.runtime, entries, sample, {
      runs,
      threads,
      signal,
      progress: output.progress,
    });
    return { timed, models };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function withData({ bytes, externalBytes, casts }: ExportedModel): BenchedModels['plan'] {
  return { bytes: bytes + externalBytes, casts };
}

function originalBytes(model: Model): number {
  const data = [...externalLocations(model)].map((location) =>
    resolve(weightsFolder(model) ?? '.', location),
  );
  return data.reduce((sum, path) => sum + statSync(path).size, model.source.length);
}

function printBenchmark(timed: Benchmark, models: BenchedModels, output: Output): void {
  const sizes: Record<string, number> = {
    fp32: models.fp32.bytes,
    plan: models.plan.bytes,
    fp16: models.fp16.bytes,
  };
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
    `${timed.runs} runs each, in turns, on ${timed.device} with ${timed.threads} threads, ` +
      `ONNX Runtime ${timed.onnxRuntime}, load ${timed.load.toFixed(1)}`,
  );
  if (timed.busy) output.line('the machine was busy: trust no difference of a few percent');
  for (const note of timed.rows.flatMap((row) => row.notes)) output.note(note);
  output.document({
    target: 'cpu',
    device: timed.device,
    onnxRuntime: timed.onnxRuntime,
    threads: timed.threads,
    runs: timed.runs,
    busy: timed.busy,
    load: timed.load,
    rows: timed.rows.map((row) => ({ ...row, bytes: sizes[row.name] ?? 0 })),
  });
}
