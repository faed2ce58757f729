/**
 * The settings of a session that run a model fastest on a target: threads and optimisation levels tried in turns, so that a busy
 * moment hits all alike. Knows one model file; what it computes does not change.
 */
import { availableParallelism } from 'node:os';
import type { OptimizationLevel, Provider, Runtime, Session } from '../../runtime/index.js';
import { spreadOf } from '../benchmark.js';
import { putSample, type WorkOptions } from '../evaluation.js';
import { openOptimized } from '../open-session.js';
import type { Sample } from '../samples/index.js';

export interface SessionSettings {
  readonly provider: Provider;
  /** Intra-op threads. */
  readonly threads: number;
  readonly optimization: OptimizationLevel;
}

export interface TimedSettings extends SessionSettings {
  /** Milliseconds. */
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

export interface SessionTuning {
  /** As a session is opened where nobody says how: all cores, all optimisations. */
  readonly usual: TimedSettings;
  readonly best: TimedSettings;
  /** Fastest first. */
  readonly tried: readonly TimedSettings[];
  /** Settings at which the runtime does not load the model, and why. */
  readonly notes: readonly string[];
}

export interface SessionTuningOptions extends WorkOptions {
  readonly provider: Provider;
  /** Timed runs of each setting. */
  readonly runs: number;
}

/** Runs before the clock counts. */
const WARM_UP_RUNS = 3;
const LEVELS: readonly OptimizationLevel[] = ['all', 'extended', 'basic', 'disabled'];

/** Tries settings for the model at `path` on `sample`. On other targets than the CPU threads make no difference and are not tried. */
export async function tuneSession(
  runtime: Runtime,
  path: string,
  sample: Sample,
  { provider, runs, signal, progress }: SessionTuningOptions,
): Promise<SessionTuning> {
  const cores = availableParallelism();
  const threads = provider === 'cpu' ? threadCounts(cores) : [cores];
  const candidates = threads.flatMap((count) =>
    LEVELS.map((optimization) => ({ provider, threads: count, optimization })),
  );
  const notes: string[] = [];
  const opened: { readonly settings: SessionSettings; readonly session: Session }[] = [];
  const feeds = await putSample(runtime, sample, signal);
  try {
    for (const wanted of candidates) {
      const {
        session,
        optimization,
        notes: own,
      } = await openOptimized(
        runtime,
        path,
        { provider, threads: wanted.threads, timing: true, highest: wanted.optimization },
        signal,
      );
      if (optimization === wanted.optimization) opened.push({ settings: wanted, session });
      else {
        // A lower level is a candidate of its own.
        await runtime.close(session);
        notes.push(...own);
      }
    }
    const timed = opened.map(({ session }) => ({ session, feeds }));
    await runtime.time(timed, WARM_UP_RUNS, signal);
    const times: number[][] = timed.map(() => []);
    for (let done = 0; done < runs; done++) {
      progress?.(done, runs, 'settings of the session');
      const measured = await runtime.time(timed, 1, signal);
      for (const [index, row] of measured.entries()) times[index]?.push(...row);
    }
    progress?.(runs, runs, 'settings of the session');
    const tried = opened
      .map(({ settings }, index): TimedSettings => ({ ...settings, ...spreadOf(times[index] ?? []) }))
      .sort((a, b) => a.median - b.median);
    const usual = tried.find((one) => one.threads === cores && one.optimization === 'all') ?? tried[0];
    const [fastest] = tried;
    if (usual === undefined || fastest === undefined) throw new RangeError('one setting at least is tried');
    // A faster median within the spread of the usual settings is no gain.
    const best = fastest.p90 < usual.median ? fastest : usual;
    return { usual, best, tried, notes: [...new Set(notes)] };
  } finally {
    for (const { session } of opened) await runtime.close(session);
    await runtime.release(Object.values(feeds));
  }
}

/** 1, 2, 4, ... and all cores. */
export function threadCounts(cores: number): readonly number[] {
  const counts: number[] = [];
  for (let count = 1; count < cores; count *= 2) counts.push(count);
  return [...counts, cores];
}
