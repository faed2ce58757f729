/** The fastest settings of a session for a written model, kept in a file beside it. */
import { basename } from 'node:path';
import { tuneSession, type Gain, type SessionTuning, type TimedSettings } from '../analysis/index.js';
import { formatMilliseconds } from '../report/index.js';
import { missingTarget } from './missing-target.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, refused, type Refused } from './problem.js';
import { replaceFile } from './replace-file.js';
import { VERSION } from './version.js';

export interface TunedSession {
  readonly tuning: SessionTuning;
  /** The file that was written. */
  readonly path: string;
  /** What precision gains and what the settings gain, beside each other; a gain within the spread is called none. */
  readonly sentences: readonly string[];
}

/** Timed runs of what is compared in the end, if not said otherwise. */
export const USUAL_TUNING_RUNS = 30;

/** The file beside a model that says how its session is best opened. */
export function sessionFile(model: string): string {
  return `${model}.session.json`;
}

/**
 * Tries settings for the model at `model` on the first sample, and writes the best to `sessionFile(model)`. `isMadeElsewhere`: the
 * model was not converted a moment ago, but found.
 */
export async function tuneExportedSession(
  work: Work,
  model: string,
  {
    runs = USUAL_TUNING_RUNS,
    isMadeElsewhere,
  }: { readonly runs?: number | undefined; readonly isMadeElsewhere?: boolean } = {},
): Promise<TunedSession | Refused> {
  const { plan, runtime, samples, target: provider, signal, progress } = work;
  const [sample] = samples;
  const original = plan.model.source.path;
  if (sample === undefined || original === undefined) {
    return refused('input', 'samples-unusable', 'there is no sample to time', model);
  }
  return await guarded(work, async () => {
    const missing = await missingTarget(work);
    if (missing !== undefined) return missing;
    const options = plan.targets.find(({ name }) => name === provider)?.options;
    const settings = { provider, options, isMadeElsewhere, runs, signal, progress };
    const tuning = await tuneSession(runtime, model, original, sample, settings);
    const path = sessionFile(model);
    const written = await replaceFile(path, settingsText(model, tuning));
    return isRefused(written) ? written : { tuning, path, sentences: sentencesOf(tuning) };
  });
}

/** Under ONNX Runtime's own names for the options of a session. */
function settingsText(
  model: string,
  { best, usual, original, precision, session, machine }: SessionTuning,
): string {
  const provider =
    Object.keys(best.options).length === 0 ? best.provider : { name: best.provider, ...best.options };
  const settings = {
    model: basename(model),
    executionProviders: [provider],
    graphOptimizationLevel: best.optimization,
    intraOpNumThreads: best.threads,
    medianMilliseconds: best.median,
    usualMedianMilliseconds: usual.median,
    originalMedianMilliseconds: original.median,
    gain: { precision, session: best === usual ? null : session },
    machine: { ...machine, onnxPrecision: VERSION },
    at: new Date().toISOString(),
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}

/** What is said of a tuning. */
export function sentencesOf({ original, usual, best, precision, session }: SessionTuning): readonly string[] {
  const threads = `${best.threads} ${best.threads === 1 ? 'thread' : 'threads'}`;
  const options = Object.entries(best.options).map(([name, value]) => `, ${name} ${String(value)}`);
  const settings = `${threads} at level ${best.optimization}${options.join('')}`;
  const ofPrecision = gainSentence('than the original', original, usual, precision);
  const ofSession =
    session === undefined ? undefined : gainSentence(`with ${settings}`, usual, best, session);
  return [
    `Precision: ${ofPrecision ?? `as fast as the original within the spread (${times(original, usual)})`}, both with the usual settings of a session.`,
    best !== usual && ofSession !== undefined
      ? `Session: ${ofSession}.`
      : `Session: nothing is faster than the usual settings beyond the spread: ${settings}.`,
  ];
}

/**
 * How many times faster the medians are, where runs beside each other say that there is a gain or a loss; undefined where it is within
 * the spread. Where they say something else of how large it is, the machine was busy, and that is told.
 */
function gainSentence(
  than: string,
  before: TimedSettings,
  after: TimedSettings,
  gain: Gain,
): string | undefined {
  const ofMedians = before.median / after.median;
  if (!gain.beyondSpread || ofMedians > 1 !== gain.median > 1) return undefined;
  const apart = Math.max(ofMedians / gain.median, gain.median / ofMedians);
  const doubt = apart > UNSURE ? `; the machine was busy: run beside run it is ${factor(gain.median)}` : '';
  return `${factor(ofMedians)} ${than} (${times(before, after)}${doubt})`;
}

/** Two ways of telling a gain that are this factor apart are not to be trusted. */
const UNSURE = 1.25;

function times(from: TimedSettings, to: TimedSettings): string {
  return `${formatMilliseconds(from.median)} → ${formatMilliseconds(to.median)}`;
}

function factor(gain: number): string {
  return gain >= 1 ? `${gain.toFixed(2)} times faster` : `${(1 / gain).toFixed(2)} times slower`;
}
