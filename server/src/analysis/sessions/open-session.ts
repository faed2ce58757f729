/**
 * Opens a model for execution at the highest optimisation level that the runtime survives. Some levels refuse or crash on correct
 * mixed-precision models, when they are opened or in a run; then one level lower is tried, and it is said whose fault it was.
 */
import {
  RuntimeFailure,
  type OptimizationLevel,
  type Provider,
  type ProviderOptions,
  type Runtime,
  type RuntimeFailureKind,
  type Session,
  type SessionRequest,
} from '../../runtime/index.js';
import { runSample } from './evaluation.js';
import {
  failedLevelNote,
  noLevelMessage,
  type FailedLevel,
  type OriginalThere,
  type Suspect,
} from './level-faults.js';
import type { Sample } from '../samples/index.js';

export interface OpenedSession {
  readonly session: Session;
  readonly optimization: OptimizationLevel;
  /** One for each level that failed: what it did, whose fault that is, and the way out. */
  readonly notes: readonly string[];
}

const LEVELS: readonly OptimizationLevel[] = ['all', 'layout', 'extended', 'basic', 'disabled'];

/** `timing` and `profile` as in `SessionRequest`. */
export interface OpenOptions {
  readonly threads: number;
  /** `cpu` if left out. */
  readonly provider?: Provider | undefined;
  readonly providerOptions?: ProviderOptions | undefined;
  /** The first level that is tried; `all` if left out. */
  readonly highest?: OptimizationLevel | undefined;
  readonly timing?: boolean;
  readonly profile?: boolean;
  /** What the model was made of, which may be the model itself: where no level runs the model, this tells whose fault it is. */
  readonly original?: Original | undefined;
  /**
   * The compute process was lost with all that was opened in it, and `use` will open what it needs anew. Without it a process
   * that dies in a run is the end.
   */
  readonly renew?: (() => void) | undefined;
}

/** The model that another one was made of. */
export interface Original {
  readonly model: SessionRequest['model'];
  /** Nobody here made the model of it: it is not known to be valid. Left out, it was converted here. */
  readonly isMadeElsewhere?: boolean | undefined;
  /** Runs it once, with inputs that are put anew; without it a failure in a run is blamed on nobody. */
  readonly run?: ((session: Session) => Promise<unknown>) | undefined;
}

/** The file of the original, to be run on the first of `samples`. */
export function originalFile(
  runtime: Runtime,
  path: string | undefined,
  [sample]: readonly Sample[],
  signal: AbortSignal | undefined,
): Original | undefined {
  if (path === undefined) return undefined;
  const run = sample && ((session: Session): Promise<void> => runSample(runtime, session, sample, signal));
  return { model: { path }, run };
}

/** What is a level's fault when a session is opened, and in a run. */
const BLAMED: Readonly<Record<FailedLevel['during'], ReadonlySet<RuntimeFailureKind>>> = {
  opening: new Set(['refused', 'crashed']),
  run: new Set(['failed', 'crashed']),
  'profiled run': new Set(['failed', 'crashed']),
};

/** Times that a level is begun again because the process ended in a call of somebody else's. */
const MOST_LOSSES = 3;

/**
 * Opens a model, by its path or as a variant, and gives the session to `use`; one level lower where the runtime does not open it or
 * where a run fails. The session is closed however it ends.
 *
 * @throws {RuntimeFailure} the last one, with whose fault it is, where no level works; what else `use` throws
 */
export async function withOptimized<T>(
  runtime: Runtime,
  file: string | SessionRequest['model'],
  { provider = 'cpu', highest = 'all', original, renew, ...settings }: OpenOptions,
  signal: AbortSignal | undefined,
  use: (opened: OpenedSession) => Promise<T>,
): Promise<T> {
  const model = asModel(file);
  const failed: FailedLevel[] = [];
  let losses = 0;
  let optimization: OptimizationLevel = highest;
  while (true) {
    const request = { ...settings, model, provider, optimization };
    let session: Session | undefined;
    try {
      session = await runtime.open(request, signal);
      const notes = await notesOn(failed, optimization, { runtime, provider, signal });
      return await use({ session, optimization, notes });
    } catch (error) {
      if (!(error instanceof RuntimeFailure)) throw error;
      const during = session === undefined ? 'opening' : settings.profile === true ? 'profiled run' : 'run';
      if (error.kind === 'stale' && renew !== undefined && losses < MOST_LOSSES) {
        losses += 1;
        renew();
        continue;
      }
      const isTheEnd = error.kind === 'crashed' && during !== 'opening' && renew === undefined;
      if (!BLAMED[during].has(error.kind) || isTheEnd) throw error;
      if (error.kind === 'crashed') renew?.();
      const last = { optimization, during, failure: error } as const;
      failed.push(last);
      const lower = LEVELS[LEVELS.indexOf(optimization) + 1];
      if (lower === undefined) {
        const suspect = await suspectOf({ runtime, provider, signal });
        const there = await originalThere(runtime, original, request, last, signal);
        throw new RuntimeFailure(error.kind, noLevelMessage(last, suspect, there));
      }
      optimization = lower;
    } finally {
      if (session !== undefined) await runtime.close(session);
    }
  }
}

interface Where {
  readonly runtime: Runtime;
  readonly provider: Provider;
  readonly signal: AbortSignal | undefined;
}

async function notesOn(
  failed: readonly FailedLevel[],
  below: OptimizationLevel,
  where: Where,
): Promise<readonly string[]> {
  if (failed.length === 0) return [];
  const suspect = await suspectOf(where);
  return failed.map((one) => failedLevelNote(one, below, suspect));
}

async function suspectOf({ runtime, provider, signal }: Where): Promise<Suspect> {
  return { onnxRuntime: (await runtime.information(signal)).onnxRuntime, provider };
}

/** What the original does where the model of `request`, made of it, does not get as far: it is opened, and run where that is what failed. */
export async function originalThere(
  runtime: Runtime,
  original: Original | undefined,
  request: SessionRequest,
  { during }: FailedLevel,
  signal: AbortSignal | undefined,
): Promise<OriginalThere> {
  if (original === undefined) return undefined;
  if (sameModel(request.model, original.model)) return 'same';
  if (during !== 'opening' && original.run === undefined) return undefined;
  try {
    const session = await runtime.open({ ...request, model: original.model }, signal);
    try {
      if (during !== 'opening') await original.run?.(session);
      return original.isMadeElsewhere === true ? 'another' : 'runs';
    } finally {
      await runtime.close(session);
    }
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || !(BLAMED.opening.has(error.kind) || BLAMED.run.has(error.kind)))
      throw error;
    return 'fails';
  }
}

function asModel(file: string | SessionRequest['model']): SessionRequest['model'] {
  return typeof file === 'string' ? { path: file } : file;
}

function sameModel(one: SessionRequest['model'], other: SessionRequest['model']): boolean {
  if ('path' in one) return 'path' in other && one.path === other.path;
  return 'bytes' in other && one.bytes === other.bytes;
}
