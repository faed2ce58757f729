/**
 * The settings of a session that run a model fastest on a target: threads, optimisation levels and options of the provider, tried in
 * turns, so that a busy moment hits all alike: a few at a time, since each session holds the model's weights, with the usual one
 * among them each time, which tells how fast the machine was. What looked fastest is timed once more against the usual settings, since the
 * fastest of many is partly the luckiest. Knows two model files; what they compute does not change.
 */
import { availableParallelism, loadavg } from 'node:os';
import {
  RuntimeFailure,
  type RuntimeFailureKind,
  type OptimizationLevel,
  type Provider,
  type ProviderOptions,
  type Runtime,
  type RuntimeInformation,
  type Session,
  type SessionRequest,
} from '../../runtime/index.js';
import { quantile, spreadOf } from '../latency/benchmark.js';
import { WIDE_SPREAD } from '../latency/machine.js';
import { putSample, runSample, type Feeds, type WorkOptions } from '../sessions/evaluation.js';
import { failedLevelNote, noLevelMessage, type FailedLevel } from '../sessions/level-faults.js';
import { originalFile, originalThere, type Original } from '../sessions/open-session.js';
import type { Sample } from '../samples/index.js';

export interface SessionSettings {
  readonly provider: Provider;
  readonly options: ProviderOptions;
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

/** How many times faster, of runs in turns: each against the one beside it. */
export interface Gain {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  /** More than the spread: nine of ten runs gain, or nine of ten lose. */
  readonly beyondSpread: boolean;
}

type TimedMachine = Pick<RuntimeInformation, 'device' | 'platform' | 'cores' | 'onnxRuntime'>;

export interface SessionTuning {
  /** The original as a session is opened where nobody says how: all cores, all optimisations that work. */
  readonly original: TimedSettings;
  /** The model with the same settings. */
  readonly usual: TimedSettings;
  /** The same as `usual` where nothing is faster beyond the spread. */
  readonly best: TimedSettings;
  /** Of the model against the original, both with the usual settings. */
  readonly precision: Gain;
  /** Of what looked fastest against the usual settings; undefined where those did. */
  readonly session: Gain | undefined;
  /** All settings, fastest first; at the speed that the machine had with the first of them. */
  readonly tried: readonly TimedSettings[];
  /** Levels at which the runtime does not load or run a model, and why. */
  readonly notes: readonly string[];
  /** The spread is too wide, or the load too high, to trust differences of a few percent. */
  readonly busy: boolean;
  /** `device`: what the target computes on, the processor or the graphics devices. */
  readonly machine: TimedMachine;
}

export interface SessionTuningOptions extends WorkOptions {
  readonly provider: Provider;
  /** Those that the plan states, which are kept whatever is tried. */
  readonly options?: ProviderOptions | undefined;
  /** The model is not one that was converted here: nobody vouches for it. */
  readonly isMadeElsewhere?: boolean | undefined;
  /** Timed runs of what is compared in the end; the search takes a third of them for each setting. */
  readonly runs: number;
}

/** Runs before the clock counts. */
const WARM_UP_RUNS = 3;
const LEVELS: readonly OptimizationLevel[] = ['all', 'extended', 'basic', 'disabled'];

/** What is worth trying of the options that ONNX Runtime's interface for Node takes; the rest is about devices and checks. */
const TRIED_OPTIONS: Readonly<Partial<Record<Provider, readonly ProviderOptions[]>>> = {
  webgpu: [{ preferredLayout: 'NCHW' }, { preferredLayout: 'NHWC' }],
  coreml: [{ coreMlFlags: 16 }],
};

/** What settings are to blame for; anything else would end every one of them. */
const FAULTS: ReadonlySet<RuntimeFailureKind> = new Set(['crashed', 'refused', 'failed']);

/** Sessions that are open at once. */
export const MOST_OPEN = 6;

/** One setting of one model, open. */
interface Candidate {
  readonly settings: SessionSettings;
  readonly session: Session;
}

/**
 * Tries settings for the model at `path` on `sample`, and times it beside the one at `original`. On other targets than the CPU
 * threads make no difference and are not tried.
 */
export async function tuneSession(
  runtime: Runtime,
  path: string,
  original: string,
  sample: Sample,
  { provider, options = {}, isMadeElsewhere, runs, signal, progress }: SessionTuningOptions,
): Promise<SessionTuning> {
  const machine = await runtime.information(signal);
  const usual: SessionSettings = {
    ...{ provider, options, threads: availableParallelism(), optimization: 'all' },
  };
  const searched = Math.ceil(runs / 3);
  // Before anything is kept open: settings that end the process would take all of it along.
  const file = originalFile(runtime, original, [sample], signal);
  const source = file && { ...file, isMadeElsewhere };
  const working = await workingSettings(runtime, path, source, candidatesOf(usual), sample, {
    signal,
    progress,
  });
  const levels = LEVELS.map((optimization) => ({ ...usual, optimization }));
  const ofOriginal = await workingSettings(runtime, original, source, levels, sample, {
    signal,
    untilOneWorks: true,
  });
  const others = working.settings.filter((one) => one !== working.usual);
  const groups = groupsOf(others, MOST_OPEN - 1);
  const opened = new Set<Candidate>();
  let feeds: Feeds = {};
  const open = async (file: string, settings: SessionSettings): Promise<Candidate> => {
    const candidate = { settings, session: await runtime.open(requestOf(file, settings), signal) };
    opened.add(candidate);
    return candidate;
  };
  const timed = async (
    candidates: readonly Candidate[],
    { from, count }: { readonly from: number; readonly count: number },
  ): Promise<readonly number[][]> =>
    await timeInTurns(runtime, candidates, feeds, count, {
      signal,
      progress: (done) => progress?.(from + done, groups.length * searched + runs, 'settings of the session'),
    });
  const close = async (candidates: Iterable<Candidate>): Promise<void> => {
    for (const candidate of candidates) {
      opened.delete(candidate);
      await runtime.close(candidate.session);
    }
  };
  try {
    feeds = await putSample(runtime, sample, signal);
    const usually = await open(path, working.usual);
    const tried: TimedSettings[] = [];
    for (const [index, group] of groups.entries()) {
      const candidates = [usually];
      for (const settings of group) candidates.push(await open(path, settings));
      const times = await timed(candidates, { from: index * searched, count: searched });
      await close(candidates.slice(1));
      tried.push(...atSpeedOf(tried, candidates, times));
    }
    tried.sort((a, b) => a.median - b.median);
    const fastest = working.settings.find((one) => tried[0] !== undefined && sameSettings(one, tried[0]));
    if (fastest === undefined) throw new RangeError('one setting at least is tried');
    const last = [await open(original, ofOriginal.usual), usually];
    if (fastest !== working.usual) last.push(await open(path, fastest));
    const compared = await timed(last, { from: groups.length * searched, count: runs });
    const [exact, low, fast] = last.map(({ settings }, index): TimedSettings => ({
      ...settings,
      ...spreadOf(compared[index] ?? []),
    }));
    if (exact === undefined || low === undefined) throw new RangeError('two sessions at least are timed');
    const [ofExact = [], ofLow = [], ofFast] = compared;
    const session = ofFast === undefined ? undefined : gainOf(ofLow, ofFast);
    return {
      original: exact,
      usual: low,
      best: fast !== undefined && session !== undefined && isFaster(low, fast, session) ? fast : low,
      precision: gainOf(ofExact, ofLow),
      session,
      tried,
      notes: [...new Set([...working.notes, ...ofOriginal.notes])],
      busy: isBusy([exact, low, ...(fast === undefined ? [] : [fast])], machine),
      machine: timedMachine(machine, provider),
    };
  } finally {
    await close([...opened]);
    await runtime.release(Object.values(feeds));
  }
}

function isBusy(timed: readonly TimedSettings[], { cores }: RuntimeInformation): boolean {
  const wide = timed.some(({ median, p10, p90 }) => (p90 - p10) / median > WIDE_SPREAD);
  return wide || (loadavg()[0] ?? 0) > cores + availableParallelism();
}

/** On what it was timed: other targets than `cpu` do not compute on the processor. */
export function timedMachine(
  { device, graphics, platform, cores, onnxRuntime }: TimedMachine & Pick<RuntimeInformation, 'graphics'>,
  provider: Provider,
): TimedMachine {
  return { device: provider === 'cpu' ? device : graphics, platform, cores, onnxRuntime };
}

/** At least one group, of at most `length` each. */
function groupsOf(
  settings: readonly SessionSettings[],
  length: number,
): readonly (readonly SessionSettings[])[] {
  const groups: (readonly SessionSettings[])[] = [];
  for (let start = 0; start === 0 || start < settings.length; start += length) {
    groups.push(settings.slice(start, start + length));
  }
  return groups;
}

/**
 * What `times` tell of candidates, the first of which is timed with each group: as they would have been at the moment at which
 * it was timed for the first time, which is when it is among them.
 */
function atSpeedOf(
  before: readonly TimedSettings[],
  candidates: readonly Candidate[],
  times: readonly (readonly number[])[],
): readonly TimedSettings[] {
  const timed = candidates.map(({ settings }, at) => ({ ...settings, ...spreadOf(times[at] ?? []) }));
  const [now] = timed;
  const first = before[0] ?? now;
  const scale = first === undefined || now === undefined ? 1 : first.median / now.median;
  const scaled = timed.map(({ median, p10, p90, ...settings }): TimedSettings => ({
    ...settings,
    ...{ median: median * scale, p10: p10 * scale, p90: p90 * scale },
  }));
  return before.length === 0 ? scaled : scaled.slice(1);
}

/** Settings with which a model loads and runs. */
interface WorkingSettings {
  readonly settings: readonly SessionSettings[];
  /** The first of them that differs from the usual ones in its level at most. */
  readonly usual: SessionSettings;
  readonly notes: readonly string[];
}

/**
 * Which of `all`, the usual ones first and higher levels before lower ones, run the model at `file`: each is opened alone, run once and
 * closed. Nothing below the first that works is tried with `untilOneWorks`. Throws the last failure where the usual settings run it at no
 * level, with whose fault that is.
 */
async function workingSettings(
  runtime: Runtime,
  file: string,
  original: Original | undefined,
  all: readonly SessionSettings[],
  sample: Sample,
  { signal, progress, untilOneWorks = false }: WorkOptions & { readonly untilOneWorks?: boolean },
): Promise<WorkingSettings> {
  const settings: SessionSettings[] = [];
  const failed: (FailedLevel & { readonly settings: SessionSettings })[] = [];
  const isUsual = (one: SessionSettings): boolean =>
    one.threads === all[0]?.threads && sameOptions(one.options, all[0].options);
  for (const [index, one] of all.entries()) {
    progress?.(index, all.length, 'settings that work');
    const fault = await faultOf(runtime, requestOf(file, one), sample, signal);
    if (fault === undefined) {
      settings.push(one);
      if (untilOneWorks) break;
      continue;
    }
    failed.push({ ...fault, settings: one });
  }
  progress?.(all.length, all.length, 'settings that work');
  const usual = settings.find(isUsual);
  const [first] = all;
  if (first === undefined) throw new RangeError('one setting at least is tried');
  const { provider } = first;
  const suspect = { onnxRuntime: (await runtime.information(signal)).onnxRuntime, provider };
  if (usual === undefined) {
    const last = failed.findLast((one) => isUsual(one.settings));
    if (last === undefined) throw new RangeError('settings that were tried work or fail');
    const there = await originalThere(runtime, original, requestOf(file, last.settings), last, signal);
    throw new RuntimeFailure(last.failure.kind, noLevelMessage(last, suspect, there));
  }
  const notes = failed.map((one) => {
    const { options } = one.settings;
    const isStated = sameOptions(options, usual.options);
    return failedLevelNote(
      one,
      usual.optimization,
      suspect,
      isStated ? '' : ` with ${JSON.stringify(options)}`,
    );
  });
  return { settings, usual, notes };
}

/** What the runtime fails at when it opens a session and runs it once; undefined where both work. */
async function faultOf(
  runtime: Runtime,
  request: SessionRequest,
  sample: Sample,
  signal: AbortSignal | undefined,
): Promise<FailedLevel | undefined> {
  let during: FailedLevel['during'] = 'opening';
  try {
    const session = await runtime.open(request, signal);
    during = 'run';
    try {
      await runSample(runtime, session, sample, signal);
    } finally {
      await runtime.close(session);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || !FAULTS.has(error.kind)) throw error;
    return { optimization: request.optimization, during, failure: error };
  }
}

function requestOf(path: string, settings: SessionSettings): SessionRequest {
  const { options: providerOptions, provider, threads, optimization } = settings;
  return { model: { path }, provider, providerOptions, threads, optimization, timing: true };
}

/** The usual settings first. */
function candidatesOf(usual: SessionSettings): readonly SessionSettings[] {
  const { provider, options, threads: cores } = usual;
  const threads = provider === 'cpu' ? threadCounts(cores) : [cores];
  const choices = [options, ...(TRIED_OPTIONS[provider] ?? []).map((one) => ({ ...one, ...options }))];
  const all = choices
    .filter((one, at) => choices.findIndex((other) => sameOptions(one, other)) === at)
    .flatMap((own) =>
      threads.flatMap((count) =>
        LEVELS.map((optimization) => ({ provider, options: own, threads: count, optimization })),
      ),
    );
  const others = all.filter(
    (one) => !(sameOptions(one.options, options) && one.threads === cores && one.optimization === 'all'),
  );
  return [usual, ...others];
}

function sameSettings(one: SessionSettings, other: SessionSettings): boolean {
  return (
    one.threads === other.threads &&
    one.optimization === other.optimization &&
    sameOptions(one.options, other.options)
  );
}

function sameOptions(one: ProviderOptions, other: ProviderOptions): boolean {
  const text = (options: ProviderOptions): string =>
    JSON.stringify(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)));
  return text(one) === text(other);
}

