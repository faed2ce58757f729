/**
 * Opens a model file for execution at the highest optimisation level that the runtime survives. Some levels
 * refuse or crash on correct mixed-precision models; then one level lower is tried and the message says so.
 */
import { RuntimeFailure, type OptimizationLevel, type Runtime, type Session } from '../runtime/index.js';

export interface OpenedSession {
  readonly session: Session;
  readonly optimization: OptimizationLevel;
  /** One line for each level that failed: whose fault it was. */
  readonly notes: readonly string[];
}

const LEVELS: readonly OptimizationLevel[] = ['all', 'layout', 'extended', 'basic', 'disabled'];

/** `timing` as in `SessionRequest`. */
export interface OpenOptions {
  readonly threads: number;
  readonly timing?: boolean;
}

/** Opens the model file `path`; throws the last `RuntimeFailure` when no level works. */
export async function openOptimized(
  runtime: Runtime,
  path: string,
  options: OpenOptions,
  signal?: AbortSignal,
): Promise<OpenedSession> {
  const notes: string[] = [];
  let last: RuntimeFailure | undefined;
  for (const optimization of LEVELS) {
    try {
      const request = { ...options, model: { path }, provider: 'cpu', optimization } as const;
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
