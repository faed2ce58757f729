/** What the command's exit status says. */
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

/** Ends a subcommand with one clear message. Thrown by the command's own code only, caught in `main`. */
export class CommandFailure extends Error {
  constructor(
    readonly status: ExitStatus,
    readonly code: string,
    message: string,
    readonly path?: string,
  ) {
    super(message);
    this.name = 'CommandFailure';
  }
}
