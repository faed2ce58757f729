/**
 * Whole-model latency, executed for real: several model files in turns on the same input, so that a busy moment
 * of the machine hits all of them alike. Numbers come with their spread and with whether the machine was busy.
 */
import { loadavg } from 'node:os';
import type { OptimizationLevel, Runtime } from '../runtime/index.js';
import { putSample, type WorkOptions } from './evaluation.js';
import { openOptimized } from './open-session.js';
import type { Sample } from './samples/index.js';

export interface BenchmarkEntry {
  readonly name: string;
  readonly path: string;
}

export interface LatencyRow {
  readonly name: string;
  /** Milliseconds. */
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly optimization: OptimizationLevel;
  readonly notes: readonly string[];
}

export interface Benchmark {
  readonly device: string;
  readonly onnxRuntime: string;
  readonly threads: number;
  readonly runs: number;
  /** The spread is too wide, or the load too high, to trust differences of a few percent. */
  readonly busy: boolean;
  readonly load: number;
  readonly rows: readonly LatencyRow[];
}

/** Spread (p90 - p10) over median from which a row counts as disturbed. */
const WIDE_SPREAD = 0.3;

/** Runs before the clock counts: kernels choose algorithms and memory is laid out in the first ones. */
const WARM_UP_RUNS = 3;

/** Times `entries` in turns on `sample`, `runs` times each after a warm-up. */
export async function benchmark(
  runtime: Runtime,
  entries: readonly BenchmarkEntry[],
  sample: Sample,
  { runs, threads, signal, progress }: WorkOptions & { readonly runs: number; readonly threads: number },
): Promise<Benchmark> {
  const information = await runtime.information(signal);
  // First one by one: an optimisation level that kills the process would take the other sessions along.
  const levels = [];
  for (const entry of entries) {
    const { session, optimization, notes } = await openOptimized(runtime, entry.path, threads, signal);
    await runtime.close(session);
    levels.push({ entry, optimization, notes });
  }
  const opened = [];
  for (const level of levels) {
    const { optimization, entry } = level;
    const request = {
      model: { path: entry.path },
      provider: 'cpu',
      optimization,
      threads,
      timing: true,
    } as const;
    opened.push({ ...level, session: await runtime.open(request, signal) });
  }
  const feeds = await putSample(runtime, sample, signal);
  const timed = opened.map(({ session }) => ({ session, feeds }));
  await runtime.time(timed, WARM_UP_RUNS, signal);
  const times: number[][] = timed.map(() => []);
  // In small batches, so that progress shows and cancel works between them.
  const batch = Math.max(1, Math.ceil(runs / 20));
  for (let done = 0; done < runs; done += batch) {
    progress?.(done, runs, 'latency');
    const measured = await runtime.time(timed, Math.min(batch, runs - done), signal);
    for (const [index, own] of measured.entries()) times[index]?.push(...own);
  }
  progress?.(runs, runs, 'latency');
  const rows = opened.map(({ entry, optimization, notes }, index): LatencyRow => {
    const sorted = (times[index] ?? []).toSorted((a, b) => a - b);
    return {
      name: entry.name,
      median: quantile(sorted, 0.5),
      p10: quantile(sorted, 0.1),
      p90: quantile(sorted, 0.9),
      optimization,
      notes,
    };
  });
  for (const { session } of opened) await runtime.close(session);
  await runtime.release(Object.values(feeds));
  const load = loadavg()[0] ?? 0;
  const wide = rows.some((row) => (row.p90 - row.p10) / row.median > WIDE_SPREAD);
  const busy = wide || load > information.cores + threads;
  return {
    device: information.device,
    onnxRuntime: information.onnxRuntime,
    threads,
    runs,
    busy,
    load,
    rows,
  };
}

/** The value at `share` of a sorted list, interpolated between neighbours. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? below;
  return below + (above - below) * (position - Math.floor(position));
}
