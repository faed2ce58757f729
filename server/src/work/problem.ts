/** Why something that was asked for by name has no result: data that a terminal and an editor each show in their way. */
import { RuntimeFailure } from '../analysis/index.js';
import { errorsAmong, type Diagnostic } from '../language/index.js';
import { SourceFault } from '../onnx/index.js';
import type { BoundPlan } from '../plan/index.js';

/**
 * `input`: what was given cannot be used. `shortfall`: it could be, and what was asked for does not hold. `runtime`: ONNX
 * Runtime failed. `cancelled`: the caller's signal was aborted.
 */
export type WorkProblemKind = 'input' | 'shortfall' | 'runtime' | 'cancelled';

export interface WorkProblem {
  readonly kind: WorkProblemKind;
  readonly code: string;
  /** A whole sentence, with a way out where there is one. */
  readonly message: string;
  /** The file that it is about; undefined where it is about none. */
  readonly path?: string;
  /** What is wrong, each at its place in the plan or in the file that it names; empty where there is no such place. */
  readonly diagnostics: readonly Diagnostic[];
}

/** A problem in place of a result. */
export interface Refused {
  readonly problem: WorkProblem;
}

/** A problem that stands at no place in a plan. */
export function refused(kind: WorkProblemKind, code: string, message: string, path?: string): Refused {
  return { problem: { kind, code, message, diagnostics: [], ...(path === undefined ? {} : { path }) } };
}

/** The problem that diagnostics of `plan` are, if there is an error among them. */
export function refusedBy(
  kind: WorkProblemKind,
  plan: BoundPlan,
  diagnostics: readonly Diagnostic[],
): Refused | undefined {
  const errors = errorsAmong(diagnostics);
  const [first] = errors;
  if (first === undefined) return undefined;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const { code, message, path = plan.path } = first;
  return { problem: { kind, code, message: message + more, path, diagnostics } };
}

export function isRefused(result: object): result is Refused {
  return 'problem' in result;
}

/** What ends a piece of work other than its result. */
export interface Surroundings {
  readonly signal: AbortSignal;
  /** The path of a file of the model that has changed since the work began, if there is one. */
  readonly changedFile: () => string | undefined;
}

/**
 * Runs a piece of work. What stops it is a problem: cancelled, a failure of the runtime, a model that cannot be read any
 * more, or whose files changed meanwhile, which makes whatever was measured worthless and often is why the rest failed.
 * Faults of the program itself are thrown on.
 */
export async function guarded<T extends object>(
  { signal, changedFile }: Surroundings,
  work: () => Promise<T | Refused>,
): Promise<T | Refused> {
  let result: T | Refused;
  try {
    result = await work();
  } catch (error) {
    if (signal.aborted) return refused('cancelled', 'interrupted', 'interrupted');
    if (error instanceof RuntimeFailure) {
      return changed(changedFile()) ?? refused('runtime', `runtime-${error.kind}`, error.message);
    }
    if (!(error instanceof SourceFault)) throw error;
    const problem = changed(changedFile());
    if (problem !== undefined) return problem;
    // Without the system's word for it, bytes were asked for that the file never had.
    if (error.systemCode === undefined) throw error;
    return refused('input', 'model-unreadable', error.message);
  }
  return changed(changedFile()) ?? result;
}

function changed(path: string | undefined): Refused | undefined {
  if (path === undefined) return undefined;
  const message =
    'this file was changed while the model was run from it, so nothing that was found counts; run again';
  return refused('input', 'model-changed', message, path);
}
