/** What a subcommand is: its command line and what it does. One file per subcommand, the table is in `main`. */
import type { ParsedArguments, SubcommandSpecification } from './arguments.js';
import type { ExitStatus } from './exit-status.js';
import type { Output } from './output.js';

export interface SubcommandContext {
  readonly parsed: ParsedArguments;
  readonly output: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Subcommand {
  readonly specification: SubcommandSpecification;
  run(context: SubcommandContext): Promise<ExitStatus>;
}
