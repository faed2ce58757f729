/**
 * The settings of a session that run a model fastest on a target: threads, optimisation levels and options of the provider, tried in
 * turns, so that a busy moment hits all alike: a few at a time, since each session holds the model's weights, with the usual one
 * among them each time, which tells how fast the machine was. What looked fastest is timed once more against the usual settings, since the
 * fastest of many is partly the luckiest. Knows two model files; what they compute does not change.
 */
import { availableParallelism, loadavg } from 'node:os';
import {
  deviceWords,
  type GraphicsDevice,
  type Provider,
  type ProviderOptions,
  type Runtime,
  type RuntimeInformation,
  type Session,
} from '../../runtime/index.js';
import { spreadOf } from '../latency/benchmark.js';
import { WIDE_SPREAD } from '../latency/machine.js';
import type { Sample } from '../samples/index.js';
import { putSample, type Feeds, type WorkOptions } from '../sessions/evaluation.js';
import { originalFile } from '../sessions/open-session.js';
import { atSpeedOf, gainOf, isFaster, type Gain, type TimedSettings } from './session-gain.js';
import { candidatesOf, LEVELS, requestOf, sameSettings, type SessionSettings } from './session-settings.js';
import { workingSettings } from './working-settings.js';

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
  /** `device`: what the target computes on, the processor or the graphics device; all of them where it is not told which. */
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
      machine: timedMachine(machine, await runtime.graphicsDevice(signal), provider),
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
  adapter: Pick<GraphicsDevice, 'name' | 'isSoftware'> | undefined,
  provider: Provider,
): TimedMachine {
  const named = provider === 'webgpu' && adapter !== undefined ? deviceWords(adapter) : graphics;
  return { device: provider === 'cpu' ? device : named, platform, cores, onnxRuntime };
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
