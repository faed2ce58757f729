/**
 * Opens a model file for execution at the highest optimisation level that the runtime survives. Some levels
 * refuse or crash on correct mixed-precision models; then one level lower is tried and the message says so.
 */
import {
  RuntimeFailure,
  type OptimizationLevel,
  type Provider,
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
  /** The first level that is tried; `all` if left out. */
  readonly highest?: OptimizationLevel;
  readonly timing?: boolean;
  readonly profile?: boolean;
}

/** Opens a model file by its path, or a variant; throws the last `RuntimeFailure` when no level works. */
export async function openOptimized(
  runtime: Runtime,
  file: string | SessionRequest['model'],
  { provider = 'cpu', highest = 'all', ...options }: OpenOptions,
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
      last = error;
      notes.push(`ONNX Runtime ${error.kind} at optimisation level ${optimization}: ${error.message}`);
    }
  }
  throw last ?? new RuntimeFailure('refused', 'no optimisation level was tried');
}
