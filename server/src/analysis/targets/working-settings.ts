/** Which settings of a session load and run a model at all: each is opened alone, and whose fault it is where none does. */
import {
  RuntimeFailure,
  type Runtime,
  type RuntimeFailureKind,
  type SessionRequest,
} from '../../runtime/index.js';
import type { Sample } from '../samples/index.js';
import { runSample, type WorkOptions } from '../sessions/evaluation.js';
import { failedLevelNote, noLevelMessage, type FailedLevel } from '../sessions/level-faults.js';
import { originalThere, type Original } from '../sessions/open-session.js';
import { requestOf, sameOptions, type SessionSettings } from './session-settings.js';

/** What settings are to blame for; anything else would end every one of them. */
const FAULTS: ReadonlySet<RuntimeFailureKind> = new Set(['crashed', 'refused', 'failed']);

/** Settings with which a model loads and runs. */
export interface WorkingSettings {
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
export async function workingSettings(
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
