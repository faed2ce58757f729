/** A problem of the work as the way in which a subcommand fails: its status, its place, and the option that is the way out. */
import { isRefused, type Refused, type WorkProblem, type WorkProblemKind } from '../work/index.js';
import { placeDiagnostics } from './diagnostics.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import type { LoadedPlan } from './load.js';

const STATUS: Readonly<Record<WorkProblemKind, ExitStatus>> = {
  input: EXIT.usage,
  shortfall: EXIT.short,
  runtime: EXIT.runtimeFailed,
  cancelled: EXIT.interrupted,
};

/** By code of a problem: what to do about it on a command line. */
const WAYS_OUT: Readonly<Record<string, string>> = {
  exists: 'choose another with -o',
  'target-unavailable': 'use --target cpu',
};

/** The result, or a `CommandFailure`; diagnostics get their lines from `loaded`. */
export function resultOf<T extends object>(result: T | Refused, loaded?: LoadedPlan): T {
  if (isRefused(result)) throw failureFor(result.problem, loaded);
  return result;
}

function failureFor(
  { kind, code, message, path, diagnostics }: WorkProblem,
  loaded: LoadedPlan | undefined,
): CommandFailure {
  const wayOut = WAYS_OUT[code];
  const text = wayOut === undefined ? message : `${message}; ${wayOut}`;
  const serious = diagnostics.filter((one) => one.severity === 'error' || one.severity === 'warning');
  const placed = loaded === undefined ? [] : placeDiagnostics(loaded.path, loaded.text, serious);
  return new CommandFailure(STATUS[kind], code, text, path, placed);
}
