/**
 * Whole-model latency, executed for real: several model files in turns on the same input, so that a busy moment
 * of the machine hits all of them alike. Numbers come with their spread and with whether the machine was busy.
 */
import { loadavg } from 'node:os';
import {
  deviceWords,
  hasKnownCause,
  RuntimeFailure,
  type OptimizationLevel,
  type Provider,
  type Runtime,
  type Session,
} from '../../runtime/index.js';
import { putSample, runSample, type Feeds, type WorkOptions } from '../sessions/evaluation.js';
import { WIDE_SPREAD } from './machine.js';
import { originalFile, withOptimized, type OpenedSession } from '../sessions/open-session.js';
import type { Sample } from '../samples/index.js';

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
  /** Changes where the graphics devices or their drivers do. */
  readonly graphics: string;
  /** What sessions on a graphics device ran on, in words; undefined for others, and where the system does not tell. */
  readonly graphicsDevice: string | undefined;
  readonly platform: string;
  readonly cores: number;
  readonly onnxRuntime: string;
  readonly threads: number;
  readonly runs: number;
  /** The spread is too wide, or the load too high, to trust differences of a few percent. */
  readonly busy: boolean;
  readonly load: number;
  readonly rows: readonly LatencyRow[];
}

/** Of a batch: however many runs there are, it shows within seconds that something is done. */
const MOST_ROUNDS = 4;

/** Runs before the clock counts: kernels choose algorithms and memory is laid out in the first ones. */
const WARM_UP_RUNS = 3;

export interface BenchmarkOptions extends WorkOptions {
  readonly provider: Provider;
  readonly runs: number;
  readonly threads: number;
  /** The compute process was lost with all that others have open in it. */
  readonly renew?: (() => void) | undefined;
}

/** Times `entries`, the first of which the others were made of, in turns on `sample`, `runs` times each after a warm-up. */
export async function benchmark(
  runtime: Runtime,
  entries: readonly BenchmarkEntry[],
  sample: Sample,
  options: BenchmarkOptions,
): Promise<Benchmark> {
  const levels = await findLevels(runtime, entries, sample, options);
  try {
    return await timed(runtime, levels, sample, options);
  } catch (error) {
    if (!mayBeOfALevel(error)) throw error;
    // It took more than the first run to show. Which model it was, and at which level it does not happen, as many runs alone tell.
    if (error.kind === 'crashed') options.renew?.();
    const lower = await findLevels(runtime, entries, sample, options, WARM_UP_RUNS + options.runs);
    return await timed(runtime, lower, sample, options);
  }
}

/** Whether another level may do what failed in timed runs. */
export function mayBeOfALevel(error: unknown): error is RuntimeFailure {
  return (
    error instanceof RuntimeFailure &&
    (error.kind === 'crashed' || error.kind === 'failed') &&
    !hasKnownCause(error)
  );
}

/** A model and the level at which it is timed. */
type Levelled = BenchmarkEntry & Omit<OpenedSession, 'session'>;

async function timed(
  runtime: Runtime,
  levels: readonly Levelled[],
  sample: Sample,
  options: BenchmarkOptions,
): Promise<Benchmark> {
  const { provider, runs, threads, signal, progress } = options;
  const information = await runtime.information(signal);
  const sessions: Session[] = [];
  let feeds: Feeds = {};
  try {
    for (const { path, optimization } of levels) {
      const request = { model: { path }, provider, optimization, threads, timing: true } as const;
      sessions.push(await runtime.open(request, signal));
    }
    feeds = await putSample(runtime, sample, signal);
    const times = await timeInTurns(runtime, sessions, feeds, { runs, signal, progress });
    const rows = levels.map(({ name, optimization, notes }, index) => ({
      name,
      ...spreadOf(times[index] ?? []),
      optimization,
      notes,
    }));
    const load = loadavg()[0] ?? 0;
    const wide = rows.some((row) => (row.p90 - row.p10) / row.median > WIDE_SPREAD);
    const busy = wide || load > information.cores + threads;
    const { device, graphics, platform, cores, onnxRuntime } = information;
    const adapter = provider === 'webgpu' ? await runtime.graphicsDevice(signal) : undefined;
    const graphicsDevice = adapter && deviceWords(adapter);
    const machine = { device, graphics, graphicsDevice, platform, cores, onnxRuntime };
    return { ...machine, threads, runs, busy, load, rows };
  } finally {
    for (const session of sessions) await runtime.close(session);
    await runtime.release(Object.values(feeds));
  }
}

/** First one by one: an optimisation level that kills the process would take the other sessions along. */
async function findLevels(
  runtime: Runtime,
  entries: readonly BenchmarkEntry[],
  sample: Sample,
  { provider, threads, signal, renew }: BenchmarkOptions,
  runs = 1,
): Promise<readonly Levelled[]> {
  const options = {
    ...{ provider, threads, timing: true },
    renew: () => renew?.(),
    original: originalFile(runtime, entries[0]?.path, [sample], signal),
  };
  const levels: Levelled[] = [];
  for (const entry of entries) {
    const found = await withOptimized(runtime, entry.path, options, signal, async (opened) => {
      if (runs === 1) await runSample(runtime, opened.session, sample, signal);
      else await timeAlone(runtime, opened.session, sample, { runs, signal });
      return { optimization: opened.optimization, notes: opened.notes };
    });
    levels.push({ ...entry, ...found });
  }
  return levels;
}

/** Runs a session as often against the clock, by itself. */
export async function timeAlone(
  runtime: Runtime,
  session: Session,
  sample: Sample,
  { runs, signal }: Pick<BenchmarkOptions, 'runs' | 'signal'>,
): Promise<void> {
  const feeds = await putSample(runtime, sample, signal);
  try {
    await runtime.time([{ session, feeds }], runs, signal);
  } finally {
    await runtime.release(Object.values(feeds));
  }
}

/** Milliseconds by session and run. */
async function timeInTurns(
  runtime: Runtime,
  sessions: readonly Session[],
  feeds: Feeds,
  { runs, signal, progress }: Omit<BenchmarkOptions, 'threads' | 'provider'>,
): Promise<number[][]> {
  const timed = sessions.map((session) => ({ session, feeds }));
  await runtime.time(timed, WARM_UP_RUNS, signal);
  const times: number[][] = timed.map(() => []);
  // In small batches, so that progress shows and cancel works between them; in each, every session begins as often.
  const batch = Math.min(MOST_ROUNDS, Math.ceil(runs / 20 / timed.length)) * timed.length;
  for (let done = 0; done < runs; done += batch) {
    progress?.(done, runs, 'timed runs');
    const measured = await runtime.time(timed, Math.min(batch, runs - done), signal);
    for (const [index, own] of measured.entries()) times[index]?.push(...own);
  }
  progress?.(runs, runs, 'timed runs');
  return times;
}

/** Median with spread, in milliseconds. */
export function spreadOf(times: readonly number[]): Pick<LatencyRow, 'median' | 'p10' | 'p90'> {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), p10: quantile(sorted, 0.1), p90: quantile(sorted, 0.9) };
}

/** The value at `share` of a sorted list, interpolated between neighbours; NaN for an empty list. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? below;
  return below + (above - below) * (position - Math.floor(position));
}
