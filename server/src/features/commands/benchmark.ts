/**
 * `onnxPrecision.server.benchmark` [uri, { runs }?]: errors, latency and size of FP32, the plan and all-FP16 on the plan's target, and
 * what keeps FP16 from being faster there. Kept, and shown beside the earlier ones.
 */
import { basename } from 'node:path';
import { reportPage } from '../../report/index.js';
import {
  benchedPrices,
  type BenchedPrices,
  type ComparedPlan,
  comparePlan,
  explainBenchmark,
  type ExplainedBenchmark,
  isRefused,
  USUAL_RUNS,
  type Work,
} from '../../work/index.js';
import type { ServerCommand } from './command.js';
import type { CommandContext } from './context.js';
import { measuringCommand } from './measuring-command.js';
import { type CommandOutcome, outcomeOf, refusal } from './outcome.js';
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
  /** What keeps the plan from being faster. */
  readonly why: readonly string[];
  readonly device: string;
  /** Timed runs of each model, threads, and load average of the last minute. */
  readonly runs: number;
  readonly threads: number;
  readonly load: number;
  /** How many earlier benchmarks of this model on this target are kept. */
  readonly earlier: number;
}

export function benchmarkCommand(context: CommandContext): ServerCommand {
  return measuringCommand<BenchmarkResult>(
    {
      name: 'benchmark',
      title: 'Benchmarking',
      refuse: refusePlanErrors,
      measure: async (work, { plan }, { words: [options] }) => {
        const runs = runsOf(options);
        if (runs === undefined) {
          return refusal('usage', `the number of runs is a whole number from 1 to ${MOST_RUNS}`);
        }
        const counted = await work.counted(plan);
        const compared = await comparePlan(work, counted, { runs });
        if (isRefused(compared)) return outcomeOf(compared.problem);
        const explained = await explainBenchmark(work, counted, compared.benched);
        if (isRefused(explained)) return outcomeOf(explained.problem);
        const prices = await benchedPrices(work, counted, compared.benched);
        return isRefused(prices)
          ? outcomeOf(prices.problem)
          : outcomeOfCompared(work, compared, explained, prices);
      },
    },
    context,
  );
}

/** As many as anyone waits for. */
const MOST_RUNS = 9999;

/** Undefined for what is no number of runs. */
function runsOf(options: unknown): number | undefined {
  const runs: unknown =
    typeof options === 'object' && options !== null && 'runs' in options ? options.runs : USUAL_RUNS;
  return typeof runs === 'number' && Number.isInteger(runs) && runs >= 1 && runs <= MOST_RUNS
    ? runs
    : undefined;
}

function outcomeOfCompared(
  { plan, samples, target }: Work,
  { comparison, conclusions, device, versions, benched: { timed, ran } }: ComparedPlan,
  { why, speed, earlier, notes }: ExplainedBenchmark,
  prices: BenchedPrices,
): CommandOutcome<BenchmarkResult> {
  const name = basename(plan.path);
  const { runs, threads, load } = timed;
  const said = [...conclusions, ...why, prices.sentence, ...ran.sentences, ...notes];
  const circumstances =
    `${runs} runs each, in turns, on ${target}; ` +
    `${threads} ${threads === 1 ? 'thread' : 'threads'}, load ${load.toFixed(1)}.`;
  const page = reportPage({
    title: name,
    model: basename(plan.model.source.path ?? ''),
    plan: name,
    samples: samples.length,
    device,
    versions,
    conclusions: [...said, circumstances],
    comparison,
    earlier,
    verdicts: undefined,
    layers: undefined,
  });
  return {
    status: 'done',
    severity: 'information',
    message: said.join(' '),
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
      why,
      device,
      ...{ runs, threads, load, earlier: earlier.length },
    },
  };
}
