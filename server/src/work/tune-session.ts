/** The fastest settings of a session for a written model, kept in a file beside it. */
import { basename } from 'node:path';
import { tuneSession, type Gain, type SessionTuning, type TimedSettings } from '../analysis/index.js';
import { formatMilliseconds } from '../report/index.js';
import { mismatchAt } from './given-model.js';
import { missingTarget } from './missing-target.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, refused, type Refused } from './problem.js';
import { ranElsewhere, type RanElsewhere } from './ran-elsewhere.js';
import { modelHash, sessionFile } from './session-file.js';
import { replaceFile } from './replace-file.js';
import { VERSION } from './version.js';

export interface TunedSession {
  readonly tuning: SessionTuning;
  /** What of the model ran on another provider than the target, with the best settings. */
  readonly ran: RanElsewhere;
  /** The file that was written. */
  readonly path: string;
  /** What precision gains and what the settings gain, beside each other; a gain within the spread is called none. */
  readonly sentences: readonly string[];
}

/** Timed runs of what is compared in the end, if not said otherwise. */
export const USUAL_TUNING_RUNS = 30;

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
    const mismatch = isMadeElsewhere === true ? await mismatchAt(work, model) : undefined;
    if (mismatch !== undefined) return mismatch;
    const options = plan.targets.find(({ name }) => name === provider)?.options;
    const settings = { provider, options, isMadeElsewhere, runs, signal, progress };
    const tuning = await tuneSession(runtime, model, original, sample, settings);
    const path = sessionFile(model);
    const written = await replaceFile(path, settingsText(model, await modelHash(model, signal), tuning));
    if (isRefused(written)) return written;
    const { threads, optimization, options: best } = tuning.best;
    const ran = await ranElsewhere(work, [{ name: '', path: model, threads, optimization, options: best }]);
    return { tuning, path, ran, sentences: sentencesOf(tuning) };
  });
}

/** Under ONNX Runtime's own names for the options of a session. */
function settingsText(
  model: string,
  hash: string | undefined,
  { best, usual, original, precision, session, busy, machine }: SessionTuning,
): string {
  const provider =
    Object.keys(best.options).length === 0 ? best.provider : { name: best.provider, ...best.options };
  const settings = {
    model: basename(model),
    modelHash: hash,
    executionProviders: [provider],
    graphOptimizationLevel: best.optimization,
    intraOpNumThreads: best.threads,
    medianMilliseconds: best.median,
    usualMedianMilliseconds: usual.median,
    originalMedianMilliseconds: original.median,
    gain: { precision, session: best === usual ? null : session },
    busy,
    machine: { ...machine, onnxPrecision: VERSION },
    at: new Date().toISOString(),
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}

/** What is said of a tuning. */
export function sentencesOf({
  original,
  usual,
  best,
  precision,
  session,
  busy,
}: SessionTuning): readonly string[] {
  const threads = `${best.threads} ${best.threads === 1 ? 'thread' : 'threads'}`;
  const options = Object.entries(best.options).map(([name, value]) => `, ${name} ${String(value)}`);
  const settings = `${threads} at level ${best.optimization}${options.join('')}`;
  const ofPrecision = gainSentence('than the original', original, usual, precision);
  const ofSession =
    session === undefined ? undefined : gainSentence(`with ${settings}`, usual, best, session);
  return [
    `Precision: ${ofPrecision ?? `${noGain(original, usual)} (${times(original, usual)})`}, both with the usual settings of a session.`,
    best !== usual && ofSession !== undefined
      ? `Session: ${ofSession}.`
      : `Session: nothing is faster than the usual settings beyond the spread: ${settings}.`,
    ...(busy
      ? ['The machine was busy while it was timed: trust no difference of a few percent, and try again.']
      : []),
  ];
}

/** Medians that are this factor apart are those of models that are as fast as each other. */
const SAME_SPEED = 1.05;

/** Where runs beside each other tell neither a gain nor a loss: whether that is because there is none. */
function noGain(original: TimedSettings, usual: TimedSettings): string {
  const apart = Math.max(original.median / usual.median, usual.median / original.median);
  return apart <= SAME_SPEED
    ? 'as fast as the original within the spread'
    : 'whether it is faster than the original cannot be told, runs differ too much or are too few';
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
