/** `bench PLAN [--runs N]`: latency of FP32, the plan and all-FP16, in turns, executed for real. */
import { formatMilliseconds, formatSize } from '../report/index.js';
import { benchmarkPlan, USUAL_RUNS, type BenchedPlan } from '../work/index.js';
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
    options: { runs: { type: 'string', value: 'N', help: 'timed runs of each model (default 50)' } },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output } = context;
    const runs = parsed.integer('runs', USUAL_RUNS);
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    return withWork(loaded, plan, context, async (work) => {
      printBenchmark(resultOf(await benchmarkPlan(work, plan, { runs }), loaded), output);
      return errorsOf(plan) > 0 ? EXIT.short : EXIT.holds;
    });
  },
};

function printBenchmark({ timed, models }: BenchedPlan, output: Output): void {
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