/** Milliseconds by candidate and run; one round after the other, so that the nth runs of all stand beside each other. */
async function timeInTurns(
  runtime: Runtime,
  candidates: readonly Candidate[],
  feeds: Feeds,
  runs: number,
  {
    signal,
    progress,
  }: { readonly signal: AbortSignal | undefined; readonly progress: (done: number) => void },
): Promise<readonly number[][]> {
  const timed = candidates.map(({ session }) => ({ session, feeds }));
  await runtime.time(timed, WARM_UP_RUNS, signal);
  const times: number[][] = timed.map(() => []);
  for (let done = 0; done < runs; done++) {
    progress(done);
    const measured = await runtime.time(timed, 1, signal);
    for (const [index, row] of measured.entries()) times[index]?.push(...row);
  }
  progress(runs);
  return times;
}

/** Beyond the spread, run beside run, and in the medians that are told, too: a busy moment may have them contradict each other. */
export function isFaster(
  before: Pick<TimedSettings, 'median'>,
  after: Pick<TimedSettings, 'median'>,
  { beyondSpread, median }: Gain,
): boolean {
  return beyondSpread && median > 1 && after.median < before.median;
}

/** @param before milliseconds of runs, each beside the one of `after` at its place */
export function gainOf(before: readonly number[], after: readonly number[]): Gain {
  const ratios = before.map((time, at) => time / (after[at] ?? Number.NaN)).sort((a, b) => a - b);
  const [p10, median, p90] = [0.1, 0.5, 0.9].map((share) => quantile(ratios, share));
  const gain = { median: median ?? Number.NaN, p10: p10 ?? Number.NaN, p90: p90 ?? Number.NaN };
  // One run beside another tells nothing of chance.
  return { ...gain, beyondSpread: ratios.length > 1 && (gain.p10 > 1 || gain.p90 < 1) };
}

/** 1, 2, 4, ... and all cores. */
export function threadCounts(cores: number): readonly number[] {
  const counts: number[] = [];
  for (let count = 1; count < cores; count *= 2) counts.push(count);
  return [...counts, cores];
}
