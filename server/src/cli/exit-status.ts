/** What the command's exit status says, and the one way in which a subcommand fails. */
import { errorsAmong } from '../language/index.js';
import type { PlacedDiagnostic } from './diagnostics.js';

export const EXIT = {
  holds: 0,
  /** A tolerance or a check falls short. */
  short: 1,
  /** Wrong usage, or input that cannot be read. */
  usage: 2,
  runtimeFailed: 3,
  interrupted: 130,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** Ends a subcommand with one clear message. Thrown by the command's own code only, caught in `run.ts`. */
export class CommandFailure extends Error {
  constructor(
    readonly status: ExitStatus,
    readonly code: string,
    message: string,
    readonly path?: string,
    /** What is wrong, each at its place: printed instead of the message, which is that of the first error. */
    readonly diagnostics: readonly PlacedDiagnostic[] = [],
  ) {
    super(message);
    this.name = 'CommandFailure';
  }
}

/** The failure that diagnostics are, if there is an error among them. */
export function failureOf(
  status: ExitStatus,
  diagnostics: readonly PlacedDiagnostic[],
): CommandFailure | undefined {
  const errors = errorsAmong(diagnostics);
  const [first] = errors;
  if (first === undefined) return undefined;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new CommandFailure(status, first.code, first.message + more, first.path, diagnostics);
}
