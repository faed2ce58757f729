/**
 * Opens a model file for execution at the highest optimisation level that the runtime survives. Some levels
 * refuse or crash on correct mixed-precision models; then one level lower is tried and the message says so.
 */
import {
  RuntimeFailure,
  type OptimizationLevel,
  type Provider,
  type ProviderOptions,
  type Runtime,
  type Session,
  type SessionRequest,
} from '../runtime/index.js';

export interface OpenedSession {
  readonly session: Session;
  readonly optimization: OptimizationLevel;
  /** One line for each level that failed: whose fault it was. */
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
  readonly highest?: OptimizationLevel;
  readonly timing?: boolean;
  readonly profile?: boolean;
  /** The file that this one was converted from: whether that fails in the same way tells whose fault a failure is. */
  readonly original?: string | undefined;
}

/** Opens a model file by its path, or a variant; throws the last `RuntimeFailure` when no level works. */
export async function openOptimized(
  runtime: Runtime,
  file: string | SessionRequest['model'],
  { provider = 'cpu', highest = 'all', original, ...options }: OpenOptions,
  signal?: AbortSignal,
): Promise<OpenedSession> {
  const model = typeof file === 'string' ? { path: file } : file;
  const notes: string[] = [];
  let last: RuntimeFailure | undefined;
  for (const optimization of LEVELS.slice(LEVELS.indexOf(highest))) {
    try {
      const request = { ...options, model, provider, optimization };
      const session = await runtime.open(request, signal);
      return { session, optimization, notes };
    } catch (error) {
      if (!(error instanceof RuntimeFailure) || (error.kind !== 'crashed' && error.kind !== 'refused'))
        throw error;
      const request = { ...options, provider, optimization };
      const fault = original === undefined ? '' : ` ${await faultOf(runtime, original, request, signal)}`;
      last = fault === '' ? error : new RuntimeFailure(error.kind, `${error.message}${fault}`);
      notes.push(
        `ONNX Runtime ${error.kind} at optimisation level ${optimization}: ${error.message}${fault}`,
      );
    }
  }
  throw last ?? new RuntimeFailure('refused', 'no optimisation level was tried');
}

/** Whose fault it is that a converted model does not load: told by its original, loaded in the same way. */
async function faultOf(
  runtime: Runtime,
  original: string,
  request: Omit<SessionRequest, 'model'>,
  signal: AbortSignal | undefined,
): Promise<string> {
  try {
    await runtime.close(await runtime.open({ ...request, model: { path: original } }, signal));
    return 'The original loads in the same way and the types of this model are right, so the fault is that of ONNX Runtime.';
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || (error.kind !== 'crashed' && error.kind !== 'refused'))
      throw error;
    return 'The original does the same, so its precision has nothing to do with it.';
  }
}

/** What is done with a level that seems to work. */
export interface LevelWork<T> {
  readonly run: (highest: OptimizationLevel) => Promise<T>;
  /** The compute process was lost with all that was opened in it. */
  readonly renew: () => void;
}

/**
 * Does `run` at the highest level at which `file` loads; one level lower, with everything opened anew, where the process dies under
 * it. Throws what `run` throws at the lowest level. `notes` are those of the levels that failed.
 */
export async function onSurvivingLevel<T>(
  runtime: Runtime,
  file: string | SessionRequest['model'],
  options: OpenOptions,
  signal: AbortSignal | undefined,
  { run, renew }: LevelWork<T>,
): Promise<{ readonly result: T; readonly notes: readonly string[] }> {
  const probe = await openOptimized(runtime, file, options, signal);
  await runtime.close(probe.session);
  const notes = [...probe.notes];
  // A level that crashed took along what was open.
  if (notes.length > 0) renew();
  let level = probe.optimization;
  while (true) {
    try {
      return { result: await run(level), notes };
    } catch (error) {
      const lower = LEVELS[LEVELS.indexOf(level) + 1];
      const isLost = error instanceof RuntimeFailure && (error.kind === 'crashed' || error.kind === 'stale');
      if (!isLost || lower === undefined) throw error;
      notes.push(
        `ONNX Runtime did not survive a run at optimisation level ${level}, the same was done at ${lower}: ${error.message}`,
      );
      renew();
      level = lower;
    }
  }
}

/** What becomes of the work where the compute process dies under it. */
export interface RunOptions extends OpenOptions {
  /** `use` opens everything that it needs beside the session itself, so that it can begin again in a new process. */
  readonly startsAfresh?: boolean;
}

/**
 * Opens a model and gives the session to `use`; one level lower where a run fails in it, since some levels make of a correct model one
 * that loads and does not run, or kills its process. The session is closed however it ends. Throws what `use` throws at the lowest
 * level.
 */
export async function withOptimized<T>(
  runtime: Runtime,
  file: string | SessionRequest['model'],
  { startsAfresh = false, ...options }: RunOptions,
  signal: AbortSignal | undefined,
  use: (opened: OpenedSession) => Promise<T>,
): Promise<T> {
  const notes: string[] = [];
  const blamed: ReadonlySet<string> = new Set(startsAfresh ? ['failed', 'crashed'] : ['failed']);
  let highest = options.highest ?? 'all';
  while (true) {
    const opened = await openOptimized(runtime, file, { ...options, highest }, signal);
    notes.push(...opened.notes);
    try {
      return await use({ ...opened, notes: [...notes] });
    } catch (error) {
      const lower = LEVELS[LEVELS.indexOf(opened.optimization) + 1];
      if (!(error instanceof RuntimeFailure) || !blamed.has(error.kind) || lower === undefined) throw error;
      notes.push(
        `ONNX Runtime ${error.kind} in a run at optimisation level ${opened.optimization}: ${error.message}`,
      );
      highest = lower;
    } finally {
      await runtime.close(opened.session);
    }
  }
}
