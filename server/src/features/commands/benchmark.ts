/** `onnxPrecision.server.benchmark` [uri]: errors, latency and size of FP32, the plan and all-FP16 on this machine. */
import { basename } from 'node:path';
import { concludeSpeed, reportPage } from '../../report/index.js';
import { type ComparedPlan, comparePlan, isRefused, type Work } from '../../work/index.js';
import type { ServerCommand } from './command.js';
import type { CommandContext } from './context.js';
import { measuringCommand } from './measuring-command.js';
import { type CommandOutcome, outcomeOf } from './outcome.js';
import { refusePlanErrors } from './plan-target.js';

export interface BenchmarkResult {
  /** FP32, the plan, all-FP16; latencies in milliseconds, sizes in bytes with external data. */
  readonly rows: readonly {
    readonly name: string;
    readonly latency: { readonly median: number; readonly p10: number; readonly p90: number } | null;
    readonly bytes: number;
    readonly casts: number;
  }[];
  /** Whether the plan or all-FP16 are faster than FP32 here by more than chance. */
  readonly pays: boolean;
  readonly conclusions: readonly string[];
  readonly device: string;
}

export function benchmarkCommand(context: CommandContext): ServerCommand {
  return measuringCommand<BenchmarkResult>(
    {
      name: 'benchmark',
      title: 'Benchmarking',
      refuse: refusePlanErrors,
      measure: async (work, { plan }) => {
        const compared = await comparePlan(work, await work.counted(plan));
        return isRefused(compared) ? outcomeOf(compared.problem) : outcomeOfCompared(work, compared);
      },
    },
    context,
  );
}

function outcomeOfCompared(
  { plan, samples }: Work,
  { comparison, conclusions, device, versions }: ComparedPlan,
): CommandOutcome<BenchmarkResult> {
  const name = basename(plan.path);
  const speed = concludeSpeed(comparison, 'fp16');
  const page = reportPage({
    title: name,
    model: basename(plan.model.source.path ?? ''),
    plan: name,
    samples: samples.length,
    device,
    versions,
    conclusions,
    comparison,
    verdicts: undefined,
    layers: undefined,
    largest: undefined,
  });
  return {
    status: 'done',
    severity: 'information',
    message: conclusions.join(' '),
    report: { title: `Benchmark ${name}`, page },
    speed: { path: plan.path, ...(speed?.pays === false ? { noGain: speed.sentence } : {}) },
    result: {
      rows: comparison.rows.map(({ name: row, latency, bytes, casts }) => ({
        name: row,
        latency:
          latency === undefined ? null : { median: latency.median, p10: latency.p10, p90: latency.p90 },
        bytes,
        casts,
      })),
      pays: speed?.pays === true,
      conclusions,
      device,
    },
  };
}
